package server

import (
	"context"
	"crypto/tls"
	"slices"

	"github.com/pyvider/rpcplugin/internal/event"
	"github.com/pyvider/rpcplugin/pkg/handshake"
	"github.com/pyvider/rpcplugin/pkg/pki"
	"github.com/pyvider/rpcplugin/pkg/transport"
)

// alpn is the protocol that gRPC wants agreed on within TLS.
const alpn = "h2"

// secrets are the TLS configurations of a plugin; all nil without TLS.
type secrets struct {
	server, client *tls.Config
	certificate    []byte // DER, for the line
}

// negotiate reads what the host wants and decides version and TLS.
func (s *Server) negotiate() error {
	if !s.cfg.Cookie.IsZero() {
		if err := s.cfg.Cookie.Check(s.cfg.LookupEnv); err != nil {
			return &Error{Reason: ReasonCookie, Err: err}
		}
	}
	env, err := handshake.ReadEnv(s.cfg.LookupEnv)
	s.env, s.portFault = env, err // ports matter to tcp alone, see listen
	for _, entry := range env.Skipped {
		s.cfg.log.Warn("passed over an entry that is no version", event.Skipped(event.Handshake, event.Read), "variable", handshake.EnvProtocolVersions, "entry", entry)
	}
	if s.tls, err = s.protect(); err != nil {
		return &Error{Reason: ReasonTLS, Err: err}
	}
	version := s.version()
	s.line = handshake.Line{
		CoreVersion: handshake.CoreVersion,
		AppVersion:  version,
		Protocol:    handshake.ProtocolGRPC,
		Certificate: s.tls.certificate,
	}
	switch {
	case env.Multiplex:
		s.line.Multiplex = handshake.MultiplexYes
	case env.MultiplexSet:
		s.line.Multiplex = handshake.MultiplexNo
	}
	return nil
}

// version chooses the app version.
func (s *Server) version() int {
	own := s.cfg.AppVersions
	if len(own) == 0 {
		own = s.env.AppVersions
	}
	if len(own) == 0 {
		own = []int{1}
	}
	version, matched := handshake.ChooseVersion(own, s.env.AppVersions)
	if !matched && len(s.env.AppVersions) > 0 {
		s.cfg.log.Warn("no app version in common with the host; it will refuse", event.Failed(event.Handshake, event.Choose),
			"own", own, "offered", s.env.AppVersions, "chosen", version)
	}
	return version
}

// protect makes our certificate if the host sent its own, unless the plugin has
// a TLS configuration.
func (s *Server) protect() (secrets, error) {
	if s.cfg.TLSConfig != nil {
		if s.env.ClientCert != "" {
			s.cfg.log.Warn("the host asked for AutoMTLS, and the plugin has a TLS configuration of its own; the host's first call may fail",
				event.Skipped(event.TLS, event.Choose))
		}
		own := agreedTLS(s.cfg.TLSConfig)
		return secrets{server: own, client: own}, nil
	}
	if s.env.ClientCert == "" {
		return secrets{}, nil
	}
	if s.cfg.TLS == TLSOff {
		s.cfg.log.Warn("the host asked for AutoMTLS, which is turned off here; its first call will fail", event.Skipped(event.TLS, event.Choose))
		return secrets{}, nil
	}
	host, err := pki.ParsePEM(s.env.ClientCert)
	if err != nil {
		return secrets{}, err
	}
	pair, err := pki.NewPair()
	if err != nil {
		return secrets{}, err
	}
	return secrets{server: pair.ServerTLS(host), client: pair.ClientTLS(host), certificate: pair.DER()}, nil
}

// agreedTLS is a copy of a configuration with what gRPC insists on.
func agreedTLS(config *tls.Config) *tls.Config {
	config = config.Clone()
	config.MinVersion = max(config.MinVersion, tls.VersionTLS12)
	if !slices.Contains(config.NextProtos, alpn) {
		config.NextProtos = append([]string{alpn}, config.NextProtos...)
	}
	return config
}

// listen opens the socket or port for the host.
func (s *Server) listen(ctx context.Context) error {
	at, err := parseAddress(s.cfg.Address)
	if err != nil {
		return &Error{Reason: ReasonConfig, Err: err}
	}
	network, err := transport.Negotiate(s.cfg.networks(at), s.env.Transports)
	if err != nil {
		return &Error{Reason: ReasonNetwork, Err: err}
	}
	if network == handshake.NetworkTCP && s.portFault != nil {
		return &Error{Reason: ReasonEnvironment, Err: s.portFault}
	}
	s.carrier = s.newTransport(network, at.host)
	if s.cfg.Address != "" {
		s.listener, err = s.listenAt(ctx, at)
	} else {
		s.listener, err = s.carrier.Listen(ctx)
	}
	if err != nil {
		return &Error{Reason: ReasonListen, Err: err}
	}
	opened := s.listener.Endpoint()
	s.line.Network, s.line.Address = opened.Network, opened.Address
	return nil
}

// newTransport follows what the host said about sockets and ports; address is
// the machine's own to listen at with tcp, "" for loopback.
func (s *Server) newTransport(network, address string) transport.Transport {
	if network == handshake.NetworkTCP {
		return transport.NewTCP(transport.TCPConfig{Host: address, MinPort: s.env.MinPort, MaxPort: s.env.MaxPort})
	}
	return transport.NewUnix(transport.UnixConfig{Dir: s.env.SocketDir, Group: s.env.SocketGroup})
}
