package main

import (
	"context"
	"encoding/json"
	"fmt"
	"sort"

	jsonpatch "gopkg.in/evanphx/json-patch.v4"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/validation/field"
	kjson "sigs.k8s.io/json"
)

// What is sent, and what it replaces, are written as merge patches of the base object of their kind.
type acceptCases struct {
	Bases map[string]map[string]any `json:"bases"`
	Cases []acceptCase              `json:"cases"`
}

type acceptCase struct {
	Name string         `json:"name"`
	Kind string         `json:"kind"`
	Sent map[string]any `json:"sent"`
	// Present: an update, of the base object with this patch.
	Old map[string]any `json:"old"`
}

type verdict struct {
	Name     string `json:"name"`
	Accepted bool   `json:"accepted"`
	// Pruned and with its defaults, when it is accepted.
	Spec   any       `json:"spec,omitempty"`
	Errors []refusal `json:"errors,omitempty"`
}

type refusal struct {
	Field  string `json:"field"`
	Type   string `json:"type"`
	Detail string `json:"detail"`
}

func accept(resources map[string]*resource, cases acceptCases) ([]verdict, error) {
	verdicts := []verdict{}
	for _, c := range cases.Cases {
		served, ok := resources[c.Kind]
		if !ok {
			return nil, fmt.Errorf("%s: unknown kind %q", c.Name, c.Kind)
		}
		found, err := served.judge(cases.Bases[c.Kind], c)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", c.Name, err)
		}
		verdicts = append(verdicts, found)
	}
	return verdicts, nil
}

func (r *resource) judge(base map[string]any, c acceptCase) (verdict, error) {
	ctx := context.Background()
	patched, err := mergePatch(base, c.Sent)
	if err != nil {
		return verdict{}, err
	}
	sent, err := r.receive(patched)
	if err != nil {
		return verdict{Name: c.Name, Errors: []refusal{{Field: "metadata", Type: "Malformed", Detail: err.Error()}}}, nil
	}
	var errs field.ErrorList
	if c.Old == nil {
		errs = r.main.Validate(ctx, sent)
	} else {
		previous, err := mergePatch(base, c.Old)
		if err != nil {
			return verdict{}, err
		}
		old, err := r.receive(previous)
		if err != nil {
			return verdict{}, err
		}
		sent.SetResourceVersion("1")
		old.SetResourceVersion("1")
		errs = r.main.ValidateUpdate(ctx, sent, old)
	}
	if len(errs) == 0 {
		return verdict{Name: c.Name, Accepted: true, Spec: sent.Object["spec"]}, nil
	}
	return verdict{Name: c.Name, Errors: refusals(errs)}, nil
}

func refusals(errs field.ErrorList) []refusal {
	found := []refusal{}
	for _, err := range errs {
		found = append(found, refusal{err.Field, string(err.Type), err.ErrorBody()})
	}
	sort.Slice(found, func(i, j int) bool {
		return found[i].Field+found[i].Detail < found[j].Field+found[j].Detail
	})
	return found
}

func mergePatch(base, patch map[string]any) (map[string]any, error) {
	before, err := json.Marshal(base)
	if err != nil {
		return nil, err
	}
	change, err := json.Marshal(patch)
	if err != nil {
		return nil, err
	}
	after, err := jsonpatch.MergePatch(before, change)
	if err != nil {
		return nil, err
	}
	patched := map[string]any{}
	if err := kjson.UnmarshalCaseSensitivePreserveInts(after, &patched); err != nil {
		return nil, err
	}
	return runtime.DeepCopyJSON(patched), nil
}
