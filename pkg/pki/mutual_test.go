package pki_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"path/filepath"
	"testing"
	"time"

	"github.com/pyvider/rpcplugin/pkg/pki"
)

// outcome is what one side made of a connection.
type outcome struct {
	state tls.ConnectionState
	err   error
}

// connect runs a handshake and one byte in each direction, since with TLS 1.3
// the client is done before the server has seen its certificate. The client
// reads first: a pipe holds nothing, and the server has a ticket for it.
func connect(t testing.TB, serverConn, clientConn net.Conn, server, client *tls.Config) (serverSide, clientSide outcome) {
	t.Helper()
	run := func(conn *tls.Conn, first, then func([]byte) (int, error)) outcome {
		defer endWriting(conn.NetConn())
		if err := conn.SetDeadline(time.Now().Add(20 * time.Second)); err != nil {
			return outcome{err: err}
		}
		err := conn.Handshake()
		for _, step := range []func([]byte) (int, error){first, then} {
			if err == nil {
				_, err = step([]byte{1})
			}
		}
		return outcome{conn.ConnectionState(), err}
	}
	done := make(chan outcome)
	go func() {
		conn := tls.Server(serverConn, server)
		done <- run(conn, conn.Write, conn.Read)
	}()
	conn := tls.Client(clientConn, client)
	clientSide = run(conn, conn.Read, conn.Write)
	serverSide = <-done
	_ = serverConn.Close()
	_ = clientConn.Close()
	return serverSide, clientSide
}

// endWriting lets the other side read what is under way, such as an alert, and
// then the end.
func endWriting(conn net.Conn) {
	if half, ok := conn.(interface{ CloseWrite() error }); ok {
		_ = half.CloseWrite()
		return
	}
	_ = conn.Close()
}

// link connects over a socket: unlike net.Pipe it holds what is not read yet,
// as both sides of a failed handshake may be writing.
func link(t testing.TB, server, client *tls.Config) (serverSide, clientSide outcome) {
	t.Helper()
	serverConn, clientConn := socketPair(t, "tcp", "127.0.0.1:0")
	return connect(t, serverConn, clientConn, server, client)
}

// socketPair returns both ends of a connection on a real socket.
func socketPair(t testing.TB, network, address string) (server, client net.Conn) {
	t.Helper()
	listener, err := net.Listen(network, address)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = listener.Close() }()
	client, err = net.Dial(network, listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	server, err = listener.Accept()
	if err != nil {
		t.Fatal(err)
	}
	return server, client
}

func TestMutualTLS(t *testing.T) {
	networks := map[string]func(t *testing.T) (net.Conn, net.Conn){
		"pipe": func(*testing.T) (net.Conn, net.Conn) { return net.Pipe() },
		"tcp":  func(t *testing.T) (net.Conn, net.Conn) { return socketPair(t, "tcp", "127.0.0.1:0") },
		"unix": func(t *testing.T) (net.Conn, net.Conn) {
			return socketPair(t, "unix", filepath.Join(t.TempDir(), "s"))
		},
	}
	for name, open := range networks {
		for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
			t.Run(name+" "+tls.VersionName(version), func(t *testing.T) {
				plugin, host := newPair(t), newPair(t)
				client := host.ClientTLS(plugin.Certificate())
				client.MaxVersion = version
				serverConn, clientConn := open(t)
				server, got := connect(t, serverConn, clientConn, plugin.ServerTLS(host.Certificate()), client)
				if server.err != nil || got.err != nil {
					t.Fatalf("server: %v, client: %v", server.err, got.err)
				}
				checkState(t, server.state, version, host.Certificate())
				checkState(t, got.state, version, plugin.Certificate())
			})
		}
	}
}

