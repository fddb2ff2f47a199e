package cmd

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"

	"github.com/pyvider/rpcplugin/internal/kv"
	"github.com/pyvider/rpcplugin/internal/schema"
	"github.com/pyvider/rpcplugin/pkg/bridge"
	"github.com/pyvider/rpcplugin/pkg/client"
	"github.com/pyvider/rpcplugin/pkg/handshake"
	"github.com/pyvider/rpcplugin/pkg/server"
	"github.com/pyvider/rpcplugin/pkg/services"
)

// serveCommand is the plugin role.
type serveCommand struct {
	Exec           []string      `sep:"none" placeholder:"CMD ARGS…" help:"Program to serve: a gRPC server that listens, without TLS, at the address in RPCPLUGIN_CHILD_ADDRESS. All that follows is its command line. Without it a built-in key-value plugin is served."`
	Host           string        `placeholder:"NAME" form:"host" help:"Host whose cookie and versions to use: ${hosts}."`
	Cookie         string        `placeholder:"NAME=VALUE" form:"cookie" help:"Magic cookie that the host must have set."`
	AppVersion     []int         `placeholder:"N,…" help:"App versions that the program serves; default: the highest that the host offers."`
	Transport      string        `enum:"auto,unix,tcp" default:"auto" help:"Network toward the host."`
	TLS            string        `name:"tls" enum:"auto,off,files" default:"auto" help:"TLS with the host; auto is mutual TLS if the host asks for it; files is what --cert, --key and --client-ca name, and follows from them."`
	Child          string        `enum:"plain,native" default:"plain" help:"What the program speaks: plain gRPC, or native, go-plugin's protocol itself."`
	ChildTLS       string        `name:"child-tls" enum:"auto,off" default:"auto" help:"TLS with a native program; auto is mutual TLS if it answers with a certificate."`
	ChildTransport string        `enum:"auto,unix,tcp" default:"auto" help:"Network toward the program."`
	Env            []string      `sep:"none" placeholder:"NAME=VALUE" form:"variables" help:"Variable for the program; may be given again."`
	DescriptorSet  []string      `placeholder:"FILE" help:"What the program's services look like, for reflection: a descriptor set, or the built-in tfplugin5 or tfplugin6."`
	ListenTimeout  time.Duration `default:"1m" help:"How long the program may take until it accepts."`
	Restart        int           `placeholder:"N" help:"How often a plain program that has died is started again, with growing pauses; default: never."`
	Standalone     bool          `help:"Serve without a host: no cookie, no TLS; stderr says how hosts attach."`
	Provider       string        `default:"registry.terraform.io/NAMESPACE/TYPE" placeholder:"ADDRESS" help:"Provider address to show with --standalone."`

	servingFlags
	serveTLSFlags
	pythonFlags
}

// Help is the long help.
func (serveCommand) Help() string {
	return `A host starts "rpcplugin serve" and reads the handshake line from its stdout.
Typed at a terminal without --host and --cookie it means --standalone: it
serves, and says how to attach to it.

  rpcplugin serve --exec python provider.py
  rpcplugin serve --host terraform --exec python provider.py

A program that speaks go-plugin's protocol itself is served with --child native:
it then need not know the TLS of its hosts.

  rpcplugin serve --host terraform --child native --exec ./provider

Every flag can be set in the environment (RPCPLUGIN_HOST=terraform) and in
rpcplugin.yaml (host: terraform); "rpcplugin config show" tells what is in
force. A copy of this program under another name, with an rpcplugin.yaml beside
it, is that plugin: it runs "serve" with those settings.`
}

// plugin is what serve runs: a server.Server or a bridge.Bridge.
type plugin interface {
	stoppable
	Run(ctx context.Context) error
	Reattach() handshake.Reattach
}

// Run serves until the host or a signal ends it. A failure before the
// handshake line is also written as one line on stdout, see tellHost.
func (c *serveCommand) Run(ctx context.Context, p *Program, g globals) error {
	return c.serve(ctx, p, g, func(err error) error {
		p.tellHost(err)
		return err
	})
}

