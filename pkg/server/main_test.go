package server_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	"github.com/pyvider/rpcplugin/internal/kv"
	"github.com/pyvider/rpcplugin/internal/testpb"
	"github.com/pyvider/rpcplugin/pkg/handshake"
	"github.com/pyvider/rpcplugin/pkg/pki"
	"github.com/pyvider/rpcplugin/pkg/server"
	"github.com/pyvider/rpcplugin/pkg/services"
	"github.com/pyvider/rpcplugin/pkg/transport"
)

const (
	roleVariable = "SERVER_TEST_ROLE"
	// patience is for what must happen but may take a while on a busy machine.
	patience = 15 * time.Second
)

// The test binary plays the parts of plugin and host when it finds a role in
// its environment.
func TestMain(m *testing.M) {
	switch role := os.Getenv(roleVariable); role {
	case "":
		goleak.VerifyTestMain(m)
	case "plugin":
		os.Exit(playPlugin())
	case "launcher":
		os.Exit(playLauncher())
	case "go-plugin host":
		os.Exit(playHost())
	default:
		fmt.Fprintf(os.Stderr, "unknown role %q\n", role)
		os.Exit(99)
	}
}

// part is the configuration of a plugin in a process of its own.
type part struct {
	Network     string
	AppVersions []int
	TLS         server.TLS
	KeepSocket  bool
	IgnoreHost  bool
	Open        bool // no cookie is asked for
	Carried     bool
	Versioned   bool      // in place of AppVersions: a plugin set for each of them
	Files       pki.Files // in place of AutoMTLS
	Capture     bool
	Signals     bool
}

const partVariable = "SERVER_TEST_PART"

// role is what to add to the environment for a role.
func role(name string, p part) []string {
	text, err := json.Marshal(p)
	if err != nil {
		return nil
	}
	// The race detector would have every process wait a second at its end.
	return []string{roleVariable + "=" + name, partVariable + "=" + string(text), "GORACE=atexit_sleep_ms=0"}
}

// playPlugin is how a program uses this package.
func playPlugin() int {
	var p part
	if err := json.Unmarshal([]byte(os.Getenv(partVariable)), &p); err != nil {
		return 98
	}
	cookie := kv.Cookie()
	if p.Open {
		cookie = handshake.Cookie{}
	}
	cfg := server.Config{
		Cookie:      cookie,
		IgnoreHost:  p.IgnoreHost,
		AppVersions: p.AppVersions,
		Network:     p.Network,
		TLS:         p.TLS,
		KeepSocket:  p.KeepSocket,
		Schemas:     []services.Schema{kv.Schema{}},
		Register: func(r grpc.ServiceRegistrar, s *server.Server) error {
			kv.NewStore(os.Getenv("KV_DIR")).Register(r)
			testpb.RegisterEchoServer(r, &echo{server: s})
			return nil
		},
	}
	err := p.complete(&cfg)
	if err == nil {
		err = server.Serve(context.Background(), cfg)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		var failed *server.Error
		if errors.As(err, &failed) && failed.Reason == server.ReasonCookie {
			return 1
		}
		return 3
	}
	return 0
}

// complete adds what is not said by a value of the same name.
func (p part) complete(cfg *server.Config) (err error) {
	cfg.Capture, cfg.Signals = p.Capture, p.Signals
	if p.Carried {
		cfg.Carry = splice
	}
	if p.Versioned {
		cfg.Versions = make(map[int]server.Register)
		for _, version := range p.AppVersions {
			cfg.Versions[version] = func(r grpc.ServiceRegistrar, s *server.Server) error {
				if s.AppVersion() != version {
					return fmt.Errorf("version %d is registered in place of %d", version, s.AppVersion())
				}
				kv.NewStore(os.Getenv("KV_DIR")).Register(r)
				testpb.RegisterEchoServer(r, &echo{server: s})
				return nil
			}
		}
		cfg.Register, cfg.AppVersions = nil, nil
	}
	if p.Files != (pki.Files{}) {
		cfg.TLSConfig, err = p.Files.ServerTLS()
	}
	return err
}

// self is the path of this binary.
func self(t testing.TB) string {
	t.Helper()
	path, err := os.Executable()
	noError(t, err)
	return path
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
	ctx, cancel := context.WithTimeout(t.Context(), patience)
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

// environment is the environment of a plugin.
type environment map[string]string

func (e environment) lookup(key string) (string, bool) {
	value, found := e[key]
	return value, found
}

// lines is a plugin's stdout.
type lines chan string

func (l lines) Write(data []byte) (int, error) {
	l <- string(data)
	return len(data), nil
}

// running is a plugin in this process.
type running struct {
	*server.Server

	line  handshake.Line
	text  string
	ended chan error
}

// run starts a plugin for the time of the test.
func run(t testing.TB, cfg server.Config) *running {
	t.Helper()
	stdout := make(lines, 10)
	cfg.Stdout = stdout
	if cfg.LookupEnv == nil {
		cfg.LookupEnv = environment{handshake.EnvUnixSocketDir: t.TempDir()}.lookup
	}
	s, err := server.New(t.Context(), cfg)
	noError(t, err)
	r := &running{Server: s, ended: make(chan error, 1)}
	go func() {
		r.ended <- s.Run(t.Context())
		close(r.ended)
	}()
	t.Cleanup(func() {
		s.Kill()
		for range r.ended {
		}
	})
	r.text = receive(t, "the handshake line", stdout)
	if !strings.HasSuffix(r.text, "\n") || strings.Count(r.text, "\n") != 1 {
		t.Fatalf("stdout is %q, expected one line", r.text)
	}
	r.line, err = handshake.ParseLine(r.text)
	noError(t, err)
	return r
}

// dial connects to a plugin without TLS.
func (r *running) dial(t testing.TB) *grpc.ClientConn {
	t.Helper()
	target := transport.Endpoint{Network: r.line.Network, Address: r.line.Address}.Target()
	conn, err := grpc.NewClient(target, grpc.WithTransportCredentials(insecure.NewCredentials()), grpc.WithAuthority("localhost"))
	noError(t, err)
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}

// gone fails if there is something at a path.
func gone(t testing.TB, path string) {
	t.Helper()
	if _, err := os.Lstat(path); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("%q: %v, expected it to be gone", path, err)
	}
}

// disappears waits until there is nothing at a path.
func disappears(t testing.TB, path string) {
	t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(patience); ; <-tick.C {
		if _, err := os.Lstat(path); errors.Is(err, os.ErrNotExist) {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%q is still there", path)
		}
	}
}

// empty fails if anything is left in a directory of sockets.
func empty(t testing.TB, dir string) {
	t.Helper()
	left, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil || len(left) > 0 {
		t.Errorf("left behind: %q, %v", left, err)
	}
}
