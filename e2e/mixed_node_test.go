//go:build e2e && linux

package e2e

import (
	"os"
	"path/filepath"
	"testing"
)

// The host of go-plugin's example stores a value with the example in Node, and
// gets it back from its next life.
func TestNodeExample(t *testing.T) {
	s := newSandbox(t)
	prepared(t, "examples/node/node_modules/made-from")
	s.set("PATH="+filepath.Dir(rpcplugin(t))+":"+os.Getenv("PATH"), "KV_PROTO=grpc",
		"KV_PLUGIN=exec rpcplugin serve --host kv --exec node "+checkout(t, "examples/node/server.js"))
	host := tool(t, "kv-host")
	s.run(host, "put", "greeting", "hello").ok()
	if got := s.run(host, "get", "greeting").ok().stdout; got != "hello\n" {
		t.Errorf("got %q, expected what was put: %q", got, "hello\n")
	}
	s.run(host, "get", "missing").exited(1).says(`no value was put for key "missing"`)
	s.run(host, "get", "a/b").exited(1).says("expected letters, digits")
	s.expectNothingLeft()
}
