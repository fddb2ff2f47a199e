package handshake_test

import (
	"testing"

	"github.com/pyvider/rpcplugin/pkg/handshake"
)

func benchLine(b *testing.B) handshake.Line {
	return handshake.Line{
		CoreVersion: handshake.CoreVersion, AppVersion: 6, Network: handshake.NetworkUnix, Address: "/tmp/rpcplugin-1/s",
		Protocol: handshake.ProtocolGRPC, Certificate: certificate(b),
	}
}

func BenchmarkParseLine(b *testing.B) {
	text, err := benchLine(b).Format()
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		if _, err := handshake.ParseLine(text); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkAcceptLine(b *testing.B) {
	text, err := benchLine(b).Format()
	if err != nil {
		b.Fatal(err)
	}
	e := handshake.Expectation{AppVersions: []int{5, 6}}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := handshake.AcceptLine(text, e); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkFormat(b *testing.B) {
	l := benchLine(b)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := l.Format(); err != nil {
			b.Fatal(err)
		}
	}
}
