package pki_test

import (
	"crypto/elliptic"
	"crypto/tls"
	"crypto/x509"
	"io"
	"net"
	"testing"
	"time"

	"github.com/pyvider/rpcplugin/pkg/pki"
)

func TestWrongPeerIsRefused(t *testing.T) {
	plugin, host, stranger := newPair(t), newPair(t), newPair(t)
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		t.Run(tls.VersionName(version), func(t *testing.T) {
			config := host.ClientTLS(stranger.Certificate())
			config.MaxVersion = version
			server, client := link(t, plugin.ServerTLS(host.Certificate()), config)
			typed := wantReason(t, pki.Explain(client.err), pki.ReasonPeer)
			if typed.Found == "" || typed.Expected == "" || typed.Hint() == "" {
				t.Errorf("got %+v", typed)
			}
			wantReason(t, pki.Explain(server.err), pki.ReasonRefused)

			config = stranger.ClientTLS(plugin.Certificate())
			config.MaxVersion = version
			server, client = link(t, plugin.ServerTLS(host.Certificate()), config)
			wantReason(t, pki.Explain(server.err), pki.ReasonPeer)
			wantReason(t, pki.Explain(client.err), pki.ReasonRefused)
		})
	}
}

// The announced certificate is an authority. What it signs is still not it.
func TestIssuedByPeerIsRefused(t *testing.T) {
	ours := newPair(t)
	authorityKey, key := newKey(t, elliptic.P256()), newKey(t, elliptic.P256())
	authority := newIdentity(t, authorityKey, nil)
	leaf := sign(t, peerTemplate(), authority.Leaf, key, authorityKey)
	leaf.Certificate = append(leaf.Certificate, authority.Certificate[0])

	server, _ := link(t, ours.ServerTLS(authority.Leaf), peerConfig(leaf, ours.Certificate()))
	wantReason(t, server.err, pki.ReasonPeer)
	_, client := link(t, peerConfig(leaf, ours.Certificate()), ours.ClientTLS(authority.Leaf))
	wantReason(t, client.err, pki.ReasonPeer)
}

func TestUnusablePeerIsRefused(t *testing.T) {
	tests := map[string]func(*x509.Certificate){
		"expired":     func(c *x509.Certificate) { c.NotAfter = time.Now().Add(-time.Second) },
		"not yet":     func(c *x509.Certificate) { c.NotBefore = time.Now().Add(time.Hour) },
		"common name": func(c *x509.Certificate) { c.DNSNames = nil },
		"other name":  func(c *x509.Certificate) { c.DNSNames = []string{"example.com"} },
		"client only": func(c *x509.Certificate) { c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth} },
	}
	for name, change := range tests {
		t.Run(name, func(t *testing.T) {
			ours, theirs := newPair(t), newIdentity(t, newKey(t, elliptic.P256()), change)
			_, client := link(t, peerConfig(theirs, ours.Certificate()), ours.ClientTLS(theirs.Leaf))
			typed := wantReason(t, pki.Explain(client.err), pki.ReasonUnusable)
			if typed.Found == "" || typed.Hint() == "" {
				t.Errorf("got %+v", typed)
			}
		})
	}
}

func TestClientWithoutCertificateIsRefused(t *testing.T) {
	plugin, host := newPair(t), newPair(t)
	config := host.ClientTLS(plugin.Certificate())
	config.Certificates = nil
	server, client := link(t, plugin.ServerTLS(host.Certificate()), config)
	if server.err == nil {
		t.Error("the server took a client without a certificate")
	}
	wantReason(t, pki.Explain(client.err), pki.ReasonRefused)
}

func TestNoPeerRefusesEverybody(t *testing.T) {
	plugin, host := newPair(t), newPair(t)
	if server, _ := link(t, plugin.ServerTLS(nil), host.ClientTLS(plugin.Certificate())); server.err == nil {
		t.Error("a server without a peer took a client")
	}
	if _, client := link(t, plugin.ServerTLS(host.Certificate()), host.ClientTLS(nil)); client.err == nil {
		t.Error("a client without a peer took a server")
	}
	// Not even if verification let it through.
	state := tls.ConnectionState{PeerCertificates: []*x509.Certificate{plugin.Certificate()}}
	wantReason(t, host.ClientTLS(nil).VerifyConnection(state), pki.ReasonNoPeer)
	wantReason(t, host.ClientTLS(plugin.Certificate()).VerifyConnection(tls.ConnectionState{}), pki.ReasonNoPeer)
}