func checkState(t *testing.T, state tls.ConnectionState, version uint16, peer *x509.Certificate) {
	t.Helper()
	if state.Version != version || state.NegotiatedProtocol != "h2" {
		t.Errorf("got %s and ALPN %q", tls.VersionName(state.Version), state.NegotiatedProtocol)
	}
	if len(state.VerifiedChains) == 0 || !state.PeerCertificates[0].Equal(peer) {
		t.Error("the peer was not verified, or is another")
	}
}

// Keys of any kind that TLS knows are welcome, in both roles; P-521 is what
// go-plugin itself makes.
func TestForeignKeys(t *testing.T) {
	keys := map[string]func() (crypto.Signer, error){
		"P-256":    func() (crypto.Signer, error) { return ecdsa.GenerateKey(elliptic.P256(), rand.Reader) },
		"P-384":    func() (crypto.Signer, error) { return ecdsa.GenerateKey(elliptic.P384(), rand.Reader) },
		"P-521":    func() (crypto.Signer, error) { return ecdsa.GenerateKey(elliptic.P521(), rand.Reader) },
		"RSA-2048": func() (crypto.Signer, error) { return rsa.GenerateKey(rand.Reader, 2048) },
		"Ed25519": func() (crypto.Signer, error) {
			_, key, err := ed25519.GenerateKey(rand.Reader)
			return key, err
		},
	}
	for name, generate := range keys {
		t.Run(name, func(t *testing.T) {
			key, err := generate()
			if err != nil {
				t.Fatal(err)
			}
			ours, theirs := newPair(t), newIdentity(t, key, nil)
			peer, err := pki.DecodeField(pki.EncodeField(theirs.Certificate[0]))
			if err != nil {
				t.Fatal(err)
			}
			for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
				config := peerConfig(theirs, ours.Certificate())
				config.MaxVersion = version
				server, client := link(t, ours.ServerTLS(peer), config)
				if server.err != nil || client.err != nil {
					t.Errorf("we serve %s: %v, %v", tls.VersionName(version), server.err, client.err)
				}
				server, client = link(t, config, ours.ClientTLS(peer))
				if server.err != nil || client.err != nil {
					t.Errorf("we connect with %s: %v, %v", tls.VersionName(version), server.err, client.err)
				}
				if curve := client.state.CurveID; version == tls.VersionTLS13 && curve != tls.X25519 {
					t.Errorf("the keys were exchanged with %s, expected %s", curve, tls.X25519)
				}
			}
		})
	}
}

func TestOldTLSIsRefused(t *testing.T) {
	for _, version := range []uint16{tls.VersionTLS10, tls.VersionTLS11} {
		t.Run(tls.VersionName(version), func(t *testing.T) {
			plugin, host := newPair(t), newPair(t)
			old := host.ClientTLS(plugin.Certificate())
			old.MinVersion, old.MaxVersion = tls.VersionTLS10, version
			server, client := link(t, plugin.ServerTLS(host.Certificate()), old)
			if server.err == nil || client.err == nil {
				t.Errorf("an old client: server %v, client %v", server.err, client.err)
			}
			wantReason(t, pki.Explain(client.err), pki.ReasonRefused)

			old = plugin.ServerTLS(host.Certificate())
			old.MinVersion, old.MaxVersion = tls.VersionTLS10, version
			server, client = link(t, old, host.ClientTLS(plugin.Certificate()))
			if server.err == nil || client.err == nil {
				t.Errorf("an old server: server %v, client %v", server.err, client.err)
			}
		})
	}
}

func TestExplainLeavesOthersAlone(t *testing.T) {
	if err := pki.Explain(nil); err != nil {
		t.Errorf("got %v", err)
	}
	if err := pki.Explain(io.EOF); !errors.Is(err, io.EOF) || errors.As(err, new(*pki.Error)) {
		t.Errorf("got %v", err)
	}
	typed := &pki.Error{Reason: pki.ReasonPeer}
	if again := wantReason(t, pki.Explain(typed), pki.ReasonPeer); again != typed {
		t.Errorf("got another error: %v", again)
	}
}
