//go:build unix

package cmd

import (
	"context"
	"errors"
	"os"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/pyvider/rpcplugin/pkg/handshake"
)

// A signal that comes while the plugin is made is honoured as soon as it runs.
// While LookupEnv is asked for the host's ports, nothing runs yet.
func TestSignalBeforeThePluginRuns(t *testing.T) {
	for _, tc := range []struct {
		signal syscall.Signal
		want   int
	}{{syscall.SIGTERM, exitOK}, {syscall.SIGINT, exitInterrupted}} {
		t.Run(tc.signal.String(), func(t *testing.T) {
			var once sync.Once
			var stdout, stderr strings.Builder
			p := &Program{
				Args: []string{"rpcplugin", "serve"}, Stdin: strings.NewReader(""), Stdout: &stdout, Stderr: &stderr,
				LookupEnv: func(name string) (string, bool) {
					if name == handshake.EnvMinPort {
						once.Do(func() {
							if err := syscall.Kill(os.Getpid(), tc.signal); err != nil {
								t.Error(err)
							}
						})
					}
					return "", false
				},
			}
			ended := make(chan int, 1)
			go func() { ended <- p.Run(context.Background()) }()
			select {
			case code := <-ended:
				if code != tc.want {
					t.Errorf("exit code %d, want %d: %s", code, tc.want, stderr.String())
				}
			case <-time.After(15 * time.Second):
				t.Fatal("it serves on")
			}
		})
	}
}

// What comes before stop is not lost.
func TestSignalsWait(t *testing.T) {
	s := catchSignals()
	defer s.release()
	if err := syscall.Kill(os.Getpid(), syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	plugin := make(stopChannel, 1)
	s.stop(plugin, true)
	select {
	case <-plugin:
	case <-time.After(15 * time.Second):
		t.Error("SIGTERM did not stop it")
	}
}

// stopChannel gets a value when it is stopped.
type stopChannel chan struct{}

func (s stopChannel) Stop() { s <- struct{}{} }
func (s stopChannel) Kill() {}

// Ctrl-C ends something smaller as long as there is one, and then the whole.
func TestInterruptOfSomethingSmaller(t *testing.T) {
	smaller := make(chan bool, 2)
	smaller <- true
	smaller <- false
	asked := make(chan struct{}, 2)
	ctx, release := interruptible(t.Context(), func() bool {
		asked <- struct{}{}
		return <-smaller
	})
	defer release()
	for i, whole := range []bool{false, true} {
		if err := syscall.Kill(os.Getpid(), syscall.SIGINT); err != nil {
			t.Fatal(err)
		}
		<-asked
		if whole {
			<-ctx.Done()
		}
		if whole != (ctx.Err() != nil) {
			t.Errorf("after signal %d: %v", i+1, ctx.Err())
		}
	}
	if cause := context.Cause(ctx); !errors.Is(cause, errInterrupted) {
		t.Errorf("cause %v", cause)
	}
}
