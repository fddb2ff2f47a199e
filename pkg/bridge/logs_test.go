//go:build unix

package bridge_test

import (
	"bytes"
	"context"
	"strings"
	"testing"

	"github.com/pyvider/rpcplugin/internal/testpb"
	"github.com/pyvider/rpcplugin/pkg/services"
)

func TestStderrBecomesRecords(t *testing.T) {
	r := newRig(t, childConfig{StderrFirst: []string{
		"plain text",
		"[WARN] take care",
		`{"@level":"info","@message":"from hclog","@timestamp":"2024-01-02T03:04:05.678901Z","@module":"store","size":3}`,
		"ERROR:root:python says no",
		"Traceback (most recent call last):",
		`  File "x.py", line 1, in <module>`,
		"    boom()",
		"ValueError: boom",
		"after it",
	}})
	r.report()
	for _, want := range []string{
		"DEBUG plain text", "WARN take care", "INFO from hclog", "size=3", "ERROR python says no",
		"ERROR ValueError: boom", `File "x.py", line 1`, "DEBUG after it",
	} {
		eventually(t, patience, want, func() bool { return r.logs.has(want) })
	}
	if r.logs.has("DEBUG ValueError") || r.logs.has("DEBUG Traceback") {
		t.Errorf("the traceback is in pieces:\n%s", r.logs)
	}
	if r.crash.String() != "" {
		t.Errorf("a crash is reported: %q", r.crash)
	}
}

func TestStdoutReachesTheHost(t *testing.T) {
	r := newRig(t, childConfig{StdoutFirst: "said before\n"})
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var stdout, stderr shared
	copied := make(chan error, 1)
	go func() { copied <- services.CopyStdio(ctx, r.conn, &stdout, &stderr) }()
	if _, err := r.Unary(asking(t.Context(), "stdout"), &testpb.Message{Payload: []byte("\x00said later")}); err != nil {
		t.Fatal(err)
	}
	eventually(t, patience, "all has come", func() bool { return stdout.String() == "said before\n\x00said later" })
	if err := r.stop(); err != nil {
		t.Error(err)
	}
	if line := r.line.String(); strings.Count(line, "\n") != 1 || !strings.HasSuffix(line, "\n") {
		t.Errorf("the bridge's own stdout is %q, expected the handshake line alone", line)
	}
	if err := <-copied; err != nil {
		t.Errorf("stdio: %v", err)
	}
	if stderr.String() != "" {
		t.Errorf("stdio's stderr: %q", stderr.String())
	}
}

// What a child prints and nobody wants does not stop it.
func TestFloodOnStdout(t *testing.T) {
	r := newRig(t, childConfig{})
	for range 5 {
		if _, err := r.Unary(asking(t.Context(), "stdout"), &testpb.Message{Payload: bytes.Repeat([]byte("0123456789abcdef"), 1<<16)}); err != nil {
			t.Fatal(err)
		}
	}
}

// Neither do lines on stderr, however long.
func TestFloodOnStderr(t *testing.T) {
	r := newRig(t, childConfig{})
	if _, err := r.Unary(asking(t.Context(), "stderr"), &testpb.Message{Payload: bytes.Repeat([]byte("x"), 1<<20)}); err != nil {
		t.Fatal(err)
	}
}
