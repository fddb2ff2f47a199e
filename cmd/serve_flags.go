package cmd

import (
	"crypto/tls"
	"log/slog"
	"strconv"
	"time"

	"github.com/pyvider/rpcplugin/pkg/pki"
	"github.com/pyvider/rpcplugin/pkg/pki/certs"
	"github.com/pyvider/rpcplugin/pkg/server"
)

// serveTLSFlags name the files of --tls files.
type serveTLSFlags struct {
	Cert     string `placeholder:"FILE" help:"Certificate to show to hosts, in PEM, with those that lead to its authority: a path, or PEM itself. A renewed file is taken up."`
	Key      string `placeholder:"FILE" help:"Its private key."`
	ClientCA string `name:"client-ca" placeholder:"FILE" help:"Certificates of the authorities that a host's must come from; default: hosts need none."`
}

// agreedTLS returns what the files say, nil with a TLS that needs none.
func (f *serveTLSFlags) agreedTLS(mode string, logger *slog.Logger) (*tls.Config, error) {
	named := f.Cert != "" || f.Key != "" || f.ClientCA != ""
	switch {
	case mode == "off" && named:
		return nil, usagef("leave out --tls off, or --cert, --key and --client-ca", "--tls is \"off\", expected \"files\" with certificates")
	case mode != "files" && !named:
		return nil, nil //nolint:nilnil // there are none, and nothing is wrong
	}
	own, err := pki.Files{Certificate: f.Cert, Key: f.Key, CA: f.ClientCA}.ServerTLS()
	if err == nil && !pki.Inline(f.Cert) && !pki.Inline(f.Key) {
		var follower *certs.Follower
		if follower, err = certs.Follow(certs.FollowConfig{Certificate: f.Cert, Key: f.Key, Logger: logger}); err == nil {
			own.Certificates = nil
			own.GetCertificate = func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return follower.Certificate(), nil }
			own.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return follower.Certificate(), nil }
		}
	}
	if err != nil {
		return nil, &usageError{err: err, hint: hintOf(err)}
	}
	return own, nil
}

// servingFlags are what a plugin does beside its calls.
type servingFlags struct {
	Listen       string        `placeholder:"ADDRESS" form:"address" help:"Where to listen, in place of a private socket or a port of the host's range: unix:/path or 127.0.0.1:port, port 0 for any."`
	RateLimit    float64       `placeholder:"N" unit:"calls per second" help:"How many calls a second are taken, on average; more are refused with ResourceExhausted; default: no limit."`
	RateBurst    int           `placeholder:"N" unit:"calls" help:"How many calls of --rate-limit may come at once; default: those of one second."`
	ShutdownFile string        `placeholder:"FILE" help:"File whose appearance stops the plugin; it is removed then."`
	IdleTimeout  time.Duration `default:"0s" help:"End if no host has connected by then; 0s is no bound."`
	Grace        time.Duration `default:"1s" help:"How long running calls may go on after a stop was asked for; hosts wait 2s."`
}

// checkServing refuses what cannot be meant.
func (f *servingFlags) checkServing() error {
	switch {
	case f.Listen != "" && server.CheckAddress(f.Listen) != nil:
		err := server.CheckAddress(f.Listen)
		return usagef("for example --listen unix:/run/plugin.sock, or --listen 127.0.0.1:0", "--listen: %w", err)
	case !(f.RateLimit >= 0): // not even a number
		return usagef("for example --rate-limit 100", "--rate-limit is %q, expected a number from \"0\"", strconv.FormatFloat(f.RateLimit, 'g', -1, 64))
	case f.RateBurst < 0:
		return usagef("for example --rate-burst 10", "--rate-burst is \"%d\", expected a whole number from \"0\"", f.RateBurst)
	case f.RateBurst > 0 && f.RateLimit == 0:
		return usagef("for example --rate-limit 100 --rate-burst 10", "--rate-burst is \"%d\" without --rate-limit, expected both", f.RateBurst)
	}
	if err := checkDuration("--idle-timeout", f.IdleTimeout); err != nil {
		return err
	}
	return checkDuration("--grace", f.Grace)
}

// serving adds to the plugin's configuration what these flags say.
func (c *serveCommand) serving(host *server.Config, logger *slog.Logger) error {
	err := c.checkServing()
	if err != nil {
		return err
	}
	if host.TLSConfig, err = c.agreedTLS(c.TLS, logger); err != nil {
		return err
	}
	if host.TLSConfig != nil {
		host.TLS = server.TLSAuto // by hand, too
	}
	if c.Listen != "" {
		host.Address, host.KeepSocket = c.Listen, true // others are to find it
	}
	host.RateLimit = server.RateLimit{PerSecond: c.RateLimit, Burst: c.RateBurst}
	host.ShutdownFile, host.IdleTimeout, host.Grace = c.ShutdownFile, c.IdleTimeout, max(c.Grace, time.Nanosecond) // 0 is the default
	return nil
}
