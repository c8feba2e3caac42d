package main

import (
	"strings"
	"testing"
)

func TestWritesOneEventALineWithoutTheSecret(t *testing.T) {
	var out strings.Builder
	j := &journal{out: &out}
	j.hide("s3cret")
	j.say("first\nsecond s3cret")
	j.write(strings.Repeat("x", 10_000))
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	if len(lines) != 2 || lines[0] != "bastion: first second ***" || len(lines[1]) > longestLine+3 {
		t.Errorf("%d lines, the first is %q", len(lines), lines[0])
	}
}

func TestKeepsTheLastErrorOfTheAgent(t *testing.T) {
	j := &journal{out: new(strings.Builder)}
	if got := j.follow(strings.NewReader("ERROR one\nINFO two\nERROR three")); got != "three" {
		t.Errorf("complaint = %q", got)
	}
}
