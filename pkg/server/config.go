// Package server is the plugin role of the go-plugin protocol: it checks the
// cookie, negotiates version, network and TLS, prints the handshake line and
// serves gRPC until the host asks it to stop or goes away.
//
// Unlike go-plugin's Serve it exits no process, swaps no os.Stdout and touches
// no signal: a program decides these itself.
package server

import (
	"context"
	"io"
	"log/slog"
	"os"
	"runtime"
	"slices"
	"time"

	"google.golang.org/grpc"

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

// Config says what a plugin serves and how. Only Register (or Unknown) is
// needed; New copies the value.
type Config struct {
	// Cookie must be in the environment. The zero value asks for none.
	Cookie handshake.Cookie
	// AppVersions are the versions that the plugin serves; default: whatever
	// the host offers, and 1 where it offers none.
	AppVersions []int
	// Network is "unix", "tcp" or "" for the best that the host takes: unix,
	// or tcp on Windows.
	Network string
	// TLS is TLSAuto by default.
	TLS TLS
	// Register adds the plugin's services. It runs once, within New, when the
	// version is known.
	Register func(r grpc.ServiceRegistrar, s *Server) error
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
	// LookupEnv reads the environment; default os.LookupEnv.
	LookupEnv func(string) (string, bool)
	// Stdout gets the handshake line and nothing else; default os.Stdout. When
	// it is an *os.File, its other end is watched, see IgnoreHost.
	Stdout io.Writer
	// Logger gets what happens; default: nothing is logged.
	Logger *slog.Logger
}

// withDefaults returns a copy in which nothing is left to be defaulted.
func (c Config) withDefaults() Config {
	c.AppVersions = slices.Clone(c.AppVersions)
	c.Schemas = slices.Clone(c.Schemas)
	c.ServerOptions = slices.Clone(c.ServerOptions)
	if c.Grace == 0 {
		c.Grace = DefaultGrace
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
	return c
}

// networks are those that a plugin can listen on by itself, best first.
func (c Config) networks() []string {
	switch {
	case c.Network != "":
		return []string{c.Network}
	case runtime.GOOS == "windows":
		return []string{handshake.NetworkTCP}
	default:
		return []string{handshake.NetworkUnix, handshake.NetworkTCP}
	}
}
