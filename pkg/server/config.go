// Package server is the plugin role of the go-plugin protocol: it checks the
// cookie, negotiates version, network and TLS, prints the handshake line and
// serves gRPC until the host asks it to stop or goes away.
//
// Unlike go-plugin's Serve it exits no process, and it leaves os.Stdout and the
// signals alone unless Config.Capture and Config.Signals ask for them.
//
// A plugin's own tests start it with [ServeTest], in their process and without
// a host.
//
// The go-plugin contract that comments refer to is docs/protocol.md, by sections.
package server

import (
	"context"
	"crypto/tls"
	"io"
	"log/slog"
	"maps"
	"net"
	"os"
	"runtime"
	"slices"
	"strconv"
	"time"

	"google.golang.org/grpc"

	"github.com/pyvider/rpcplugin/internal/event"
	"github.com/pyvider/rpcplugin/pkg/handshake"
	"github.com/pyvider/rpcplugin/pkg/services"
)

// TLS says how the connection with the host is protected.
type TLS string

// The values of TLS.
const (
	// TLSAuto is AutoMTLS: mutual TLS with one-use certificates if the host
	// sent its own, none otherwise. It is the zero value.
	TLSAuto TLS = ""
	// TLSOff never answers with a certificate. A host that asked for AutoMTLS
	// fails at its first call.
	TLSOff TLS = "off"
)

// DefaultGrace is how long running calls may go on after a stop was asked for.
// It leaves room in the two seconds that a host waits.
const DefaultGrace = time.Second

// Register adds a plugin's services to the gRPC server. It runs once, within
// New, when the version is known; s is not running yet. Its error is New's.
type Register func(r grpc.ServiceRegistrar, s *Server) error

