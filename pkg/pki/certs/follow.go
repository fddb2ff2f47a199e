package certs

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"io/fs"
	"log/slog"
	"os"
	"sync"
	"time"

	"github.com/pyvider/rpcplugin/internal/event"
)

// followInterval is the default of [FollowConfig].
const followInterval = 5 * time.Second

// FollowConfig says which files a Follower follows.
type FollowConfig struct {
	// Certificate is the file of the chain, Key that of its key; both are needed
	// and may be the same. A value may begin with "file://".
	Certificate, Key string
	// Password decrypts the key, if that is encrypted.
	Password []byte
	// CA, if it is set, is a file of the authorities that peers must come from.
	// It is read once.
	CA string
	// Interval is the least time between two looks at the files, 5 s by default.
	Interval time.Duration
	// Logger is told of each new pair and of each one that is no good. It is
	// silent by default.
	Logger *slog.Logger
	// Now is the clock, [time.Now] by default.
	Now func() time.Time
}

// A Follower shows the certificate that its files hold at the time of each
// handshake, so that it can be renewed without a restart. Files are looked at
// during a handshake, and no more often than the interval says; there is no
// goroutine, and nothing to close. A pair that cannot be read, does not match or
// has expired does not take the place of the one before, so the two files may be
// replaced one after the other. It is safe for use by many goroutines.
type Follower struct {
	config FollowConfig
	roots  *x509.CertPool

	mu      sync.Mutex
	current *tls.Certificate
	looked  time.Time
	seen    [2]fs.FileInfo // of what current was made, or what was refused
	refused bool           // the files are no good, as was logged
}

// Follow reads the files for the first time. It fails as [ReadIdentity] and
// [ReadCertificates] do, and with [ReasonExpired].
func Follow(config FollowConfig) (*Follower, error) {
	if config.Interval <= 0 {
		config.Interval = followInterval
	}
	if config.Logger == nil {
		config.Logger = slog.New(slog.DiscardHandler)
	}
	config.Logger = event.Named(config.Logger, "certs")
	if config.Now == nil {
		config.Now = time.Now
	}
	config.Password = bytes.Clone(config.Password)
	f := &Follower{config: config}
	if config.CA != "" {
		authorities, err := ReadCertificates(config.CA)
		if err != nil {
			return nil, err
		}
		f.roots = x509.NewCertPool()
		for _, authority := range authorities {
			f.roots.AddCert(authority)
		}
	}
	f.seen, f.looked = f.stat(), config.Now()
	var err error
	f.current, err = f.read()
	if err != nil {
		return nil, err
	}
	return f, nil
}

// ServerTLS returns a configuration for a plugin. With a CA the host has to show
// a certificate that comes from it. It serves for brokered connections in the
// other direction, too; there the host goes by "localhost". The result is new
// each time and belongs to the caller.
func (f *Follower) ServerTLS() *tls.Config { return f.tls(localhost) }

// ClientTLS returns a configuration for a host. The plugin has to go by the
// name, "" for "localhost", and come from CA, or without one from an authority
// of the system. It serves for brokered connections, too.
func (f *Follower) ClientTLS(serverName string) *tls.Config {
	if serverName == "" {
		serverName = localhost
	}
	return f.tls(serverName)
}

func (f *Follower) tls(serverName string) *tls.Config {
	config := &tls.Config{
		ServerName: serverName,
		MinVersion: tls.VersionTLS12,
		NextProtos: []string{"h2"},
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) {
			return f.Certificate(), nil
		},
		GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
			return f.Certificate(), nil
		},
	}
	if f.roots != nil {
		config.RootCAs, config.ClientCAs = f.roots, f.roots
		config.ClientAuth = tls.RequireAndVerifyClientCert
	}
	return config
}

// Certificate returns the pair to show now, after a look at the files if it is
// time for one. It is shared: do not change it.
func (f *Follower) Certificate() *tls.Certificate {
	f.mu.Lock()
	defer f.mu.Unlock()
	now := f.config.Now()
	if since := now.Sub(f.looked); since >= 0 && since < f.config.Interval {
		return f.current
	}
	f.looked = now
	seen := f.stat() // before reading: what changes meanwhile is seen the next time
	changed := !same(seen, f.seen)
	if !changed && !f.refused {
		return f.current
	}
	next, err := f.read()
	if err != nil {
		if changed || !f.refused {
			f.config.Logger.Warn("the new certificate cannot be used, the old one stays", event.Failed(event.TLS, event.Load),
				"certificate", path(f.config.Certificate), "key", path(f.config.Key), "error", err)
		}
		f.seen, f.refused = seen, true
		return f.current
	}
	f.seen, f.refused, f.current = seen, false, next
	f.config.Logger.Info("the certificate was replaced", event.OK(event.TLS, event.Load), "certificate", path(f.config.Certificate),
		"subject", nameOf(next.Leaf.Subject), "not_after", next.Leaf.NotAfter)
	return f.current
}

// read returns what the files hold, if it can be shown.
func (f *Follower) read() (*tls.Certificate, error) {
	identity, err := ReadIdentity(f.config.Certificate, f.config.Key, f.config.Password)
	if err != nil {
		return nil, err
	}
	if err := checkDates(identity.Certificate(), f.config.Now()); err != nil {
		return nil, at(path(f.config.Certificate), err)
	}
	own := identity.TLS()
	return &own, nil
}

// stat looks at the files; nil stands for one that is not there.
func (f *Follower) stat() (infos [2]fs.FileInfo) {
	for i, file := range []string{f.config.Certificate, f.config.Key} {
		if info, err := os.Stat(path(file)); err == nil {
			infos[i] = info
		}
	}
	return infos
}

func same(a, b [2]fs.FileInfo) bool {
	for i := range a {
		switch {
		case a[i] == nil || b[i] == nil:
			if a[i] != b[i] {
				return false
			}
		case !os.SameFile(a[i], b[i]) || a[i].Size() != b[i].Size() || !a[i].ModTime().Equal(b[i].ModTime()):
			return false
		}
	}
	return true
}
