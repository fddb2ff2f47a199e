package cmd

import (
	"os"
	"slices"
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
		ctrlC     bool
	}{
		{"Ctrl-C under a host", true, []os.Signal{os.Interrupt, os.Interrupt}, nil, false},
		{"SIGTERM under a host", true, []os.Signal{os.Interrupt, syscall.SIGTERM}, []string{"stop"}, false},
		{"SIGTERM again", true, []os.Signal{syscall.SIGTERM, os.Interrupt, syscall.SIGTERM}, []string{"stop", "kill"}, false},
		{"Ctrl-C at a terminal", false, []os.Signal{os.Interrupt}, []string{"stop"}, true},
		{"Ctrl-C again", false, []os.Signal{os.Interrupt, os.Interrupt}, []string{"stop", "kill"}, true},
		{"a reader that has gone", false, []os.Signal{syscall.SIGPIPE}, nil, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			var plugin stopCalls
			s := &signals{caught: make(chan os.Signal), done: make(chan struct{})}
			s.stop(&plugin, tc.underHost)
			for _, signal := range tc.signals {
				s.caught <- signal
			}
			close(s.done)
			s.wait.Wait()
			if s.interrupted() != tc.ctrlC {
				t.Errorf("interrupted = %t, want %t", s.interrupted(), tc.ctrlC)
			}
			if !slices.Equal(plugin.calls, tc.want) {
				t.Errorf("calls = %q, want %q", plugin.calls, tc.want)
			}
		})
	}
}
