// Package client is the host role of the go-plugin protocol: it starts a
// plugin, reads its handshake line, connects with mutual TLS, and stops it.
//
// Unlike go-plugin's Client it keeps no list of clients, takes a context and a
// slog.Logger, and a grandchild that holds the plugin's pipes cannot hang it.
//
// The go-plugin contract that comments refer to is docs/protocol.md, by sections.
package client

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"slices"
	"time"

	"google.golang.org/grpc"

	"github.com/pyvider/rpcplugin/internal/event"
	"github.com/pyvider/rpcplugin/pkg/handshake"
)

// Defaults of a Config.
const (
	// DefaultStartTimeout is how long a plugin may take to print its line.
	DefaultStartTimeout = time.Minute
	// DefaultStopGrace is how long a plugin may take to end after Shutdown.
	DefaultStopGrace = 2 * time.Second
	// DefaultPingTimeout is how long a plugin may take to answer a Ping.
	DefaultPingTimeout = 5 * time.Second
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
// plugin usually needs; Start copies the value. Times below 0 are refused.
type Config struct {
	// Command is the plugin's program, looked up in PATH, and its arguments.
	Command []string
	// Cookie is put in the plugin's environment; the zero value puts none. Half a
	// cookie is refused.
	Cookie handshake.Cookie
	// AppVersions are offered to the plugin; default: 1.
	AppVersions []int
	// Networks that the plugin may listen on; default: unix and tcp.
	Networks []string
	// Checksum, unless it is zero, is that of Command's file, found as the
	// start finds it, on this machine.
	Checksum Checksum
	// Runner starts Command; default: LocalRunner.
	Runner Runner
	// TLS is TLSAuto by default.
	TLS TLS
	// TLSConfig, if it is set, takes the place of AutoMTLS: no certificate is
	// exchanged, and one in the handshake line is not looked at, so that the
	// plugin has to know its own and whom to trust.
	// Brokered connections use it too, for what is dialed and for what is
	// served, which takes a certificate in it. Added where it says nothing:
	// "localhost" as ServerName, TLS 1.2 as MinVersion, "h2" in NextProtos.
	// With TLSOff it is refused.
	TLSConfig *tls.Config
	// Multiplex asks that brokered connections share the plugin's one
	// connection. A plugin that does not offer it is refused.
	Multiplex bool
	// HoldSocket keeps the way to the plugin's main socket open for DialMain:
	// plugins may remove its file once a host is connected. Off Linux it serves
	// for one DialMain.
	HoldSocket bool
	// Environ is what the plugin's environment is made from; default
	// os.Environ(). PLUGIN_* variables are taken out of it: they belong to the
	// host that started this program, and would mislead the plugin.
	Environ []string
	// Inherit says which variables of Environ are passed on; default: all.
	Inherit Inherit
	// InheritNames are passed on in addition to those that Inherit names. A
	// star at the end stands for any rest, as in "AWS_*".
	InheritNames []string
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
	// PingTimeout bounds a Ping whose context has no deadline; default
	// DefaultPingTimeout.
	PingTimeout time.Duration
	// Stdout and Stderr get what the plugin sends over its stdio service;
	// default: discarded. The writers are not called after Close; a call that
	// does not return is left behind by Close, half a second after the stream's
	// end.
	Stdout, Stderr io.Writer
	// DialOptions are added to those of the connection.
	DialOptions []grpc.DialOption
	// Logger gets what happens, and the plugin's own log lines with their
	// levels; default: nothing is logged.
	Logger *slog.Logger
	log    *slog.Logger // Logger, for records of this package
	// Trace is told of what happens to the plugin; default: nobody is.
	Trace *Trace
}

// withDefaults returns a copy in which nothing is left to be defaulted.
func (c Config) withDefaults() Config {
	c.Command = slices.Clone(c.Command)
	c.AppVersions = slices.Clone(c.AppVersions)
	c.Networks = slices.Clone(c.Networks)
	c.Env = slices.Clone(c.Env)
	c.InheritNames = slices.Clone(c.InheritNames)
	c.Checksum.Sum = slices.Clone(c.Checksum.Sum)
	c.TLSConfig = manualTLS(c.TLSConfig)
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
	if c.PingTimeout == 0 {
		c.PingTimeout = DefaultPingTimeout
	}
	c.Trace = c.Trace.orEmpty()
	if c.Stdout == nil {
		c.Stdout = io.Discard
	}
	if c.Stderr == nil {
		c.Stderr = io.Discard
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	c.log = event.Named(c.Logger, "client")
	return c
}

// inRun has all further records belong to a run of the plugin.
func (c *Config) inRun(id string) {
	c.Logger = event.InRun(c.Logger, id)
	c.log = event.Named(c.Logger, "client")
}

// check finds what cannot be meant.
func (c Config) check() error {
	if err := c.Checksum.check(); err != nil {
		return fmt.Errorf("checksum: %w", err)
	}
	switch c.Inherit {
	case InheritAll, InheritMinimal, InheritNone:
	default:
		return fmt.Errorf("inherit is %q, expected %q, %q or %q", c.Inherit, InheritAll, InheritMinimal, InheritNone)
	}
	if (c.Cookie.Key == "") != (c.Cookie.Value == "") {
		return fmt.Errorf("the cookie has the key %q and a value of %d bytes, expected both or neither", c.Cookie.Key, len(c.Cookie.Value))
	}
	return c.checkShared()
}

// checkShared is the part of check that counts for Attach as well.
func (c Config) checkShared() error {
	if shortest := min(c.StartTimeout, c.StopGrace, c.PingTimeout); shortest < 0 {
		return fmt.Errorf("a timeout or grace is %q, expected 0 or more", shortest)
	}
	switch {
	case c.TLS != TLSAuto && c.TLS != TLSOff:
		return fmt.Errorf("tls is %q, expected %q or %q", c.TLS, TLSAuto, TLSOff)
	case c.TLSConfig == nil:
		return nil
	case c.TLS == TLSOff:
		return errors.New("a TLSConfig is given, and TLS is off")
	case c.TLSConfig.MaxVersion != 0 && c.TLSConfig.MaxVersion < c.TLSConfig.MinVersion:
		return fmt.Errorf("the TLSConfig ends at %s, expected %s or later",
			tls.VersionName(c.TLSConfig.MaxVersion), tls.VersionName(c.TLSConfig.MinVersion))
	}
	return nil
}

// manualTLS is a copy of a TLSConfig that gRPC can use, nil of nil.
func manualTLS(given *tls.Config) *tls.Config {
	if given == nil {
		return nil
	}
	config := given.Clone()
	config.MinVersion = max(config.MinVersion, tls.VersionTLS12)
	if config.ServerName == "" {
		config.ServerName = "localhost"
	}
	if !slices.Contains(config.NextProtos, "h2") {
		config.NextProtos = append(slices.Clone(config.NextProtos), "h2")
	}
	return config
}
