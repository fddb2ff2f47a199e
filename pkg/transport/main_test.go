package transport

import (
	"errors"
	"os"
	"testing"
	"time"

	"go.uber.org/goleak"
)

// roleKey names the variable that makes the test binary play a child.
const roleKey = "TRANSPORT_TEST_ROLE"

func TestMain(m *testing.M) {
	if role := os.Getenv(roleKey); role != "" {
		os.Exit(playRole(role, os.Args[1:]))
	}
	goleak.VerifyTestMain(m)
}

// shortDir is a temporary directory with room for a socket path.
func shortDir(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "tr")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

// wantReason fails the test unless err is an *Error of that reason, and gives it.
func wantReason(t testing.TB, err error, want Reason) *Error {
	t.Helper()
	var e *Error
	if !errors.As(err, &e) {
		t.Fatalf("got error %v (%T), want an *Error with reason %q", err, err, want)
	}
	if e.Reason != want {
		t.Fatalf("got reason %q (%v), want %q", e.Reason, e, want)
	}
	return e
}

// eventually polls until ok says so.
func eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	deadline := time.NewTimer(10 * time.Second)
	defer deadline.Stop()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for !ok() {
		select {
		case <-deadline.C:
			t.Fatalf("not within 10s: %s", what)
		case <-tick.C:
		}
	}
}

// exists reports whether there is anything at path.
func exists(t testing.TB, path string) bool {
	t.Helper()
	_, err := os.Lstat(path)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		t.Fatal(err)
	}
	return err == nil
}
