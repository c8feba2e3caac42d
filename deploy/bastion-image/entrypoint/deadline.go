package main

import "time"

// checkEvery is how late a clock that was set can be noticed.
const checkEvery = 5 * time.Second

// remaining is the longest that may pass until the deadline. A clock before the activation is wrong, and then the
// activation is the best estimate of now.
func remaining(now, activatedAt, deadline time.Time) time.Duration {
	if now.Before(activatedAt) {
		now = activatedAt
	}
	// Without the monotonic readings: this is a question for the calendar.
	return deadline.Round(0).Sub(now.Round(0))
}

// isDue trusts whichever clock is further. One set back is caught by the monotonic clock, which nobody can set; time that
// the monotonic clock did not see, because the machine was paused, is caught by the wall clock.
func isDue(now, started time.Time, patience time.Duration, deadline time.Time) bool {
	return now.Sub(started) >= patience || !now.Round(0).Before(deadline)
}

// deadMan closes the channel once the deadline has come.
func deadMan(activatedAt, deadline time.Time) <-chan struct{} {
	due := make(chan struct{})
	started := time.Now()
	patience := remaining(started, activatedAt, deadline)
	go func() {
		defer close(due)
		for !isDue(time.Now(), started, patience, deadline) {
			time.Sleep(min(checkEvery, max(time.Millisecond, patience-time.Since(started))))
		}
	}()
	return due
}
