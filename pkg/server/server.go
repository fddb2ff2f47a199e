package server

import (
	"context"
	"crypto/tls"
	"errors"
	"math"
	"net"
	"os"
	"path/filepath"
	"sync"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	_ "google.golang.org/grpc/encoding/gzip" // a host may compress

	"github.com/pyvider/rpcplugin/pkg/handshake"
	"github.com/pyvider/rpcplugin/pkg/pki"
	"github.com/pyvider/rpcplugin/pkg/services"
	"github.com/pyvider/rpcplugin/pkg/transport"
)

// Server is one plugin: negotiated and listening after New, serving in Run.
type Server struct {
	cfg       Config
	parent    int // process id of who started us
	env       handshake.Env
	line      handshake.Line
	portFault error // why the host's ports cannot be used
	tls       secrets
	listener  *transport.Listener
	carrier   transport.Transport // owns listener

	grpc   *grpc.Server
	stdio  *services.Stdio
	broker *services.Broker
	health *services.Health

	stopOnce sync.Once
	stop     chan struct{} // a stop was asked for
	killOnce sync.Once
	kill     chan struct{} // and nothing may be waited for
	closing  sync.Once
}

// secrets are the TLS configurations of a plugin; all nil without TLS.
type secrets struct {
	server, client *tls.Config
	certificate    []byte // DER, for the line
}

// Serve is New and Run in one.
func Serve(ctx context.Context, cfg Config) error {
	s, err := New(ctx, cfg)
	if err != nil {
		return err
	}
	return s.Run(ctx)
}

// New checks the cookie, negotiates with the host through the environment,
// and listens. Nothing is printed yet. The caller calls Run, or Close when it
// will not. The error is an *Error.
func New(ctx context.Context, cfg Config) (*Server, error) {
	s := &Server{cfg: cfg.withDefaults(), parent: os.Getppid(), stop: make(chan struct{}), kill: make(chan struct{})}
	if err := s.negotiate(); err != nil {
		return nil, err
	}
	if err := s.listen(ctx); err != nil {
		return nil, err
	}
	if err := s.assemble(); err != nil {
		s.Close()
		return nil, err
	}
	return s, nil
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
		s.cfg.Logger.Warn("passed over an entry that is no version", "variable", handshake.EnvProtocolVersions, "entry", entry)
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
	if env.MultiplexSet {
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
		s.cfg.Logger.Warn("no app version in common with the host; it will refuse",
			"own", own, "offered", s.env.AppVersions, "chosen", version)
	}
	return version
}

