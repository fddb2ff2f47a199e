// Package client is the host role of the go-plugin protocol: it starts a
// plugin, reads its handshake line, connects with mutual TLS, and stops it.
//
// Unlike go-plugin's Client it keeps no list of clients, takes a context and a
// slog.Logger, and a grandchild that holds the plugin's pipes cannot hang it.
package client

import (
	"io"
	"log/slog"
	"os"
	"slices"
	"time"

	"google.golang.org/grpc"

	"github.com/pyvider/rpcplugin/pkg/handshake"
)

// Defaults of a Config.
const (
	// DefaultStartTimeout is how long a plugin may take to print its line.
	DefaultStartTimeout = time.Minute
	// DefaultStopGrace is how long a plugin may take to end after Shutdown.
	DefaultStopGrace = 2 * time.Second
)

// TLS says how the connection with the plugin is protected.
type TLS string

// The values of TLS.
const (
	// TLSAuto is AutoMTLS: mutual TLS with one-use certificates, each side
	// pinned to the other's. It is the zero value.
	TLSAuto TLS = ""
	// TLSOff sends no certificate and connects in the clear.
	TLSOff TLS = "off"
)

// Config says which plugin to start and how. Command and Cookie are what a
// plugin usually needs; Start copies the value.
type Config struct {
	// Command is the plugin's program, looked up in PATH, and its arguments.
	Command []string
	// Cookie is put in the plugin's environment; the zero value puts none.
	Cookie handshake.Cookie
	// AppVersions are offered to the plugin; default: 1.
	AppVersions []int
	// Networks that the plugin may listen on; default: unix and tcp.
	Networks []string
	// TLS is TLSAuto by default.
	TLS TLS
	// Multiplex asks that brokered connections share the plugin's one
	// connection. A plugin that does not offer it is refused.
	Multiplex bool
	// Environ is what the plugin's environment is made from; default
	// os.Environ(). PLUGIN_* variables are taken out of it: they belong to the
	// host that started this program, and would mislead the plugin.
	Environ []string
	// Env is added last, KEY=VALUE each, after the host's own variables.
	Env []string
	// Dir is the plugin's working directory; default: this program's.
	Dir string
	// StartTimeout bounds the wait for the handshake line; default
	// DefaultStartTimeout.
	StartTimeout time.Duration
	// StopGrace bounds the wait for the plugin's end after Shutdown; default
	// DefaultStopGrace. After it come SIGTERM and SIGKILL.
	StopGrace time.Duration
	// Stdout and Stderr get what the plugin sends over its stdio service;
	// default: discarded. The writers are not called after Close.
	Stdout, Stderr io.Writer
	// DialOptions are added to those of the connection.
	DialOptions []grpc.DialOption
	// Logger gets what happens, and the plugin's own log lines with their
	// levels; default: nothing is logged.
	Logger *slog.Logger
}

// withDefaults returns a copy in which nothing is left to be defaulted.
func (c Config) withDefaults() Config {
	c.Command = slices.Clone(c.Command)
	c.AppVersions = slices.Clone(c.AppVersions)
	c.Networks = slices.Clone(c.Networks)
	c.Env = slices.Clone(c.Env)
	c.DialOptions = slices.Clone(c.DialOptions)
	if len(c.AppVersions) == 0 {
		c.AppVersions = []int{1}
	}
	if c.Environ == nil {
		c.Environ = os.Environ()
	}
	if c.StartTimeout == 0 {
		c.StartTimeout = DefaultStartTimeout
	}
	if c.StopGrace == 0 {
		c.StopGrace = DefaultStopGrace
	}
	if c.Stdout == nil {
		c.Stdout = io.Discard
	}
	if c.Stderr == nil {
		c.Stderr = io.Discard
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	return c
}
