package main

import (
	"context"
	"errors"
	"fmt"
	"sort"
	"time"

	"k8s.io/apiextensions-apiserver/pkg/apiserver/conversion"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/defaulting"
	"k8s.io/apiextensions-apiserver/pkg/controller/openapi/builder"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/managedfields"
	"k8s.io/apiserver/pkg/endpoints/handlers/fieldmanager"
	"sigs.k8s.io/structured-merge-diff/v4/fieldpath"
)

// Objects of the same kind, written step after step.
type scenario struct {
	Name  string `json:"name"`
	Kind  string `json:"kind"`
	Steps []step `json:"steps"`
}

type step struct {
	// store: as it stands, past all bookkeeping. create and update: a whole object. patch: a JSON merge patch. apply.
	Verb        string         `json:"verb"`
	Manager     string         `json:"manager"`
	Force       bool           `json:"force"`
	Subresource string         `json:"subresource"`
	Object      map[string]any `json:"object"`
}

type replayed struct {
	Name  string   `json:"name"`
	Steps []result `json:"steps"`
}

// An object, or conflicts with their message, or another error.
type result struct {
	Object    map[string]any `json:"object,omitempty"`
	Message   string         `json:"message,omitempty"`
	Conflicts []conflict     `json:"conflicts,omitempty"`
	Error     string         `json:"error,omitempty"`
}

type conflict struct {
	Field   string `json:"field"`
	Message string `json:"message"`
}

func replay(resources map[string]*resource, scenarios []scenario) ([]replayed, error) {
	all := []replayed{}
	for _, s := range scenarios {
		served, ok := resources[s.Kind]
		if !ok {
			return nil, fmt.Errorf("%s: unknown kind %q", s.Name, s.Kind)
		}
		managers, err := newFieldManagers(served)
		if err != nil {
			return nil, err
		}
		done := replayed{Name: s.Name}
		var live *unstructured.Unstructured
		for index, next := range s.Steps {
			written, answer, err := managers.take(live, next, stepTime(index))
			if err != nil {
				return nil, fmt.Errorf("%s, step %d: %w", s.Name, index, err)
			}
			live = written
			done.Steps = append(done.Steps, answer)
		}
		all = append(all, done)
	}
	return all, nil
}

// Every step has a minute of its own, long before the present, so that the machine's clock never shows in the output.
func stepTime(index int) metav1.Time {
	return metav1.NewTime(time.Date(2020, 1, 1, 0, index, 0, 0, time.UTC))
}

// fieldManagers keep the ownership of fields, one for writes of the object and one for those of its status.
type fieldManagers struct {
	served         *resource
	object, status *managedfields.FieldManager
}

func newFieldManagers(served *resource) (*fieldManagers, error) {
	openapi, err := builder.BuildOpenAPIV3(served.crd, served.kind.Version, builder.Options{})
	if err != nil {
		return nil, err
	}
	types, err := managedfields.NewTypeConverter(openapi.Components.Schemas, false)
	if err != nil {
		return nil, err
	}
	factory, err := conversion.NewCRConverterFactory(nil, nil)
	if err != nil {
		return nil, err
	}
	converter, _, err := factory.NewConverter(served.crd)
	if err != nil {
		return nil, err
	}
	build := func(subresource string, s strategy) (*managedfields.FieldManager, error) {
		return managedfields.NewDefaultCRDFieldManager(
			types, converter, defaulter{served}, creator{}, served.kind, served.kind.GroupVersion(), subresource,
			fieldpath.NewExcludeFilterSetMap(s.GetResetFields()),
		)
	}
	object, err := build("", served.main)
	if err != nil {
		return nil, err
	}
	status, err := build("status", served.status)
	return &fieldManagers{served, object, status}, err
}

