// Package bridge is the plugin role for somebody else's program: it starts a
// plain gRPC server of any language, speaks go-plugin's protocol with the host
// on its behalf, and passes every call on to it.
//
// The program's whole contract is to listen, without TLS, at the address in
// its environment (see EnvChildAddress).
package bridge

import (
	"io"
	"log/slog"
	"os"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/pyvider/rpcplugin/pkg/handshake"
	"github.com/pyvider/rpcplugin/pkg/server"
	"github.com/pyvider/rpcplugin/pkg/services"
)

// Variables that a child finds in its environment (go-plugin contract,
// section 9).
const (
	// EnvChildAddress is the gRPC target to listen at: unix:/… or
	// 127.0.0.1:port.
	EnvChildAddress = "RPCPLUGIN_CHILD_ADDRESS"
	// EnvChildSocket is the bare path of a unix socket; unset with tcp.
	EnvChildSocket = "RPCPLUGIN_CHILD_SOCKET"
	// EnvChildAppVersion is the app version that host and plugin agreed on.
	EnvChildAppVersion = "RPCPLUGIN_CHILD_APP_VERSION"
)

// Defaults of a Config.
const (
	// DefaultListenTimeout is how long a child may take until it accepts.
	DefaultListenTimeout = time.Minute
	// stopGrace is how long a child has between SIGTERM and SIGKILL.
	stopGrace = 500 * time.Millisecond
)

// Config says which program to bridge and how. Only Command is needed; New
// copies the value.
type Config struct {
	// Command is the program, looked up in PATH, and its arguments.
	Command []string
	// Environ is what the child's environment is made from; default
	// os.Environ(). PLUGIN_*, RPCPLUGIN_* and the host's cookie are taken out
	// of it.
	Environ []string
	// Env is added last, KEY=VALUE each.
	Env []string
	// ChildNetwork is "unix" or "tcp"; default unix, tcp on Windows.
	ChildNetwork string
	// ListenTimeout is how long the child may take until it accepts; default
	// DefaultListenTimeout. After it, every call fails.
	ListenTimeout time.Duration
	// Server is the side of the host. Its Register and Unknown are the
	// bridge's own, its Schemas are added to.
	Server server.Config
	// EndWithChild ends Run when the child ends. By default the bridge stays
	// and tells the host, call by call, what happened.
	EndWithChild bool
	// CrashReport gets, when the child dies, its last words as plain text led
	// by "panic: ", which hosts show to their users; default: nowhere. It is
	// to be the plugin's stderr.
	CrashReport io.Writer
	// Logger gets what happens, and the child's stderr line by line with its
	// levels; default: nothing is logged.
	Logger *slog.Logger
}

// withDefaults returns a copy in which nothing is left to be defaulted.
func (c Config) withDefaults() Config {
	c.Command = slices.Clone(c.Command)
	c.Env = slices.Clone(c.Env)
	c.Server.Schemas = append([]services.Schema(nil), c.Server.Schemas...)
	if c.Environ == nil {
		c.Environ = os.Environ()
	}
	if c.ChildNetwork == "" {
		c.ChildNetwork = handshake.NetworkUnix
		if runtime.GOOS == "windows" {
			c.ChildNetwork = handshake.NetworkTCP
		}
	}
	if c.ListenTimeout == 0 {
		c.ListenTimeout = DefaultListenTimeout
	}
	if c.CrashReport == nil {
		c.CrashReport = io.Discard
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if c.Server.Logger == nil {
		c.Server.Logger = c.Logger
	}
	return c
}

// name is the command as a person would type it.
func (c Config) name() string { return strings.Join(c.Command, " ") }
