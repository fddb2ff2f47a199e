//go:build unix

// Package interop puts hosts and plugins of this library and of
// hashicorp/go-plugin together, each with each, and has each pair do all that
// a host and a plugin can do. It also shows plugins that do something wrong to
// both hosts, and writes down what each says: docs/host-checks.md.
//
// Hosts and plugins are processes of their own, the test binary started again:
// the race detector and the exit status of one are then not the other's.
package interop

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/pyvider/rpcplugin/internal/kv"
)

// The makes of hosts and plugins.
const (
	ours   = "ours"
	theirs = "go-plugin"
)

// What a process of these tests finds in its environment: its part, and the
// pairing that it is one half of.
const (
	partVariable    = "INTEROP_PART"
	pairingVariable = "INTEROP_PAIRING"
)

// patience is for what must happen but may take a while on a busy machine.
const patience = 30 * time.Second

// pairing says which host and plugin are put together, and how.
type pairing struct {
	Host, Plugin        string // the make of each
	AutoMTLS, Multiplex bool
	Network             string // of a plugin of ours; "" is unix
	Offered, Served     []int  // app versions, of host and plugin
	Cookie              string // the host's; "" is the plugin's

	// Attach is how to reach a plugin that runs already, as JSON.
	Attach string
	// Again is set for a host that is not the first of its plugin: that one has
	// got the broker and the output.
	Again bool

	// Old hides multiplexing from a plugin of ours.
	Old bool
	// Fault is what the plugin does wrong.
	Fault *fault
	// Timeout is the host's for the handshake line; 0 is patience.
	Timeout time.Duration
}

func TestMain(m *testing.M) {
	part := os.Getenv(partVariable)
	if part == "" {
		os.Exit(runTests(m))
	}
	var p pairing
	err := json.Unmarshal([]byte(os.Getenv(pairingVariable)), &p)
	if err == nil {
		err = p.play(part)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// runTests runs more tests at a time than there are processors: most wait most of
// the time, for processes.
func runTests(m *testing.M) int {
	flag.Parse()
	if err := flag.Set("test.parallel", "6"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return m.Run()
}

// play plays a part of the pairing.
func (p pairing) play(part string) error {
	switch {
	case part == "host":
		return p.playHost()
	case part != "plugin":
		return fmt.Errorf("unknown part %q", part)
	case p.Fault != nil:
		return p.playFault()
	case p.Plugin == theirs:
		return p.playTheirs()
	default:
		return p.playOurs()
	}
}

// environ is what to add to the environment of a part.
func (p pairing) environ(part string) []string {
	text, err := json.Marshal(p)
	if err != nil {
		return nil
	}
	// The race detector would have every process wait a second at its end. That
	// of go-plugin finds a race in go-plugin's own multiplexer.
	race := "GORACE=atexit_sleep_ms=0"
	if (part == "host" && p.Host == theirs) || (part == "plugin" && p.Plugin == theirs) {
		race += " exitcode=0"
	}
	return []string{partVariable + "=" + part, pairingVariable + "=" + string(text), race}
}

// timeout is the host's for the handshake line.
func (p pairing) timeout() time.Duration {
	if p.Timeout != 0 {
		return p.Timeout
	}
	return patience
}

// cookie is the host's.
func (p pairing) cookie() (key, value string) {
	cookie := kv.Cookie()
	if p.Cookie != "" {
		cookie.Value = p.Cookie
	}
	return cookie.Key, cookie.Value
}

func noError(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// soon is a context that ends a test that hangs.
func soon(t testing.TB) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 2*patience)
	t.Cleanup(cancel)
	return ctx
}
