package client_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/pyvider/rpcplugin/internal/kv"
	"github.com/pyvider/rpcplugin/pkg/client"
)

const (
	roleVariable = "CLIENT_TEST_ROLE"
	// textVariable is what some roles print, or what they are given.
	textVariable = "CLIENT_TEST_TEXT"
	// patience is for what must happen but may take a while on a busy machine.
	patience = 15 * time.Second
)

// TestMain plays the part of a plugin when it finds a role in its environment.
func TestMain(m *testing.M) {
	name := os.Getenv(roleVariable)
	if name == "" {
		flag.Parse()
		if flag.Lookup("test.bench").Value.String() != "" {
			os.Exit(m.Run()) // go-plugin's host, which is measured too, leaves goroutines behind
		}
		goleak.VerifyTestMain(m)
		return
	}
	play, known := roles()[name]
	if !known {
		fmt.Fprintf(os.Stderr, "unknown role %q\n", name)
		os.Exit(99)
	}
	os.Exit(play(os.Getenv(textVariable)))
}

// roles are the plugins of these tests.
func roles() map[string]func(text string) int {
	return map[string]func(string) int{
		"go-plugin":   playGoPlugin,
		"ours":        playOurs,
		"printer":     playPrinter,
		"speaker":     playSpeaker,
		"exit":        playExit,
		"mute":        playMute,
		"suicide":     playSuicide,
		"impostor":    playImpostor,
		"suspicious":  playSuspicious,
		"deserter":    playDeserter,
		"plain":       playPlain,
		"bare":        playBare,
		"stubborn":    playStubborn,
		"deaf":        playDeaf,
		"no newline":  playNoNewline,
		"listener":    playListener,
		"parent":      playParent,
		"go-plugin's": playGoPluginsParent,
		"holder":      playHolder,
		"flood":       playFlood,
		"panicker":    playPanicker,

		"go-plugin tls":    playGoPluginTLS,
		"go-plugin netrpc": playGoPluginNetRPC,

		"attachable":      playAttachable,
		"go-plugin test":  playGoPluginTest,
		"deaf attachable": playDeafAttachable,
	}
}

// as is the configuration of a plugin of that role.
func as(t testing.TB, role, text string) client.Config {
	t.Helper()
	path, err := os.Executable()
	noError(t, err)
	return client.Config{
		Command: []string{path},
		Cookie:  kv.Cookie(),
		// The race detector would have every process wait a second at its end.
		Env:          []string{roleVariable + "=" + role, textVariable + "=" + text, "GORACE=atexit_sleep_ms=0"},
		StartTimeout: patience,
	}
}

// tidy gives a test a directory for temporary files and checks at its end that
// nothing is left there. The path is short, as sockets need it.
func tidy(t testing.TB) {
	t.Helper()
	dir, err := os.MkdirTemp("", "c")
	noError(t, err)
	t.Setenv("TMPDIR", dir)
	t.Cleanup(func() {
		left, err := filepath.Glob(filepath.Join(dir, "*"))
		if err != nil || len(left) > 0 {
			t.Errorf("left behind: %q, %v", left, err)
		}
		_ = os.RemoveAll(dir)
	})
}

// start starts a plugin for the time of the test.
func start(t testing.TB, cfg client.Config) *client.Client {
	t.Helper()
	tidy(t)
	c, err := client.Start(soon(t), cfg)
	if err != nil {
		var failed *client.Error
		if errors.As(err, &failed) {
			t.Log(failed.Hint())
		}
		t.Fatal(err)
	}
	t.Cleanup(func() { noError(t, c.Close(context.Background())) })
	return c
}

// closed closes a plugin and returns how long that took.
func closed(t testing.TB, c *client.Client) time.Duration {
	t.Helper()
	began := time.Now()
	noError(t, c.Close(context.Background()))
	took := time.Since(began)
	select {
	case <-c.Exited():
	default:
		t.Error("Close returned before the process had ended")
	}
	return took
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

// receive takes a value that must come.
func receive[T any](t testing.TB, what string, from <-chan T) T {
	t.Helper()
	select {
	case value := <-from:
		return value
	case <-time.After(patience):
		t.Fatalf("nothing came: %s", what)
		panic("unreachable")
	}
}

// gathered is a writer that tells when it has what is waited for.
type gathered struct {
	mu      sync.Mutex
	data    []byte
	changed chan struct{}
}

func newGathered() *gathered { return &gathered{changed: make(chan struct{})} }

func (g *gathered) Write(data []byte) (int, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.data = append(g.data, data...)
	close(g.changed)
	g.changed = make(chan struct{})
	return len(data), nil
}

// waitFor returns once the condition holds for what was written.
func (g *gathered) waitFor(t testing.TB, what string, condition func(string) bool) {
	t.Helper()
	deadline := time.After(patience)
	for {
		g.mu.Lock()
		text, changed := string(g.data), g.changed
		g.mu.Unlock()
		if condition(text) {
			return
		}
		select {
		case <-changed:
		case <-deadline:
			t.Fatalf("%s did not come, but %.500q", what, text)
		}
	}
}

func textLogger(to *gathered) *slog.Logger {
	return slog.New(slog.NewTextHandler(to, &slog.HandlerOptions{Level: slog.LevelDebug - 4}))
}