// serve runs the plugin; refuse gets what keeps it from its handshake line.
func (c *serveCommand) serve(ctx context.Context, p *Program, g globals, refuse func(error) error) error {
	role, err := c.role(p)
	if err != nil {
		return refuse(err)
	}
	if role.hosted {
		if err := role.cookie.Check(p.LookupEnv); err != nil {
			fmt.Fprint(p.Stderr, handshake.CookieText(role.cookie, strings.Join(p.Args, " "), role.title))
			if ownName(p.Args[0]) {
				fmt.Fprint(p.Stderr, "With --standalone it serves without a host, and says how hosts attach to it.\n")
			}
			return fmt.Errorf("%w: %w", errReported, &server.Error{Reason: server.ReasonCookie, Err: err})
		}
	}
	signals := catchSignals()
	defer signals.release()
	starting, started := ctx, func() {}
	if c.Child == "native" { // which is waited for
		starting, started = signals.during(ctx, role.hosted)
	}
	running, err := c.start(starting, p, role, g.logger(p, role.audience))
	started()
	if err != nil && signals.interrupted() {
		return fmt.Errorf("%w: %w", errReported, errInterrupted)
	}
	if err != nil && role.standalone {
		return err
	}
	if err != nil {
		return refuse(err)
	}
	signals.stop(running, role.hosted)
	if role.standalone {
		c.explainAttach(p, running.Reattach())
	}
	tidied := time.AfterFunc(tidyAfter, debug.FreeOSMemory)
	err = running.Run(ctx)
	tidied.Stop()
	if signals.interrupted() {
		return fmt.Errorf("%w: %w", errReported, errInterrupted)
	}
	if died, ok := errors.AsType[*bridge.Error](err); ok && role.hosted && died.Reason == bridge.ReasonExited {
		return fmt.Errorf("%w: %w", errReported, err) // as CrashReport; hosts show it once
	}
	return err
}

// tidyAfter is when the memory in which the command line was read goes back to the
// system. Hosts have made their first calls by then, and programs start slowly.
const tidyAfter = 250 * time.Millisecond

// start makes the plugin; nothing is on stdout yet.
func (c *serveCommand) start(ctx context.Context, p *Program, r role, logger *slog.Logger) (plugin, error) {
	c.tell(p, r, logger)
	host := server.Config{
		Cookie: r.cookie, AppVersions: r.versions, Network: automatic(c.Transport), LookupEnv: p.LookupEnv,
		Stdout: p.Stdout, KeepSocket: r.standalone, IgnoreHost: r.standalone, Logger: logger,
	}
	if c.TLS == "off" || r.standalone {
		host.TLS = server.TLSOff
	}
	if r.standalone {
		host.LookupEnv = func(string) (string, bool) { return "", false }
	}
	if err := c.serving(&host, logger); err != nil {
		return nil, err
	}
	if len(c.Exec) == 0 {
		store := kv.NewStore("")
		host.Register = func(registrar grpc.ServiceRegistrar, _ *server.Server) error {
			store.Register(registrar)
			return nil
		}
		host.Schemas = []services.Schema{kv.Schema{}}
		return server.New(ctx, host)
	}
	var err error
	if host.Schemas, err = c.schemas(r); err != nil {
		return nil, err
	}
	var crash io.Writer
	if r.hosted {
		crash = crashReport{p}
	}
	config := bridge.Config{
		Command: c.Exec, Environ: c.withoutCookies(p.Environ), Env: slices.Concat(r.variables, c.Env), ChildNetwork: automatic(c.ChildTransport),
		ListenTimeout: c.ListenTimeout, Restarts: c.Restart, Server: host, EndWithChild: r.ends, CrashReport: crash, Logger: logger,
		Prepare: c.pythonEnvironment(logger),
	}
	if r.ends && !r.standalone { // the host starts it again, once it knows
		config.DeathCode = codes.Unavailable
	}
	if c.Child == "native" {
		config.Kind, config.ChildCookie, config.ChildTLS = bridge.KindNative, r.child, client.TLS(automatic(c.ChildTLS))
	}
	b, err := bridge.New(ctx, config)
	if err != nil {
		return nil, adviseWords(err, c.Exec)
	}
	return b, nil
}

// schemas loads what is known of the program's services beforehand.
func (c *serveCommand) schemas(r role) ([]services.Schema, error) {
	names := c.DescriptorSet
	if len(names) == 0 && (c.Host == "terraform" || c.Host == "opentofu") && len(r.versions) == 1 {
		names = []string{fmt.Sprintf("tfplugin%d", r.versions[0])}
	}
	var schemas []services.Schema
	for _, name := range names {
		set, err := schema.Load(name)
		if err != nil {
			return nil, &usageError{err: err, hint: descriptorHint}
		}
		schemas = append(schemas, set)
	}
	return schemas, nil
}

// withoutCookies takes the cookies of all known hosts out of an environment:
// they are none of the program's, whoever started us.
func (c *serveCommand) withoutCookies(environ []string) []string {
	keys := []string{strings.SplitN(c.Cookie, "=", 2)[0]}
	for _, host := range knownHosts() {
		keys = append(keys, host.cookie.Key)
	}
	return slices.DeleteFunc(slices.Clone(environ), func(entry string) bool {
		key, _, _ := strings.Cut(entry, "=")
		return slices.Contains(keys, key)
	})
}

// automatic maps the flag's "auto" to the library's default.
func automatic(value string) string {
	if value == "auto" {
		return ""
	}
	return value
}
