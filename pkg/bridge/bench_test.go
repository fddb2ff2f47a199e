//go:build unix

package bridge_test

import (
	"context"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"google.golang.org/grpc"

	"github.com/pyvider/rpcplugin/internal/testpb"
	"github.com/pyvider/rpcplugin/pkg/bridge"
	"github.com/pyvider/rpcplugin/pkg/client"
	"github.com/pyvider/rpcplugin/pkg/handshake"
)

// The same calls of the same child, from this process: straight to it, and
// through a bridge that is a process of its own.

func BenchmarkUnaryDirect(b *testing.B) {
	socket := filepath.Join(shortTemp(b), "child.sock")
	cmd := exec.CommandContext(b.Context(), self())
	cmd.Env = append(os.Environ(), as("child", childKey, childConfig{})...)
	cmd.Env = append(cmd.Env, bridge.EnvChildSocket+"="+socket, bridge.EnvChildAddress+"=unix:"+socket)
	cmd.Cancel = func() error { return cmd.Process.Kill() }
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	defer func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	}()
	conn := dial(b, handshake.NetworkUnix, socket)
	defer conn.Close()
	benchmarkSizes(b, conn)
}

func BenchmarkUnaryThroughBridge(b *testing.B) {
	for _, tls := range []client.TLS{client.TLSOff, client.TLSAuto} {
		name := "tls=off"
		if tls == client.TLSAuto {
			name = "tls=mutual"
		}
		b.Run(name, func(b *testing.B) {
			privateTemp(b)
			c, err := client.Start(b.Context(), client.Config{
				Command: []string{self()}, Cookie: handshake.Cookie{Key: cookieKey, Value: cookieValue}, TLS: tls,
				Env: bridgeEnviron(bridgeConfig{}), Logger: slog.New(slog.DiscardHandler),
			})
			if err != nil {
				b.Fatal(err)
			}
			defer func() { _ = c.Close(context.Background()) }()
			benchmarkSizes(b, c.Conn())
		})
	}
}

func benchmarkSizes(b *testing.B, conn *grpc.ClientConn) {
	b.Helper()
	echo := testpb.NewEchoClient(conn)
	if _, err := echo.Unary(b.Context(), &testpb.Message{}, grpc.WaitForReady(true)); err != nil {
		b.Fatal(err)
	}
	for _, size := range []struct {
		name  string
		bytes int
	}{{"size=100B", 100}, {"size=4MB", 4 << 20}} {
		b.Run(size.name, func(b *testing.B) {
			message := &testpb.Message{Payload: make([]byte, size.bytes)}
			b.SetBytes(int64(2 * size.bytes))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := echo.Unary(b.Context(), message); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
