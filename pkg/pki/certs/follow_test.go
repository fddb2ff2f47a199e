package certs_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/tls"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pyvider/rpcplugin/pkg/pki/certs"
)

// clock is set by hand.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) forward(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// followed is a Follower of files in a directory, with its log.
type followed struct {
	*certs.Follower
	clock                *clock
	log                  *bytes.Buffer
	certificate, key, ca string
}

func follow(t *testing.T, first, ca *certs.Identity) *followed {
	t.Helper()
	dir := t.TempDir()
	f := &followed{
		clock: &clock{now: time.Now()}, log: new(bytes.Buffer),
		certificate: filepath.Join(dir, "c"), key: filepath.Join(dir, "k"), ca: put(t, dir, "ca", certs.EncodeCertificates(ca.Chain...)),
	}
	f.replace(t, first)
	var err error
	f.Follower, err = certs.Follow(certs.FollowConfig{
		Certificate: f.certificate, Key: "file://" + f.key, CA: f.ca, Interval: time.Minute,
		Logger: slog.New(slog.NewTextHandler(f.log, nil)), Now: f.clock.Now,
	})
	noError(t, err)
	return f
}

func (f *followed) replace(t *testing.T, by *certs.Identity) {
	t.Helper()
	noError(t, certs.WriteIdentity(f.certificate, f.key, by, certs.WriteOptions{Replace: true}))
}

// wants is which certificate is to be shown.
func (f *followed) wants(t *testing.T, want *certs.Identity) {
	t.Helper()
	if got := f.Certificate().Leaf; !got.Equal(want.Certificate()) {
		t.Errorf("serial %x is shown, expected %x; log: %s", got.SerialNumber, want.Certificate().SerialNumber, f.log)
	}
}

func TestFollower(t *testing.T) {
	ca := root(t)
	first, second, third := fresh(t, certs.Spec{Profile: certs.ProfilePeer}, ca), fresh(t, certs.Spec{Profile: certs.ProfilePeer}, ca), fresh(t, certs.Spec{Profile: certs.ProfilePeer}, ca)
	f := follow(t, first, ca)
	f.wants(t, first)

	f.replace(t, second)
	f.clock.forward(59 * time.Second)
	f.wants(t, first) // too early to look
	f.clock.forward(time.Second)
	f.wants(t, second)
	if !strings.Contains(f.log.String(), "replaced") {
		t.Errorf("log %q", f.log)
	}

	for name, text := range map[string][]byte{
		"of another key": certs.EncodeCertificates(third.Chain...),
		"half-written":   certs.EncodeCertificates(third.Chain...)[:300],
		"junk":           []byte("junk"),
		"empty":          {},
		"expired":        certs.EncodeCertificates(odd(t, second.Key, ca, expire).Chain...),
	} {
		f.log.Reset()
		noError(t, os.WriteFile(f.certificate, text, 0o600))
		f.clock.forward(time.Minute)
		f.wants(t, second)
		f.clock.forward(time.Minute)
		f.wants(t, second)
		if n := strings.Count(f.log.String(), "cannot be used"); n != 1 {
			t.Errorf("%s: told %d times: %s", name, n, f.log)
		}
	}
	noError(t, os.Remove(f.certificate))
	f.clock.forward(time.Minute)
	f.wants(t, second)

	noError(t, os.WriteFile(f.certificate, certs.EncodeCertificates(third.Chain...), 0o600))
	f.clock.forward(time.Minute)
	f.wants(t, second) // the key is still to come
	noError(t, os.WriteFile(f.key, pemOf(t, third.Key, ""), 0o600))
	f.clock.forward(time.Minute)
	f.wants(t, third)

	f.clock.forward(-5 * time.Minute) // a clock that was set back
	f.replace(t, first)
	f.wants(t, first)
}

func TestFollowerInConnections(t *testing.T) {
	ca := root(t)
	first, second := fresh(t, certs.Spec{Profile: certs.ProfilePeer}, ca), fresh(t, certs.Spec{Profile: certs.ProfilePeer}, ca)
	plugin, host := follow(t, first, ca), follow(t, first, ca)
	server, client := plugin.ServerTLS(), host.ClientTLS("")
	wantShown(t, server, client, first, first)
	plugin.replace(t, second)
	plugin.clock.forward(time.Hour)
	wantShown(t, server, client, second, first)
	host.replace(t, second)
	host.clock.forward(time.Hour)
	wantShown(t, server, client, second, second)

	stranger := root(t)
	other := follow(t, fresh(t, certs.Spec{Profile: certs.ProfilePeer}, stranger), stranger)
	if _, _, err := shake(t, server, other.ClientTLS("")); err == nil {
		t.Error("another authority's certificate is taken")
	}
	if _, _, err := shake(t, server, host.ClientTLS("example.org")); err == nil {
		t.Error("another name is taken")
	}
}

func wantShown(t *testing.T, server, client *tls.Config, plugin, host *certs.Identity) {
	t.Helper()
	atServer, atClient, err := shake(t, server, client)
	noError(t, err)
	if !atClient.PeerCertificates[0].Equal(plugin.Certificate()) || !atServer.PeerCertificates[0].Equal(host.Certificate()) {
		t.Error("another certificate was shown")
	}
}

// shake makes a connection, and says what each side saw.
func shake(t *testing.T, server, client *tls.Config) (atServer, atClient tls.ConnectionState, err error) {
	t.Helper()
	a, b := net.Pipe()
	noError(t, a.SetDeadline(time.Now().Add(patience)))
	noError(t, b.SetDeadline(time.Now().Add(patience)))
	s, c := tls.Server(a, server), tls.Client(b, client)
	failed := make(chan error, 1)
	go func() {
		err := s.Handshake()
		if err == nil {
			_, err = s.Write([]byte("x")) // with TLS 1.3 a client learns here that it was refused
		}
		_ = a.Close()
		failed <- err
	}()
	err = c.Handshake()
	if err == nil {
		_, err = c.Read(make([]byte, 1))
	}
	_ = b.Close()
	if serverErr := <-failed; err == nil {
		err = serverErr
	}
	return s.ConnectionState(), c.ConnectionState(), err
}

func TestFollowFails(t *testing.T) {
	dir := t.TempDir()
	ca := root(t)
	c, k := put(t, dir, "c", certs.EncodeCertificates(ca.Chain...)), put(t, dir, "k", oldStyle(t, "EC PRIVATE KEY", mustSEC1(t, ca.Key.(*ecdsa.PrivateKey)), "secret"))
	old := odd(t, ca.Key, nil, expire)
	for name, test := range map[string]struct {
		config certs.FollowConfig
		want   certs.Reason
	}{
		"no file":     {certs.FollowConfig{}, certs.ReasonUnset},
		"no password": {certs.FollowConfig{Certificate: c, Key: k}, certs.ReasonEncrypted},
		"no CA":       {certs.FollowConfig{Certificate: c, Key: k, Password: []byte("secret"), CA: k}, certs.ReasonNotFound},
		"expired":     {certs.FollowConfig{Certificate: put(t, dir, "old", certs.EncodeCertificates(old.Chain...)), Key: k, Password: []byte("secret")}, certs.ReasonExpired},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := certs.Follow(test.config)
			wantReason(t, err, test.want)
		})
	}
	f, err := certs.Follow(certs.FollowConfig{Certificate: c, Key: k, Password: []byte("secret")})
	noError(t, err)
	if f.Certificate().Leaf == nil || f.ServerTLS().ClientAuth != tls.NoClientCert || f.ClientTLS("").RootCAs != nil {
		t.Error("without a CA nobody is asked for a certificate")
	}
}
