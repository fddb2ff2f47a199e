package transport

import (
	"net"
	"path/filepath"
	"testing"
)

// BenchmarkListen opens and closes a listener; "bare" is net.Listen alone.
func BenchmarkListen(b *testing.B) {
	base := shortDir(b)
	run := func(transport Transport) func(b *testing.B) {
		return func(b *testing.B) {
			b.ReportAllocs()
			defer func() { _ = transport.Close() }()
			for b.Loop() {
				l, err := transport.Listen(b.Context())
				if err != nil {
					b.Fatal(err)
				}
				if err := l.Close(); err != nil {
					b.Fatal(err)
				}
			}
		}
	}
	b.Run("unix/private", run(NewUnix(UnixConfig{Dir: base})))
	b.Run("unix/path", run(NewUnix(UnixConfig{Path: filepath.Join(base, "s")})))
	b.Run("tcp", run(NewTCP(TCPConfig{})))
	b.Run("unix/bare", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			l, err := net.Listen("unix", filepath.Join(base, "bare"))
			if err != nil {
				b.Fatal(err)
			}
			_ = l.Close()
		}
	})
}

// BenchmarkConnect dials and accepts a connection.
func BenchmarkConnect(b *testing.B) {
	for _, transport := range []Transport{NewUnix(UnixConfig{Dir: shortDir(b)}), NewTCP(TCPConfig{})} {
		b.Run(transport.Network(), func(b *testing.B) {
			defer func() { _ = transport.Close() }()
			l, err := transport.Listen(b.Context())
			if err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			for b.Loop() {
				conn, err := transport.Connect(b.Context(), l.Endpoint())
				if err != nil {
					b.Fatal(err)
				}
				peer, err := l.Accept()
				if err != nil {
					b.Fatal(err)
				}
				_ = conn.Close()
				_ = peer.Close()
			}
		})
	}
}

func BenchmarkParseEndpoint(b *testing.B) {
	for _, s := range []string{"unix:/tmp/p.sock", "127.0.0.1:1234"} {
		b.Run(s, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := ParseEndpoint(s); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