func (f *fieldManagers) take(
	live *unstructured.Unstructured, next step, now metav1.Time,
) (*unstructured.Unstructured, result, error) {
	if next.Verb == "store" {
		stored := &unstructured.Unstructured{Object: next.Object}
		return stored, result{Object: runtime.DeepCopyJSON(stored.Object)}, nil
	}
	changed, err := f.change(live, next)
	if err != nil {
		var refused *apierrors.StatusError
		if errors.As(err, &refused) && apierrors.IsConflict(err) {
			return live, result{Message: refused.ErrStatus.Message, Conflicts: conflictsOf(refused)}, nil
		}
		return live, result{Error: err.Error()}, nil
	}
	written, err := f.write(live, changed, next.Subresource)
	if err != nil {
		return nil, result{}, err
	}
	setTimes(written, now)
	return written, result{Object: runtime.DeepCopyJSON(written.Object)}, nil
}

func (f *fieldManagers) change(live *unstructured.Unstructured, next step) (*unstructured.Unstructured, error) {
	manager := f.object
	if next.Subresource == "status" {
		manager = f.status
	}
	before := live
	if before == nil {
		before = &unstructured.Unstructured{Object: map[string]any{}}
		before.SetGroupVersionKind(f.served.kind)
	}
	if next.Verb == "apply" {
		applied, err := manager.Apply(
			before.DeepCopy(), &unstructured.Unstructured{Object: next.Object}, next.Manager, next.Force,
		)
		if err != nil {
			return nil, err
		}
		return applied.(*unstructured.Unstructured), nil
	}
	sent, err := f.sent(before, next)
	if err != nil {
		return nil, err
	}
	return manager.UpdateNoErrors(before.DeepCopy(), sent, next.Manager).(*unstructured.Unstructured), nil
}

func (f *fieldManagers) sent(live *unstructured.Unstructured, next step) (*unstructured.Unstructured, error) {
	if next.Verb != "patch" {
		return f.served.receive(next.Object)
	}
	patched, err := mergePatch(live.Object, next.Object)
	if err != nil {
		return nil, err
	}
	return f.served.receive(patched)
}

// write is the way of a changed object into the storage and back.
func (f *fieldManagers) write(
	live, changed *unstructured.Unstructured, subresource string,
) (*unstructured.Unstructured, error) {
	ctx := context.Background()
	if live == nil {
		f.served.main.PrepareForCreate(ctx, changed)
		changed.SetUID("1")
		changed.SetCreationTimestamp(stepTime(0))
	} else {
		if _, err := fieldmanager.IgnoreManagedFieldsTimestampsTransformer(ctx, changed, live); err != nil {
			return nil, err
		}
		if subresource == "status" {
			f.served.status.PrepareForUpdate(ctx, changed, live)
		} else {
			f.served.main.PrepareForUpdate(ctx, changed, live)
		}
		changed.SetUID(live.GetUID())
		changed.SetCreationTimestamp(live.GetCreationTimestamp())
	}
	unstructured.RemoveNestedField(changed.Object, "metadata", "generation")
	return f.served.receive(changed.Object)
}

// setTimes gives what was written just now the time of its step.
func setTimes(object *unstructured.Unstructured, now metav1.Time) {
	entries := object.GetManagedFields()
	for index, entry := range entries {
		if entry.Time != nil && entry.Time.Year() > stepTime(0).Year() {
			entries[index].Time = &now
		}
	}
	object.SetManagedFields(entries)
}

// conflictsOf sorts by message, since Kubernetes' order among managers is random.
func conflictsOf(refused *apierrors.StatusError) []conflict {
	found := []conflict{}
	for _, cause := range refused.ErrStatus.Details.Causes {
		found = append(found, conflict{cause.Field, cause.Message})
	}
	sort.SliceStable(found, func(i, j int) bool { return found[i].Message < found[j].Message })
	return found
}

type defaulter struct{ served *resource }

func (d defaulter) Default(object runtime.Object) {
	defaulting.Default(object.(*unstructured.Unstructured).Object, d.served.structural)
}

type creator struct{}

func (creator) New(kind schema.GroupVersionKind) (runtime.Object, error) {
	object := &unstructured.Unstructured{}
	object.SetGroupVersionKind(kind)
	return object, nil
}
