//go:build unix

package bridge_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/pyvider/rpcplugin/internal/testpb"
	"github.com/pyvider/rpcplugin/pkg/bridge"
)

// poison is what a go-plugin host that reads it on a plugin's stderr dies of: a
// JSON line whose message is no text.
const poison = `{"@message": 5, "@level":"info"}`

// runWitness is a go-plugin host whose plugin's program dies at once. It prints
// its log once the program's last words are there.
func runWitness(cfg bridgeConfig) int {
	var log shared
	host, echo, err := goPluginHost(cfg, io.Discard, &log)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 3
	}
	defer host.Kill()
	if _, err := echo.Unary(context.Background(), &testpb.Message{}); status.Code(err) != codes.Internal {
		fmt.Fprintln(os.Stderr, "the call ended with", err)
		return 4
	}
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for began := time.Now(); !strings.Contains(log.String(), `panic: the plugin's program`) || strings.Count(log.String(), `after it`) < 2; <-tick.C {
		if time.Since(began) > patience {
			fmt.Fprintln(os.Stderr, log.String())
			return 5
		}
	}
	fmt.Fprintln(os.Stdout, log.String())
	return 0
}

// What a program prints before it dies must not kill its host.
func TestCrashReportHarmsNoHost(t *testing.T) {
	privateTemp(t)
	host := exec.CommandContext(t.Context(), self())
	host.Env = append(os.Environ(), as("witness", bridgeKey, bridgeConfig{
		Child: childConfig{StderrFirst: []string{poison, "after it"}, ExitFirst: true},
	})...)
	var stdout, stderr bytes.Buffer
	host.Stdout, host.Stderr = &stdout, &stderr
	if err := host.Run(); err != nil {
		t.Fatalf("the host ended with %v: %s", err, stderr.String())
	}
	if !strings.Contains(stdout.String(), `"@message":"| {\"@message\": 5, \"@level\":\"info\"}"`) {
		t.Errorf("the host's log has no line that is led by a bar:\n%s", stdout.String())
	}
}

// Every line of the crash report but the first is led by a bar.
func TestCrashReportIsBarred(t *testing.T) {
	r := newRig(t, childConfig{StderrFirst: []string{poison, "[ERROR] after it"}, ExitFirst: true})
	_, err := r.Unary(t.Context(), &testpb.Message{})
	if status.Code(err) != codes.Internal {
		t.Errorf("the call ended with %v", err)
	}
	first, rest, _ := strings.Cut(r.crash.String(), "\n")
	if !strings.HasPrefix(first, "panic: the plugin's program ") || !strings.Contains(first, " exited with status 7") {
		t.Errorf("the report begins with %q", first)
	}
	if want := "| " + poison + "\n| [ERROR] after it\n"; rest != want {
		t.Errorf("the report goes on with %q, expected %q", rest, want)
	}
}

// A crash that is reported as text is not logged besides; one that is not, is.
func TestCrashIsToldOnce(t *testing.T) {
	for name, report := range map[string]bool{"reported": true, "logged": false} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, childConfig{ExitFirst: true}, func(c *bridge.Config) {
				if !report {
					c.CrashReport = nil
				}
			})
			if _, err := r.Unary(t.Context(), &testpb.Message{}); status.Code(err) != codes.Internal {
				t.Errorf("the call ended with %v", err)
			}
			if logged := r.logs.has("ERROR the child has died"); logged == report {
				t.Errorf("logged: %t, reported: %t", logged, report)
			}
		})
	}
}