// Config says what a plugin serves and how. Only Register (or Versions, or
// Unknown) is needed; New copies the value.
type Config struct {
	// Cookie must be in the environment. The zero value asks for none.
	Cookie handshake.Cookie
	// AppVersions are the versions that the plugin serves; default: whatever
	// the host offers, and 1 where it offers none.
	AppVersions []int
	// Versions are the services of each app version, in place of Register and
	// AppVersions: its keys are the versions, and the Register of the negotiated
	// one runs. A nil Register adds nothing.
	Versions map[int]Register
	// Network is "unix", "tcp" or "" for the best that the host takes: unix,
	// or tcp on Windows.
	Network string
	// Address is where to listen, in place of a new socket in a private directory
	// or a port of the host's range: "unix:/path", a path, or "host:port", with
	// port 0 for any. It decides the network. A socket that nobody listens at any
	// more is replaced, one in use is an error. An address that other machines
	// reach is refused unless TLS makes hosts show a certificate.
	Address string
	// TLS is TLSAuto by default.
	TLS TLS
	// TLSConfig protects the connection with keys that were agreed on before,
	// see pki.Files, in place of AutoMTLS: the line has no certificate then. It
	// serves for brokered services, too, in both directions, so it needs what
	// servers need and what clients need (RootCAs, ServerName), as a go-plugin
	// TLSProvider's does. New clones it, adds "h2" to NextProtos and insists on
	// TLS 1.2.
	TLSConfig *tls.Config
	// Register adds the plugin's services.
	Register Register
	// Unknown serves every call of a service that is not registered;
	// default: such calls end with Unimplemented.
	Unknown grpc.StreamHandler
	// Schemas are further sources for reflection, beside what is registered.
	Schemas []services.Schema
	// Checks answer the health service for further names, see
	// services.NewHealth.
	Checks map[string]func(context.Context) error
	// ServerOptions are added to those of the gRPC server.
	ServerOptions []grpc.ServerOption
	// KeepSocket leaves the socket file in place until the end. By default it
	// is removed as soon as the host has opened stdio or broker, so that
	// nothing is left behind if the process is killed. Set it where further
	// hosts dial the same plugin (reattach).
	KeepSocket bool
	// IgnoreHost goes on serving when the process that started this one has
	// ended, or has closed its end of our stdout. By default the plugin stops
	// then. Set it where no host starts the plugin (standalone).
	IgnoreHost bool
	// Grace is how long running calls may go on after a stop was asked for;
	// default DefaultGrace.
	Grace time.Duration
	// IdleTimeout ends Run with ReasonNoHost if no host has connected by then.
	// A host counts from the first byte that it sends. Default: no limit, but
	// for the 15 seconds that a multiplexing host has.
	IdleTimeout time.Duration
	// RateLimit bounds how many calls are served; default: none.
	RateLimit RateLimit
	// ShutdownFile is the path of a file whose appearance asks for a stop. It
	// is removed then. One that is there when Run begins counts, too.
	ShutdownFile string
	// ShutdownPoll is how often ShutdownFile is looked for; default
	// DefaultShutdownPoll.
	ShutdownPoll time.Duration
	// Signals makes Run obey the signals of a plugin: SIGINT does nothing, for
	// Ctrl-C reaches the plugin beside its host, and the host decides; SIGTERM
	// is Stop, a second one Kill. They have their usual effect back when Run
	// returns.
	Signals bool
	// Capture sends what the program writes to the variables os.Stdout and
	// os.Stderr to the host, through the stdio service, while Run runs. What is
	// written after a stop was asked for is lost. Who has kept an older value of
	// the variables writes past it, as log.Default does; who keeps one of these
	// gets errors after Run. Programs that are started must not inherit
	// them if they live on. The variables are not guarded: who uses them while
	// Run begins or returns has a data race; calls that Run serves have none.
	Capture bool
	// Carry, if set, is given every connection of the host in place of the gRPC
	// server, in a goroutine of its own: multiplexing is taken off and the TLS
	// handshake done. It returns when the connection has ended, and closes it.
	//
	// local opens a connection to the gRPC server, in memory, on which nothing
	// but HTTP/2 in the clear is spoken; it fails when the server has stopped.
	// The gRPC server says there that it stops, by GOAWAY. ctx is cancelled when
	// nothing may be waited for any more: after Kill, and after the Grace, for
	// which Run waits as it does for calls.
	Carry func(ctx context.Context, host net.Conn, local func(context.Context) (net.Conn, error))
	// LookupEnv reads the environment; default os.LookupEnv.
	LookupEnv func(string) (string, bool)
	// Stdout gets the handshake line and nothing else; default os.Stdout. When
	// it is an *os.File, its other end is watched, see IgnoreHost.
	Stdout io.Writer
	// Logger gets what happens; default: nothing is logged.
	Logger *slog.Logger
	log    *slog.Logger // Logger, for records of this package
}

// withDefaults returns a copy in which nothing is left to be defaulted.
func (c Config) withDefaults() Config {
	c.AppVersions = slices.Clone(c.AppVersions)
	c.Versions = maps.Clone(c.Versions)
	if len(c.Versions) > 0 {
		c.AppVersions = slices.Sorted(maps.Keys(c.Versions))
	}
	c.Schemas = slices.Clone(c.Schemas)
	c.ServerOptions = slices.Clone(c.ServerOptions)
	if c.Grace == 0 {
		c.Grace = DefaultGrace
	}
	if c.ShutdownPoll == 0 {
		c.ShutdownPoll = DefaultShutdownPoll
	}
	if c.LookupEnv == nil {
		c.LookupEnv = os.LookupEnv
	}
	if c.Stdout == nil {
		c.Stdout = os.Stdout
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	c.Logger = event.InRun(c.Logger, strconv.Itoa(os.Getpid()))
	c.log = event.Named(c.Logger, "server")
	return c
}

// networks are those that a plugin can listen on by itself, best first.
func (c Config) networks(at fixedAddress) []string {
	switch {
	case at.network != "":
		return []string{at.network}
	case c.Network != "":
		return []string{c.Network}
	case runtime.GOOS == "windows":
		return []string{handshake.NetworkTCP}
	default:
		return []string{handshake.NetworkUnix, handshake.NetworkTCP}
	}
}
