package server

import (
	"context"
	"errors"
	"math"
	"os"
	"path/filepath"
	"sync"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	_ "google.golang.org/grpc/encoding/gzip" // a host may compress

	"github.com/pyvider/rpcplugin/internal/event"
	"github.com/pyvider/rpcplugin/pkg/handshake"
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
	mux       muxSession          // with multiplexing
	carriage  *carriage           // nil without Config.Carry
	captured  *captured           // nil without Config.Capture, and before Run

	grpc   *grpc.Server
	stdio  *services.Stdio
	broker *services.Broker
	health *services.Health

	stopOnce sync.Once
	stop     chan struct{} // a stop was asked for
	killOnce sync.Once
	kill     chan struct{} // and nothing may be waited for
	metOnce  sync.Once
	met      chan struct{} // a host has connected; see Config.IdleTimeout
	closing  sync.Once
}

// Serve is [New] and [Server.Run] in one: a plugin's main function. It returns
// nil when the plugin was asked to stop, or its host is gone, and else an *Error.
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
	if err := cfg.check(); err != nil {
		return nil, &Error{Reason: ReasonConfig, Err: err}
	}
	s := &Server{
		cfg: cfg.withDefaults(), parent: os.Getppid(), mux: newMuxSession(),
		stop: make(chan struct{}), kill: make(chan struct{}), met: make(chan struct{}),
	}
	if cfg.IdleTimeout > 0 {
		s.mux.wait += cfg.IdleTimeout // which tells more
	}
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

// streamWorkers is how many goroutines gRPC keeps for calls: they have grown
// their stacks, which shows in the time of a small call. stdio and broker occupy
// two; when all are busy, a call gets a goroutine of its own.
const streamWorkers = 8

// assemble builds the gRPC server with go-plugin's services and the plugin's.
func (s *Server) assemble() error {
	creds := insecure.NewCredentials()
	if s.cfg.Carry != nil {
		s.carriage = &carriage{carry: s.cfg.Carry, tls: s.tls.server, logger: s.cfg.log}
	} else if s.tls.server != nil {
		creds = credentials.NewTLS(s.tls.server)
	}
	options := []grpc.ServerOption{
		grpc.Creds(creds),
		grpc.MaxRecvMsgSize(math.MaxInt32),
		grpc.MaxSendMsgSize(math.MaxInt32),
		grpc.NumStreamWorkers(streamWorkers),
		grpc.ConnectionTimeout(greetWait), // a silent connection holds up a stop
	}
	if s.cfg.Unknown != nil {
		options = append(options, grpc.UnknownServiceHandler(s.cfg.Unknown))
	}
	options = append(options, s.cfg.RateLimit.options()...)
	s.grpc = grpc.NewServer(append(options, s.cfg.ServerOptions...)...)
	s.stdio = services.NewStdio()
	brokered := services.BrokerConfig{
		Listen: func(ctx context.Context) (*transport.Listener, error) {
			return s.carrier.Listen(ctx)
		},
		Connect:   transport.Connect,
		ServerTLS: s.tls.server,
		ClientTLS: s.tls.client,
	}
	if s.line.Multiplex == handshake.MultiplexYes {
		brokered.Mux = s.mux.get
	}
	s.broker = services.NewBroker(brokered)
	s.health = services.NewHealth(s.cfg.Checks)
	s.stdio.Register(s.grpc)
	s.broker.Register(s.grpc)
	s.health.Register(s.grpc)
	services.NewController(s.Stop).Register(s.grpc)
	if register := s.cfg.register(s.line.AppVersion); register != nil {
		if err := register(s.grpc, s); err != nil {
			return &Error{Reason: ReasonRegister, Err: err}
		}
	}
	services.RegisterReflection(s.grpc, s.cfg.Schemas...)
	return nil
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
			s.carriage.refuse()
			s.grpc.Stop()
			s.stdio.Close()
			s.broker.Close()
			s.health.Close()
			if lost := s.stdio.Dropped(); lost > 0 {
				s.cfg.log.Warn("output that no host took in time was dropped", event.Failed(event.Stdio, event.Send), "bytes", lost)
			}
		}
		s.closeSockets()
	})
}

// closeSockets closes the listeners, brokered ones too, and removes their files.
func (s *Server) closeSockets() {
	if err := errors.Join(s.listener.Close(), s.carrier.Close()); err != nil {
		s.cfg.log.Debug("cleaning up the socket", event.Failed(event.Socket, event.Clean), "error", err)
	}
}

// Leftover returns the path that is left if this process is killed, "" with tcp:
// the private directory of the plugin's socket, or the socket itself in that of a
// host of ours. Otherwise it goes with the Server; who outlives a killed plugin may
// remove it, with all that is in it. A socket at the Config's Address is not named:
// a plugin that is started again there replaces it, and would lose its own to a
// late removal.
func (s *Server) Leftover() string {
	if s.line.Network != handshake.NetworkUnix || s.cfg.Address != "" {
		return ""
	}
	dir := filepath.Dir(s.line.Address)
	if hosts, err := filepath.Abs(s.env.SocketDir); s.env.SocketDir != "" && err == nil && hosts == dir {
		return s.line.Address
	}
	return dir
}
