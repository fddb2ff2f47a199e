package cmd

import (
	"os"
	"slices"
	"sync"
	"syscall"
	"testing"
)

// stopCalls records how it is stopped.
type stopCalls struct{ calls []string }

func (s *stopCalls) Stop() { s.calls = append(s.calls, "stop") }
func (s *stopCalls) Kill() { s.calls = append(s.calls, "kill") }

func TestObey(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name      string
		underHost bool
		signals   []os.Signal
		want      []string
	}{
		{"Ctrl-C under a host", true, []os.Signal{os.Interrupt, os.Interrupt}, nil},
		{"SIGTERM under a host", true, []os.Signal{os.Interrupt, syscall.SIGTERM}, []string{"stop"}},
		{"SIGTERM again", true, []os.Signal{syscall.SIGTERM, os.Interrupt, syscall.SIGTERM}, []string{"stop", "kill"}},
		{"Ctrl-C at a terminal", false, []os.Signal{os.Interrupt}, []string{"stop"}},
		{"Ctrl-C again", false, []os.Signal{os.Interrupt, os.Interrupt}, []string{"stop", "kill"}},
		{"a reader that has gone", false, []os.Signal{syscall.SIGPIPE}, nil},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			var plugin stopCalls
			signals, done := make(chan os.Signal), make(chan struct{})
			var wait sync.WaitGroup
			wait.Go(func() { obey(signals, done, &plugin, tc.underHost) })
			for _, signal := range tc.signals {
				signals <- signal
			}
			close(done)
			wait.Wait()
			if !slices.Equal(plugin.calls, tc.want) {
				t.Errorf("calls = %q, want %q", plugin.calls, tc.want)
			}
		})
	}
}
