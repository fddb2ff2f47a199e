package pki_test

import (
	"crypto/elliptic"
	"crypto/tls"
	"testing"

	"github.com/pyvider/rpcplugin/pkg/pki"
)

func BenchmarkNewPair(b *testing.B) {
	b.Run("key=P-256", func(b *testing.B) {
		for b.Loop() {
			newPair(b)
		}
	})
	// What a peer of go-plugin's make does in its place.
	b.Run("key=P-521", func(b *testing.B) {
		for b.Loop() {
			newIdentity(b, newKey(b, elliptic.P521()), nil)
		}
	})
}

func BenchmarkMutualHandshake(b *testing.B) {
	b.Run("key=P-256", func(b *testing.B) {
		plugin, host := newPair(b), newPair(b)
		client := host.ClientTLS(plugin.Certificate())
		client.ClientSessionCache = nil
		benchHandshake(b, plugin.ServerTLS(host.Certificate()), client)
	})
	b.Run("key=P-256/exchange=default", func(b *testing.B) { // with a post-quantum hybrid
		plugin, host := newPair(b), newPair(b)
		server, client := plugin.ServerTLS(host.Certificate()), host.ClientTLS(plugin.Certificate())
		client.ClientSessionCache, client.CurvePreferences, server.CurvePreferences = nil, nil, nil
		benchHandshake(b, server, client)
	})
	b.Run("resumed", func(b *testing.B) {
		plugin, host := newPair(b), newPair(b)
		benchHandshake(b, plugin.ServerTLS(host.Certificate()), host.ClientTLS(plugin.Certificate()))
	})
	b.Run("key=P-521", func(b *testing.B) {
		plugin := newIdentity(b, newKey(b, elliptic.P521()), nil)
		host := newIdentity(b, newKey(b, elliptic.P521()), nil)
		benchHandshake(b, peerConfig(plugin, host.Leaf), peerConfig(host, plugin.Leaf))
	})
}

func benchHandshake(b *testing.B, server, client *tls.Config) {
	for b.Loop() {
		if s, c := link(b, server, client); s.err != nil || c.err != nil {
			b.Fatal(s.err, c.err)
		}
	}
}

func BenchmarkDecodeField(b *testing.B) {
	field := pki.EncodeField(newPair(b).DER())
	b.ReportAllocs()
	for b.Loop() {
		if _, err := pki.DecodeField(field); err != nil {
			b.Fatal(err)
		}
	}
}
