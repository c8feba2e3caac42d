package main

import (
	"testing"
	"time"
)

var noon = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

func TestRemainingTakesTheActivationForNowWhenTheClockIsBehindIt(t *testing.T) {
	deadline := noon.Add(4 * time.Hour)
	if got := remaining(time.Unix(0, 0), noon, deadline); got != 4*time.Hour {
		t.Errorf("remaining = %s", got)
	}
	if got := remaining(noon.Add(time.Hour), noon, deadline); got != 3*time.Hour {
		t.Errorf("remaining = %s", got)
	}
	if got := remaining(noon.Add(5*time.Hour), time.Time{}, deadline); got >= 0 {
		t.Errorf("remaining = %s", got)
	}
}

func TestIsDueByTheWallClockWhateverTheMonotonicOneSays(t *testing.T) {
	started := time.Now()
	if !isDue(started, started, time.Hour, started.Add(-time.Second)) {
		t.Error("a passed deadline is not due")
	}
	if isDue(started, started, time.Hour, started.Add(time.Hour)) {
		t.Error("a deadline an hour away is due")
	}
}

func TestIsDueByTheMonotonicClockWhenTheWallClockWasSetBack(t *testing.T) {
	started := time.Now()
	// The wall clock seems to be a year from the deadline.
	if !isDue(started.Add(2*time.Second), started, time.Second, started.AddDate(1, 0, 0)) {
		t.Error("patience is over, and it is not due")
	}
}
