package main

import (
	"bytes"
	"io"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// shared is a buffer that hooks and calls write to side by side.
type shared struct {
	mu sync.Mutex
	bytes.Buffer
}

func (s *shared) Write(data []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.Buffer.Write(data)
}

// build builds a program of this module or of one that it knows.
func build(t *testing.T, name string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "program.exe")
	if output, err := exec.Command("go", "build", "-o", path, name).CombinedOutput(); err != nil {
		t.Fatalf("go build %s: %v\n%s", name, err, output)
	}
	return path
}

func TestHost(t *testing.T) {
	const (
		published = "github.com/hashicorp/go-plugin/examples/grpc/plugin-go-grpc"
		ours      = "github.com/pyvider/rpcplugin/examples/go/plugin"
	)
	host := build(t, ".")
	for _, test := range []struct {
		name, plugin string
		flags        []string
		tls          bool
	}{
		{"go-plugin's", published, nil, true},
		{"go-plugin's without TLS", published, []string{"-plain"}, false},
		{"ours", ours, nil, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			program := exec.Command(host, append(test.flags, "-key", "k", "-value", "v", build(t, test.plugin))...)
			program.Dir = t.TempDir() // the plugin's, too: it stores values there
			output, err := program.CombinedOutput()
			if err != nil {
				t.Fatalf("%v\n%s", err, output)
			}
			for _, want := range []string{
				" starting [", " handshake line: version 1", "the plugin is ready", "/proto.KV/Put: OK in ", `k = "v`,
				"the plugin is stopping", "the process exited with status 0", "calls: 2, failed: 0; bytes in: ",
			} {
				if !strings.Contains(string(output), want) {
					t.Errorf("%q is not in the output", want)
				}
			}
			if strings.Contains(string(output), "TLS in ") != test.tls {
				t.Errorf("a TLS handshake is expected to be %t", test.tls)
			}
			if t.Failed() {
				t.Logf("%s", output)
			}
		})
	}
}

func TestHostWithoutAPlugin(t *testing.T) {
	if err := run(t.Context(), nil, io.Discard); err == nil || !strings.Contains(err.Error(), "no plugin given") {
		t.Errorf("without arguments: %v", err)
	}
	var out shared
	if err := run(t.Context(), []string{"/no/such/plugin"}, &out); err == nil || !strings.Contains(err.Error(), `"/no/such/plugin" not found`) {
		t.Errorf("without a program: %v", err)
	}
}

func TestPluginOutputIsMarked(t *testing.T) {
	var out shared
	if n, err := (prefixed{&out, "stdout: "}).Write([]byte("hello\n")); n != 6 || err != nil || out.String() != `stdout: "hello\n"`+"\n" {
		t.Errorf("%d, %v, %q", n, err, out.String())
	}
}
