package notify_test

import (
	"testing"
	"testing/synctest"
	"time"
)

// bubble runs the notifier in a time of its own, which passes only while nobody
// waits for an answer: hours take a moment. Its receivers live outside. They
// must close their connections, since one that is open keeps time from passing;
// so one that hangs cannot be tested like this.
func bubble(t *testing.T, f func(*testing.T)) {
	t.Helper()
	t.Parallel()
	synctest.Test(t, f)
}

// within sees that something comes to pass, and returns after how long.
func within(t *testing.T, most time.Duration, what string, ok func() bool) time.Duration {
	t.Helper()
	start := time.Now()
	for !ok() {
		if time.Since(start) > most {
			t.Fatalf("not within %v: %s", most, what)
		}
		time.Sleep(100 * time.Millisecond) // of the bubble's time
	}
	return time.Since(start)
}
