//go:build unix

package bridge_test

import (
	"bytes"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"github.com/pyvider/rpcplugin/internal/testpb"
	"github.com/pyvider/rpcplugin/pkg/bridge"
)

const python = "../../examples/python/.venv/bin/python3"

// newPython is a rig with a child in Python.
func newPython(t *testing.T, network string) *rig {
	t.Helper()
	if output, err := exec.CommandContext(t.Context(), python, "-c", "import grpc").CombinedOutput(); err != nil {
		t.Skipf("no Python with grpcio in %s: %v %s", python, err, output)
	}
	return newRig(t, childConfig{}, func(c *bridge.Config) {
		c.Command, c.Env, c.ChildNetwork = []string{python, "testdata/echo_child.py"}, nil, network
	})
}

func TestPythonChild(t *testing.T) {
	for _, network := range []string{"unix", "tcp"} {
		t.Run(network, func(t *testing.T) {
			began := time.Now()
			r := newPython(t, network)
			var trailer metadata.MD
			answer, err := r.Unary(t.Context(), &testpb.Message{Payload: []byte("one")}, grpc.Trailer(&trailer))
			if err != nil || string(answer.GetPayload()) != "one" {
				t.Fatalf("unary: %v", err)
			}
			t.Logf("first answer after %s", time.Since(began))
			if got := trailer.Get("x-raw-bin"); !slices.Equal(got, []string{"\x00\xff"}) || len(trailer.Get("x-language")) != 1 {
				t.Errorf("trailer: %v", trailer)
			}
			payload := bytes.Repeat([]byte("twenty megabytes"), 20<<16)
			if answer, err = r.Unary(t.Context(), &testpb.Message{Payload: payload}); err != nil || !bytes.Equal(answer.GetPayload(), payload) {
				t.Errorf("20 MiB: %v", err)
			}
			bidi(t, r, 20)
			_, err = r.Unary(asking(t.Context(), "raise"), &testpb.Message{})
			if status.Code(err) != codes.Unknown || !strings.Contains(err.Error(), "no cheese") {
				t.Errorf("an exception: %v", err)
			}
			eventually(t, patience, "the traceback is one record", func() bool { return r.logs.has("ERROR ValueError: no cheese") })
			if err := r.stop(); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestPythonChildDies(t *testing.T) {
	r := newPython(t, "unix")
	_, err := r.Unary(asking(t.Context(), "exit"), &testpb.Message{})
	if status.Code(err) != codes.Internal || !strings.Contains(err.Error(), "exited with status 3") || !strings.Contains(err.Error(), "going") {
		t.Errorf("got %v", err)
	}
}
