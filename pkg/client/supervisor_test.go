package client_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/pyvider/rpcplugin/internal/testpb"
	"github.com/pyvider/rpcplugin/pkg/client"
)

// supervised closes a Supervisor at the end of the test.
func supervised(t *testing.T, cfg client.Config, restart client.Restart) *client.Supervisor {
	t.Helper()
	tidy(t)
	s := client.Supervise(cfg, restart)
	t.Cleanup(func() { noError(t, s.Close(context.Background())) })
	return s
}

func TestSupervisorRestarts(t *testing.T) {
	for _, role := range []string{"ours", "go-plugin"} {
		t.Run(role, func(t *testing.T) {
			s := supervised(t, as(t, role, map[string]string{"go-plugin": "1"}[role]), client.Restart{Initial: time.Millisecond})
			pids := make(map[int]bool)
			for restarts := range 3 {
				c, err := s.Client(soon(t))
				noError(t, err)
				pids[c.Pid()] = true
				if got := c.Metrics().Restarts; got != restarts {
					t.Errorf("restarts are %d, expected %d", got, restarts)
				}
				say(t, c.Conn(), word("hello"))
				_, _ = testpb.NewEchoClient(c.Conn()).Unary(soon(t), word("crash"))
				receive(t, "Exited", c.Exited())
			}
			if len(pids) != 3 {
				t.Errorf("processes were %v, expected three", pids)
			}
			last, err := s.Client(soon(t))
			noError(t, err)
			noError(t, s.Close(context.Background()))
			if last.State() != client.StateExited {
				t.Errorf("after Close the plugin is %s", last.State())
			}
			if status, _ := last.LastWords(); status.Code != 0 {
				t.Errorf("the last plugin %s, expected a proper stop", status)
			}
		})
	}
}

func TestSupervisorGivesUp(t *testing.T) {
	versions := as(t, "go-plugin", "5,6")
	versions.AppVersions = []int{4}
	for _, test := range []struct {
		name     string
		cfg      client.Config
		reason   client.RestartReason
		attempts int
		last     client.Reason
	}{
		{"it ends each time", as(t, "exit", "3"), client.RestartExhausted, 3, client.ReasonExited},
		{"no such command", client.Config{Command: []string{"/no/such/command"}}, client.RestartFutile, 1, client.ReasonCommand},
		{"no command", client.Config{}, client.RestartFutile, 1, client.ReasonCommand},
		{"no common version", versions, client.RestartFutile, 1, client.ReasonLine},
		{"no handshake line", as(t, "speaker", "hello\n"), client.RestartFutile, 1, client.ReasonLine},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := supervised(t, test.cfg, client.Restart{Attempts: 3, Initial: time.Millisecond})
			_, err := s.Client(soon(t))
			var gaveUp *client.RestartError
			if !errors.As(err, &gaveUp) || gaveUp.Reason != test.reason || gaveUp.Attempts != test.attempts || gaveUp.Took <= 0 {
				t.Fatalf("the end is %v", err)
			}
			var last *client.Error
			if !errors.As(err, &last) || last.Reason != test.last {
				t.Errorf("the last failure is %v, expected %s", gaveUp.Last, test.last)
			}
			if hint := gaveUp.Hint(); hint != last.Hint() {
				t.Errorf("the hint is %q", hint)
			}
			receive(t, "Done", s.Done())
		})
	}
}

// Close does not wait for a start that goes nowhere.
func TestSupervisorClosesDuringAStart(t *testing.T) {
	started := make(chan string, 1)
	cfg := as(t, "printer", "")
	cfg.Trace = &client.Trace{ProcessStarted: func(id string) { started <- id }}
	s := supervised(t, cfg, client.Restart{})
	receive(t, "the process", started)
	began := time.Now()
	noError(t, s.Close(context.Background()))
	if took := time.Since(began); took > 3*time.Second {
		t.Errorf("Close took %s", took)
	}
	var gaveUp *client.RestartError
	if _, err := s.Client(soon(t)); !errors.As(err, &gaveUp) || gaveUp.Reason != client.RestartClosed || gaveUp.Last != nil {
		t.Errorf("after Close: %v", err)
	}
}
