//go:build e2e && linux

package e2e

import (
	"path/filepath"
	"testing"
)

// The host of go-plugin's example stores a value with one plugin and gets it
// back from the next.
func TestExampleHostOfGoPlugin(t *testing.T) {
	s := newSandbox(t)
	s.set("PATH="+filepath.Dir(rpcplugin(t))+":/usr/bin:/bin", "KV_PLUGIN=rpcplugin serve --host kv", "KV_PROTO=grpc")
	host := tool(t, "kv-host")
	s.run(host, "put", "greeting", "hello").ok()
	if got := s.run(host, "get", "greeting").ok().stdout; got != "hello\n" {
		t.Errorf("got %q, expected what was put: %q", got, "hello\n")
	}
	s.run(host, "get", "missing").exited(1).says(`no value was put for key "missing"`)
	s.expectNothingLeft()
}
