package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"k8s.io/apiextensions-apiserver/pkg/apis/apiextensions"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	crdvalidation "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/validation"
	structuralschema "k8s.io/apiextensions-apiserver/pkg/apiserver/schema"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/defaulting"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/objectmeta"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/pruning"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/validation"
	"k8s.io/apiextensions-apiserver/pkg/registry/customresource"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apiserver/pkg/registry/rest"
	"sigs.k8s.io/structured-merge-diff/v4/fieldpath"
	"sigs.k8s.io/yaml"
)

type strategy interface {
	rest.RESTCreateStrategy
	rest.RESTUpdateStrategy
	GetResetFields() map[fieldpath.APIVersion]*fieldpath.Set
}

// resource is a custom resource as an API server would serve it.
type resource struct {
	crd        *apiextensionsv1.CustomResourceDefinition
	kind       schema.GroupVersionKind
	structural *structuralschema.Structural
	main       strategy
	status     strategy
}

func loadResources(folder string) (map[string]*resource, error) {
	paths, err := filepath.Glob(filepath.Join(folder, "*.yaml"))
	if err != nil {
		return nil, err
	}
	resources := map[string]*resource{}
	for _, path := range paths {
		loaded, err := loadResource(path)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		resources[loaded.kind.Kind] = loaded
	}
	if len(resources) == 0 {
		return nil, fmt.Errorf("%s holds no CustomResourceDefinition", folder)
	}
	return resources, nil
}

// loadResource refuses what an API server would refuse.
func loadResource(path string) (*resource, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	crd := &apiextensionsv1.CustomResourceDefinition{}
	if err := yaml.UnmarshalStrict(text, crd); err != nil {
		return nil, err
	}
	apiextensionsv1.SetObjectDefaults_CustomResourceDefinition(crd)
	// What the server fills in itself before it validates.
	crd.Status.StoredVersions = []string{crd.Spec.Versions[0].Name}
	crd.Status.AcceptedNames = crd.Spec.Names
	internal := &apiextensions.CustomResourceDefinition{}
	if err := apiextensionsv1.Convert_v1_CustomResourceDefinition_To_apiextensions_CustomResourceDefinition(crd, internal, nil); err != nil {
		return nil, err
	}
	if errs := crdvalidation.ValidateCustomResourceDefinition(context.Background(), internal); len(errs) > 0 {
		return nil, errs.ToAggregate()
	}
	return serve(crd)
}

func serve(crd *apiextensionsv1.CustomResourceDefinition) (*resource, error) {
	version := crd.Spec.Versions[0]
	internal := &apiextensions.CustomResourceValidation{}
	if err := apiextensionsv1.Convert_v1_CustomResourceValidation_To_apiextensions_CustomResourceValidation(version.Schema, internal, nil); err != nil {
		return nil, err
	}
	structural, err := structuralschema.NewStructural(internal.OpenAPIV3Schema)
	if err != nil {
		return nil, err
	}
	structural = structural.DeepCopy()
	if err := defaulting.PruneDefaults(structural); err != nil {
		return nil, err
	}
	whole, _, err := validation.NewSchemaValidator(internal.OpenAPIV3Schema)
	if err != nil {
		return nil, err
	}
	statusSchema := internal.OpenAPIV3Schema.Properties["status"]
	status, _, err := validation.NewSchemaValidator(&statusSchema)
	if err != nil {
		return nil, err
	}
	kind := schema.GroupVersionKind{Group: crd.Spec.Group, Version: version.Name, Kind: crd.Spec.Names.Kind}
	main := customresource.NewStrategy(
		typer{}, true, kind, whole, status, structural, &apiextensions.CustomResourceSubresourceStatus{}, nil, nil,
	)
	return &resource{crd, kind, structural, main, customresource.NewStatusStrategy(main)}, nil
}

// receive does what an API server does to an object it decodes: prunes it, drops nulls and fills in defaults.
func (r *resource) receive(object map[string]any) (*unstructured.Unstructured, error) {
	received, err := r.coerce(object)
	if err != nil {
		return nil, err
	}
	defaulting.Default(received.Object, r.structural)
	return received, nil
}

// coerce does what an API server does to an object it writes to its storage.
func (r *resource) coerce(object map[string]any) (*unstructured.Unstructured, error) {
	copied := runtime.DeepCopyJSON(object)
	metadata, _, err := objectmeta.GetObjectMeta(copied, false)
	if err != nil {
		return nil, err
	}
	apiVersion, kind := copied["apiVersion"], copied["kind"]
	pruning.Prune(copied, r.structural, true)
	defaulting.PruneNonNullableNullsWithoutDefaults(copied, r.structural)
	if metadata != nil {
		if err := objectmeta.SetObjectMeta(copied, metadata); err != nil {
			return nil, err
		}
	}
	copied["apiVersion"], copied["kind"] = apiVersion, kind
	return &unstructured.Unstructured{Object: copied}, nil
}

type typer struct{}

func (typer) ObjectKinds(object runtime.Object) ([]schema.GroupVersionKind, bool, error) {
	return []schema.GroupVersionKind{object.GetObjectKind().GroupVersionKind()}, false, nil
}

func (typer) Recognizes(schema.GroupVersionKind) bool { return true }
