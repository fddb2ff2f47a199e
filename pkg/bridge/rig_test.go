//go:build unix

package bridge_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"math"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"

	"github.com/pyvider/rpcplugin/internal/testpb"
	"github.com/pyvider/rpcplugin/pkg/bridge"
	"github.com/pyvider/rpcplugin/pkg/transport"
)

// rig is a bridge in this process, its child, and a connection to it. Its
// clean-up proves that no process, file or goroutine is left.
type rig struct {
	testpb.EchoClient

	t     testing.TB
	b     *bridge.Bridge
	conn  *grpc.ClientConn
	logs  *recorder
	crash *shared
	line  *shared
	ran   chan error
	once  sync.Once
	err   error // of Run
}

// newRig starts a bridge; change may change its configuration.
func newRig(t testing.TB, child childConfig, change ...func(*bridge.Config)) *rig {
	t.Helper()
	leaks := goleak.IgnoreCurrent()
	tmp := privateTemp(t)
	r := &rig{t: t, logs: &recorder{}, crash: &shared{}, line: &shared{}, ran: make(chan error, 1)}
	cfg := bridge.Config{
		Command:     []string{self()},
		Env:         as("child", childKey, child),
		CrashReport: r.crash,
		Logger:      slog.New(r.logs),
	}
	cfg.Server.Stdout = r.line
	cfg.Server.LookupEnv = func(string) (string, bool) { return "", false }
	for _, change := range change {
		change(&cfg)
	}
	var err error
	if r.b, err = bridge.New(t.Context(), cfg); err != nil {
		t.Fatal(err)
	}
	go func() { r.ran <- r.b.Run(context.Background()) }()
	r.conn = dial(t, r.b.Line().Network, r.b.Line().Address)
	r.EchoClient = testpb.NewEchoClient(r.conn)
	t.Cleanup(func() {
		_ = r.conn.Close()
		_ = r.stop()
		if left := entries(t, tmp); len(left) > 0 {
			t.Errorf("left behind: %q", left)
		}
		goleak.VerifyNone(t, leaks)
		if t.Failed() {
			t.Logf("log:\n%s", r.logs)
		}
	})
	return r
}

// stop stops the bridge and returns what Run returned.
func (r *rig) stop() error {
	r.b.Stop()
	return r.wait()
}

// wait waits for the end of Run and returns its error.
func (r *rig) wait() error {
	r.t.Helper()
	r.once.Do(func() {
		select {
		case r.err = <-r.ran:
		case <-time.After(patience):
			r.err = errors.New("Run has not returned")
			r.t.Error(r.err)
		}
	})
	return r.err
}

// report asks the child about itself.
func (r *rig) report() childReport { return reportOf(r.t, r.EchoClient) }

func reportOf(t testing.TB, client testpb.EchoClient) childReport {
	t.Helper()
	answer, err := client.Unary(asking(t.Context(), "report"), &testpb.Message{})
	if err != nil {
		t.Fatal(err)
	}
	var report childReport
	if err := json.Unmarshal(answer.GetPayload(), &report); err != nil {
		t.Fatal(err)
	}
	return report
}

// asking returns a context whose calls ask the child to do something.
func asking(ctx context.Context, do string) context.Context {
	return metadata.AppendToOutgoingContext(ctx, doKey, do)
}

func dial(t testing.TB, network, address string) *grpc.ClientConn {
	t.Helper()
	conn, err := grpc.NewClient(transport.Endpoint{Network: network, Address: address}.Target(),
		grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(math.MaxInt32), grpc.MaxCallSendMsgSize(math.MaxInt32)))
	if err != nil {
		t.Fatal(err)
	}
	return conn
}

// privateTemp makes a temporary directory, short enough for sockets, the one
// of this process and of all that it starts.
func privateTemp(t testing.TB) string {
	t.Helper()
	dir := shortTemp(t)
	t.Setenv("TMPDIR", dir)
	return dir
}

func shortTemp(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "b")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

func entries(t testing.TB, dir string) []string {
	t.Helper()
	found, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	names := make([]string, len(found))
	for i, entry := range found {
		names[i] = entry.Name()
	}
	return names
}

// shared is a buffer for several goroutines.
type shared struct {
	mu   sync.Mutex
	data bytes.Buffer
}

func (s *shared) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.data.Write(p)
}

func (s *shared) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.data.String()
}

// recorder keeps log records, one line each: level, message, attributes.
type recorder struct {
	mu    sync.Mutex
	lines []string
}

func (r *recorder) Enabled(context.Context, slog.Level) bool { return true }
func (r *recorder) WithAttrs([]slog.Attr) slog.Handler       { return r }
func (r *recorder) WithGroup(string) slog.Handler            { return r }

func (r *recorder) Handle(_ context.Context, record slog.Record) error {
	line := record.Level.String() + " " + record.Message
	record.Attrs(func(attr slog.Attr) bool {
		line += " " + attr.String()
		return true
	})
	r.mu.Lock()
	defer r.mu.Unlock()
	r.lines = append(r.lines, line)
	return nil
}

func (r *recorder) has(part string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.ContainsFunc(r.lines, func(line string) bool { return strings.Contains(line, part) })
}

func (r *recorder) String() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return strings.Join(r.lines, "\n")
}