// protect makes our certificate if the host sent its own.
func (s *Server) protect() (secrets, error) {
	if s.env.ClientCert == "" {
		return secrets{}, nil
	}
	if s.cfg.TLS == TLSOff {
		s.cfg.Logger.Warn("the host asked for AutoMTLS, which is turned off here; its first call will fail")
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

// listen opens the socket or port for the host.
func (s *Server) listen(ctx context.Context) error {
	network, err := transport.Negotiate(s.cfg.networks(), s.env.Transports)
	if err != nil {
		return &Error{Reason: ReasonNetwork, Err: err}
	}
	if network == handshake.NetworkTCP && s.portFault != nil {
		return &Error{Reason: ReasonEnvironment, Err: s.portFault}
	}
	s.carrier = s.newTransport(network)
	s.listener, err = s.carrier.Listen(ctx)
	if err != nil {
		return &Error{Reason: ReasonListen, Err: err}
	}
	at := s.listener.Endpoint()
	s.line.Network, s.line.Address = at.Network, at.Address
	return nil
}

// newTransport follows what the host said about sockets and ports.
func (s *Server) newTransport(network string) transport.Transport {
	if network == handshake.NetworkTCP {
		return transport.NewTCP(transport.TCPConfig{MinPort: s.env.MinPort, MaxPort: s.env.MaxPort})
	}
	return transport.NewUnix(transport.UnixConfig{Dir: s.env.SocketDir, Group: s.env.SocketGroup})
}

// assemble builds the gRPC server with go-plugin's services and the plugin's.
func (s *Server) assemble() error {
	creds := insecure.NewCredentials()
	if s.tls.server != nil {
		creds = credentials.NewTLS(s.tls.server)
	}
	options := []grpc.ServerOption{
		grpc.Creds(creds),
		grpc.MaxRecvMsgSize(math.MaxInt32),
		grpc.MaxSendMsgSize(math.MaxInt32),
	}
	if s.cfg.Unknown != nil {
		options = append(options, grpc.UnknownServiceHandler(s.cfg.Unknown))
	}
	s.grpc = grpc.NewServer(append(options, s.cfg.ServerOptions...)...)
	s.stdio = services.NewStdio()
	s.broker = services.NewBroker(services.BrokerConfig{
		Listen: func(ctx context.Context) (*transport.Listener, error) {
			return s.newTransport(s.line.Network).Listen(ctx)
		},
		Connect:   connect,
		ServerTLS: s.tls.server,
		ClientTLS: s.tls.client,
	})
	s.health = services.NewHealth(s.cfg.Checks)
	s.stdio.Register(s.grpc)
	s.broker.Register(s.grpc)
	s.health.Register(s.grpc)
	services.NewController(s.Stop).Register(s.grpc)
	if s.cfg.Register != nil {
		if err := s.cfg.Register(s.grpc, s); err != nil {
			return &Error{Reason: ReasonRegister, Err: err}
		}
	}
	services.RegisterReflection(s.grpc, s.cfg.Schemas...)
	return nil
}

// connect dials what a host announced through the broker.
func connect(ctx context.Context, endpoint transport.Endpoint) (net.Conn, error) {
	if endpoint.Network == handshake.NetworkTCP {
		return transport.NewTCP(transport.TCPConfig{}).Connect(ctx, endpoint)
	}
	return transport.NewUnix(transport.UnixConfig{}).Connect(ctx, endpoint)
}

// Line returns the handshake line that Run prints.
func (s *Server) Line() handshake.Line { return s.line }

// Reattach returns what a host needs to attach to this plugin instead of
// starting it. It is of use with KeepSocket and without TLS only.
func (s *Server) Reattach() handshake.Reattach {
	return handshake.Reattach{
		Protocol: s.line.Protocol, ProtocolVersion: s.line.AppVersion, Pid: os.Getpid(),
		Network: s.line.Network, Address: s.line.Address, Test: true,
	}
}

// AppVersion returns the negotiated version.
func (s *Server) AppVersion() int { return s.line.AppVersion }

// Stdio returns the stdio service: what is written to its writers reaches the
// host.
func (s *Server) Stdio() *services.Stdio { return s.stdio }

// Broker returns the broker of the connection with the host.
func (s *Server) Broker() *services.Broker { return s.broker }

// Stop asks Run to end: new calls are refused, running ones get the grace.
// It does not wait and may be called more than once.
func (s *Server) Stop() { s.stopOnce.Do(func() { close(s.stop) }) }

// Kill asks Run to end without waiting for running calls.
// It does not wait and may be called more than once.
func (s *Server) Kill() {
	s.Stop()
	s.killOnce.Do(func() { close(s.kill) })
}

// Stopping is closed when a stop was asked for: by Stop, by the host's
// Shutdown, or because the host or the context of Run is gone.
func (s *Server) Stopping() <-chan struct{} { return s.stop }

// Close releases the socket of a Server whose Run is not called. After Run it
// does nothing.
func (s *Server) Close() {
	s.closing.Do(func() {
		s.Kill()
		if s.grpc != nil {
			s.grpc.Stop()
			s.stdio.Close()
			s.broker.Close()
			s.health.Close()
		}
		if err := errors.Join(s.listener.Close(), s.carrier.Close()); err != nil {
			s.cfg.Logger.Debug("cleaning up the socket", "error", err)
		}
	})
}

// SocketDir returns the private directory of the plugin's socket, "" with tcp.
// It goes with the Server; whoever outlives a killed plugin may remove it.
func (s *Server) SocketDir() string {
	if s.line.Network != handshake.NetworkUnix {
		return ""
	}
	return filepath.Dir(s.line.Address)
}
