// Command vectors prints what Kubernetes' own code says about this repository's custom resources: whether their definitions
// are valid, what they accept, and what server-side apply makes of them.
package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"

	kjson "sigs.k8s.io/json"
)

const usage = "usage: vectors crds FOLDER | vectors accept FOLDER CASES | vectors apply FOLDER CASES"

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(args []string) error {
	if len(args) < 2 {
		return errors.New(usage)
	}
	resources, err := loadResources(args[1])
	if err != nil {
		return err
	}
	switch {
	case args[0] == "crds" && len(args) == 2:
		for kind := range resources {
			fmt.Fprintf(os.Stderr, "%s is a valid CustomResourceDefinition\n", kind)
		}
		return nil
	case args[0] == "accept" && len(args) == 3:
		return answer(resources, args[2], accept)
	case args[0] == "apply" && len(args) == 3:
		return answer(resources, args[2], replay)
	}
	return errors.New(usage)
}

// answer prints one line for each case, so that a difference names its case.
func answer[Cases, Answer any](
	resources map[string]*resource, path string, find func(map[string]*resource, Cases) ([]Answer, error),
) error {
	var cases Cases
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	if err := kjson.UnmarshalCaseSensitivePreserveInts(text, &cases); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	found, err := find(resources, cases)
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	lines := make([]string, len(found))
	for index, one := range found {
		line, err := json.Marshal(one)
		if err != nil {
			return err
		}
		lines[index] = string(line)
	}
	_, err = fmt.Printf("[\n%s\n]\n", strings.Join(lines, ",\n"))
	return err
}