func TestPlaintextServer(t *testing.T) {
	plugin, host := newPair(t), newPair(t)
	serverConn, clientConn := socketPair(t, "tcp", "127.0.0.1:0")
	done := make(chan error, 1)
	go func(conn net.Conn) {
		_, err := conn.Write([]byte("HTTP/1.1 400 Bad Request\r\n\r\n"))
		_, _ = io.Copy(io.Discard, conn)
		_ = conn.Close()
		done <- err
	}(serverConn)
	client := tls.Client(clientConn, host.ClientTLS(plugin.Certificate()))
	err := client.HandshakeContext(t.Context())
	_ = clientConn.Close()
	if writing := <-done; writing != nil {
		t.Fatal(writing)
	}
	wantReason(t, pki.Explain(err), pki.ReasonNotTLS)
}

// gRPC clones the configurations that it is given, for each connection and each
// server. Sessions survive that, and end with the pair's configuration.
func TestResumptionAmongClones(t *testing.T) {
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		t.Run(tls.VersionName(version), func(t *testing.T) {
			plugin, host := newPair(t), newPair(t)
			server, client := plugin.ServerTLS(host.Certificate()), host.ClientTLS(plugin.Certificate())
			client.MaxVersion = version
			for round := range 3 {
				side, got := link(t, server.Clone(), client.Clone())
				if side.err != nil || got.err != nil {
					t.Fatalf("server: %v, client: %v", side.err, got.err)
				}
				if got.state.DidResume != (round > 0) || side.state.DidResume != got.state.DidResume {
					t.Errorf("round %d: resumed %v", round, got.state.DidResume)
				}
				checkState(t, side.state, version, host.Certificate())
				checkState(t, got.state, version, plugin.Certificate())
			}
			// Another configuration has another key: a full handshake, no error.
			side, got := link(t, plugin.ServerTLS(host.Certificate()), client)
			if side.err != nil || got.err != nil || got.state.DidResume {
				t.Errorf("resumed %v, server: %v, client: %v", got.state.DidResume, side.err, got.err)
			}
		})
	}
}

// A session that was made with one peer is no pass for another.
func TestResumption(t *testing.T) {
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		t.Run(tls.VersionName(version), func(t *testing.T) {
			plugin, host, stranger := newPair(t), newPair(t), newPair(t)
			server := plugin.ServerTLS(host.Certificate())
			server.SetSessionTicketKeys([][32]byte{{1}})
			client := host.ClientTLS(plugin.Certificate())
			client.MaxVersion = version
			client.ClientSessionCache = tls.NewLRUClientSessionCache(4)
			for round := range 2 {
				_, got := link(t, server, client)
				if got.err != nil || got.state.DidResume != (round == 1) {
					t.Fatalf("round %d: resumed %v, %v", round, got.state.DidResume, got.err)
				}
			}

			other := host.ClientTLS(stranger.Certificate())
			other.MaxVersion = version
			other.ClientSessionCache = client.ClientSessionCache
			_, got := link(t, server, other)
			wantReason(t, pki.Explain(got.err), pki.ReasonPeer)

			// A client is told of its own session, by a server that shares the
			// ticket keys and expects somebody else.
			server2 := plugin.ServerTLS(stranger.Certificate())
			server2.SetSessionTicketKeys([][32]byte{{1}})
			side, _ := link(t, server2, client)
			wantReason(t, pki.Explain(side.err), pki.ReasonPeer)
		})
	}
}

func TestVerifyConnectionOfResumedSession(t *testing.T) {
	plugin, host, stranger := newPair(t), newPair(t), newPair(t)
	state := tls.ConnectionState{DidResume: true, PeerCertificates: []*x509.Certificate{stranger.Certificate()}}
	wantReason(t, host.ClientTLS(plugin.Certificate()).VerifyConnection(state), pki.ReasonPeer)
	wantReason(t, plugin.ServerTLS(host.Certificate()).VerifyConnection(state), pki.ReasonPeer)
	state.PeerCertificates = []*x509.Certificate{plugin.Certificate(), stranger.Certificate()}
	if err := host.ClientTLS(plugin.Certificate()).VerifyConnection(state); err != nil {
		t.Errorf("the right peer: %v", err)
	}
}
