package bridge

import (
	"context"
	"errors"
	"os"
	"runtime"
	"slices"
	"time"

	"github.com/pyvider/rpcplugin/internal/event"
	"github.com/pyvider/rpcplugin/pkg/client"
	"github.com/pyvider/rpcplugin/pkg/handshake"
	"github.com/pyvider/rpcplugin/pkg/server"
	"github.com/pyvider/rpcplugin/pkg/services"
	"github.com/pyvider/rpcplugin/pkg/transport"
)

const (
	// nativeGrace is what a native child has in all, from Shutdown to SIGKILL,
	// after the calls have had theirs: together less than a host's two seconds.
	nativeGrace = 700 * time.Millisecond
	// nativeAnswer is how long it may take to answer Shutdown, and then to end
	// without SIGTERM.
	nativeAnswer = 400 * time.Millisecond
	// longestBrokered is room for a private directory in ours, and the name of a
	// socket in that.
	longestBrokered = 48
)

// startNative starts the program first: what it says, we say to the host.
func (b *Bridge) startNative(ctx context.Context, host server.Config) error {
	n := newNative(b.cfg)
	b.program = n
	lookup := host.LookupEnv
	if lookup == nil {
		lookup = os.LookupEnv
	}
	if !host.Cookie.IsZero() { // a plugin without its host says that first
		if err := host.Cookie.Check(lookup); err != nil {
			return &server.Error{Reason: server.ReasonCookie, Err: err}
		}
	}
	if failure := n.checkConfig(); failure != nil {
		return failure
	}
	env, _ := handshake.ReadEnv(lookup) // what is wrong with ports the server tells
	if err := n.makeDir(env); err != nil {
		return &Error{Reason: ReasonPrepare, Command: b.cfg.name(), Err: err}
	}
	if err := n.start(ctx, env); err != nil {
		return err
	}
	if n.dir != nil {
		host.LookupEnv = func(key string) (string, bool) {
			if key == handshake.EnvUnixSocketDir {
				return n.dir.Dir(), true
			}
			return lookup(key)
		}
	}
	host.AppVersions = []int{n.client.Line().AppVersion}
	host.Schemas = append(host.Schemas, services.Schema(&n.schema))
	host.Checks = programHealth(n)
	var err error
	if b.server, err = server.New(ctx, host); err != nil {
		return err
	}
	n.serve(b.server)
	return nil
}

// makeDir makes a directory for all our sockets toward the host. It is there
// before the child, whose guardian removes it if we are killed.
func (n *native) makeDir(env handshake.Env) error {
	unix := len(env.Transports) == 0 || slices.Contains(env.Transports, handshake.NetworkUnix)
	if !unix || n.cfg.Server.Network == handshake.NetworkTCP || runtime.GOOS == "windows" {
		return nil
	}
	var err error
	n.dir, err = transport.NewPrivateDir(env.SocketDir, env.SocketGroup, longestBrokered)
	return err
}

// start launches the program and waits until it has answered a ping.
func (n *native) start(ctx context.Context, env handshake.Env) error {
	var sockets []string
	if n.dir != nil {
		sockets = []string{n.dir.Dir()}
	}
	var err error
	if n.run, err = prepareFirst(ctx, n.cfg, sockets); err != nil {
		return err
	}
	cfg := client.Config{
		Command: n.run.Command, Cookie: n.cfg.ChildCookie, AppVersions: n.offered(env),
		TLS: n.cfg.ChildTLS, Multiplex: env.Multiplex, HoldSocket: true,
		Environ: cleanEnviron(n.cfg), Env: n.run.Env,
		StartTimeout: n.cfg.ListenTimeout, StopGrace: nativeAnswer,
		Stdout: n.stdout, Stderr: n.stderr, Logger: n.cfg.Logger,
	}
	if n.cfg.ChildNetwork != "" {
		cfg.Networks = []string{n.cfg.ChildNetwork}
	}
	if n.dir != nil {
		cfg.Runner = client.LocalRunner{RemoveOnDeath: sockets}
	}
	started, err := client.Start(ctx, cfg)
	if cfg.TLS == client.TLSAuto && withoutCertificate(err) {
		n.cfg.log.Warn("the program answers AutoMTLS without a certificate; it is started again, without TLS",
			event.Retry(event.Child, event.Start), "command", n.cfg.name())
		cfg.TLS = client.TLSOff
		started, err = client.Start(ctx, cfg)
	}
	if err == nil {
		n.client = started
		return nil
	}
	failure := &Error{Reason: ReasonHandshake, Command: n.cfg.name(), Err: err}
	if failed, ok := errors.AsType[*client.Error](err); ok {
		failure.Status, failure.Stderr = failed.Status, failed.Stderr
		if failed.Reason == client.ReasonConfig {
			failure.Reason = ReasonConfig
		}
	}
	return failure
}

// offered are the app versions that the program is offered: the host's, as far
// as the configuration has them, too.
func (n *native) offered(env handshake.Env) []int {
	own := n.cfg.Server.AppVersions
	if len(env.AppVersions) == 0 || len(own) == 0 {
		return slices.Concat(env.AppVersions, own)
	}
	both := slices.DeleteFunc(slices.Clone(env.AppVersions), func(version int) bool { return !slices.Contains(own, version) })
	if len(both) == 0 {
		return env.AppVersions
	}
	return both
}

// withoutCertificate reports whether a program was asked for AutoMTLS and has
// answered as one without TLS does.
func withoutCertificate(err error) bool {
	failed, ok := errors.AsType[*client.Error](err)
	if !ok || failed.Reason != client.ReasonTLS {
		return false
	}
	line, err := handshake.ParseLine(failed.Line)
	return err == nil && line.Certificate == nil
}
