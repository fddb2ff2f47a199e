// Package bridge is the plugin role for somebody else's program: it starts a
// plain gRPC server of any language, speaks go-plugin's protocol with the host
// on its behalf, and passes every call on to it.
//
// The program's whole contract is to listen, without TLS, at the address in
// its environment (see EnvChildAddress). A program that speaks go-plugin's
// protocol itself can be bridged as well, see KindNative.
package bridge

import (
	"context"
	"io"
	"log/slog"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"

	"google.golang.org/grpc/codes"

	"github.com/pyvider/rpcplugin/internal/event"
	"github.com/pyvider/rpcplugin/pkg/client"
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

// Kind says what a program speaks.
type Kind string

// The kinds of a program (go-plugin contract, section 9).
const (
	// KindPlain serves gRPC without TLS at an address that it is given. It is the
	// zero value.
	KindPlain Kind = ""
	// KindNative speaks go-plugin's protocol itself, with the bridge as its host.
	KindNative Kind = "native"
)

// Config says which program to bridge and how. Only Command is needed; New
// copies the value.
type Config struct {
	// Command is the program, looked up in PATH, and its arguments.
	Command []string
	// Kind is KindPlain by default.
	Kind Kind
	// Environ is what the child's environment is made from; default
	// os.Environ(). PLUGIN_*, RPCPLUGIN_* and the host's cookie are taken out
	// of it.
	Environ []string
	// Env is added last, KEY=VALUE each.
	Env []string
	// ChildNetwork is "unix" or "tcp"; default unix, tcp on Windows, and either
	// for a native program.
	ChildNetwork string
	// ChildTLS is how the connection with a native program is protected: by
	// default with AutoMTLS, or not at all if the program answers without a
	// certificate; for that it is started a second time. client.TLSOff does not
	// ask it.
	ChildTLS client.TLS
	// ChildCookie is what a native program finds in its environment; default:
	// the Cookie of Server.
	ChildCookie handshake.Cookie
	// Prepare, if set, sees to what the program needs before its first life, and
	// says how it is started then, each time. It ends when ctx does. It is called
	// when the host's side is there, and calls wait for it without a limit; for a
	// native program before New listens, and a host waits for that (hosts of
	// go-plugin: one minute).
	Prepare func(ctx context.Context, p Preparation) (Prepared, error)
	// ListenTimeout is how long the child may take until it accepts, a native one
	// until it has printed its line; default DefaultListenTimeout. After it, every
	// call fails, or New does.
	ListenTimeout time.Duration
	// Server is the side of the host. Its Register, Versions, Unknown and Carry are
	// the bridge's own, its Schemas are added to. Its RateLimit holds for the calls
	// to the child.
	Server server.Config
	// Restarts is how often a program that has died, or did not accept in time, is
	// started again, after a pause of 0.1 s, then twice as long each time, up to
	// 5 s. Calls wait for it meanwhile. A life of 10 s makes the past forgotten.
	// Default: never. A native program cannot be started again: what it says of
	// itself before the handshake line is for one life.
	Restarts int
	// EndWithChild ends Run when the child ends, for good with Restarts. By default the bridge stays
	// and tells the host, call by call, what happened.
	EndWithChild bool
	// DeathCode is the code of the status that a call gets when the child is dead
	// or out of reach; default: Internal, whose message every host shows. Hosts that
	// start a plugin again once it has ended want Unavailable, and EndWithChild.
	DeathCode codes.Code
	// CrashReport gets, when the child dies, its last words as plain text led
	// by "panic: ", which hosts show to their users; default: nowhere. It is
	// to be the plugin's stderr. Hosts take what is logged after it for a part of
	// it, some even what is logged at debug level.
	CrashReport io.Writer
	// Logger gets what happens, and the child's stderr line by line with its
	// levels; default: nothing is logged.
	Logger *slog.Logger
	log    *slog.Logger // Logger, for records of this package

	release func() // see Prepared
}

// withDefaults returns a copy in which nothing is left to be defaulted.
func (c Config) withDefaults() Config {
	c.Command = slices.Clone(c.Command)
	c.Env = slices.Clone(c.Env)
	c.Server.Schemas = append([]services.Schema(nil), c.Server.Schemas...)
	if c.Environ == nil {
		c.Environ = os.Environ()
	}
	if c.ChildCookie.IsZero() {
		c.ChildCookie = c.Server.Cookie
	}
	if c.ChildNetwork == "" && c.Kind == KindPlain {
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
	if c.DeathCode == codes.OK {
		c.DeathCode = codes.Internal
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	c.Logger = event.InRun(c.Logger, strconv.Itoa(os.Getpid()))
	c.log = event.Named(c.Logger, "bridge")
	if c.Server.Logger == nil {
		c.Server.Logger = c.Logger
	}
	return c
}

// name is the command as a person would type it.
func (c Config) name() string { return strings.Join(c.Command, " ") }
