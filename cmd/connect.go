package cmd

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/pyvider/rpcplugin/internal/descriptors"
	"github.com/pyvider/rpcplugin/internal/schema"
	"github.com/pyvider/rpcplugin/pkg/client"
	"github.com/pyvider/rpcplugin/pkg/handshake"
	"github.com/pyvider/rpcplugin/pkg/services"
)

// connectCommand is the host role.
type connectCommand struct {
	connectFlags

	Info infoCommand `cmd:"" default:"withargs" help:"Show what was negotiated, how long it took, and the services."`
	List listCommand `cmd:"" help:"List the services, or the methods of one."`
	Call callCommand `cmd:"" help:"Call a method, JSON in and JSON out."`
}

// connectFlags are what all of connect's actions take.
type connectFlags struct {
	attachFlags

	Host          string        `placeholder:"NAME" help:"Host to be: ${hosts}."`
	Cookie        string        `placeholder:"NAME=VALUE" help:"Magic cookie to set."`
	AppVersion    []int         `placeholder:"N,…" help:"App versions to offer; default: those of --host, else 1."`
	TLS           string        `name:"tls" enum:"auto,off" default:"auto" help:"TLS with the plugin; auto is AutoMTLS, except where --host does without."`
	DescriptorSet []string      `placeholder:"FILE" help:"What the services look like: a descriptor set, or the built-in tfplugin5 or tfplugin6; default: the plugin's reflection, then the built-in ones."`
	Env           []string      `sep:"none" placeholder:"NAME=VALUE" help:"Variable for the plugin; may be given again."`
	Timeout       time.Duration `default:"0s" help:"Bound on all of it; 0s is none."`
	StartTimeout  time.Duration `default:"1m" help:"How long the plugin may take until its handshake line."`
	Output        string        `short:"o" enum:"text,json" default:"text" help:"Form of the output."`
}

// Help is the long help.
func (connectCommand) Help() string {
	return `The plugin's command follows a bare "--":

  rpcplugin connect --host terraform -- ./terraform-provider-time
  rpcplugin connect --host kv list -- rpcplugin serve --host kv
  rpcplugin connect --host kv call proto.KV.Put \
    -d '{"key": "a", "value": "MQ=="}' -- rpcplugin serve --host kv

A plugin that runs already is named instead, and goes on running:

  rpcplugin connect --attach 127.0.0.1:1234 list
  rpcplugin connect --reattach env call tfplugin6.Provider.GetProviderSchema`
}

// session is a plugin that was started, or attached to, for one action.
type session struct {
	*client.Client

	attached   *handshake.Reattach // nil if it was started
	sources    []schema.Source
	reflection *schema.Reflection // nil without
	phases     client.Phases
	bridged    bool          // the plugin is a bridge
	program    time.Duration // what the program behind it took to accept
}

// within starts the plugin, lets action use it, and stops it; one that runs
// already is attached to, and left. complete waits for the program behind a
// bridge first, so that all that it serves is known.
func (f *connectFlags) within(ctx context.Context, p *Program, g globals, command []string, complete bool, action func(context.Context, *session) error) error {
	config, running, err := f.config(p, command)
	if err != nil {
		return err
	}
	named, err := f.schemas()
	if err != nil {
		return err
	}
	if f.Timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, f.Timeout)
		defer cancel()
	}
	ctx, release := interruptible(ctx)
	defer release()
	config.Logger = g.logger(p, forUser)
	opened, err := open(ctx, config, running)
	if err != nil {
		return f.ended(ctx, f.advise(err, config))
	}
	defer func() { _ = opened.Close(context.WithoutCancel(ctx)) }()
	s := &session{Client: opened, attached: running, phases: opened.Phases(), sources: named}
	if complete {
		err = s.awaitProgram(ctx)
	}
	if err == nil {
		err = s.learn(ctx)
	}
	if err == nil {
		err = action(ctx, s)
	}
	if s.reflection != nil { // its stream would be a call that the plugin waits for
		s.reflection.Close()
	}
	return f.ended(ctx, s.autopsy(err))
}

// config is that of the host role, and the plugin to attach to, if any.
func (f *connectFlags) config(p *Program, command []string) (client.Config, *handshake.Reattach, error) {
	known, err := findHost(f.Host)
	if err != nil {
		return client.Config{}, nil, err
	}
	config := client.Config{
		Command: command, Cookie: known.cookie, AppVersions: known.versions, Environ: p.Environ, Env: f.Env,
		StartTimeout: f.StartTimeout, Stdout: p.Stderr, Stderr: p.Stderr,
	}
	if f.Cookie != "" {
		if config.Cookie, err = parseCookie(f.Cookie); err != nil {
			return client.Config{}, nil, err
		}
	}
	if len(f.AppVersion) > 0 {
		config.AppVersions = f.AppVersion
	}
	if f.TLS == "off" || known.noTLS {
		config.TLS = client.TLSOff
	}
	running, err := f.running(p, command, config.AppVersions, known.served)
	if f.Attach != "" {
		config.AppVersions = nil // an address tells of none
	}
	return config, running, errors.Join(err, checkEnv(f.Env), checkVersions(f.AppVersion),
		checkDuration("--timeout", f.Timeout), checkDuration("--start-timeout", f.StartTimeout))
}

// schemas loads the descriptor sets that were named.
func (f *connectFlags) schemas() ([]schema.Source, error) {
	var sources []schema.Source
	for _, name := range f.DescriptorSet {
		set, err := schema.Load(name)
		if err != nil {
			return nil, &usageError{err: err, hint: descriptorHint}
		}
		sources = append(sources, set)
	}
	return sources, nil
}

// awaitProgram waits until the program behind a bridge accepts calls: only then
// is it known what it serves, or that it has died.
func (s *session) awaitProgram(ctx context.Context) error {
	began := time.Now()
	err := services.CheckHealth(ctx, s.Conn(), services.ProgramHealth)
	switch status.Code(err) {
	case codes.OK:
		s.bridged, s.program = true, time.Since(began)
		return nil
	case codes.Internal, codes.DeadlineExceeded, codes.Canceled:
		return &startError{err: &advisedError{
			err:  errors.New(status.Convert(err).Message()),
			hint: "try the program's command by hand: it must serve gRPC without TLS at the address in RPCPLUGIN_CHILD_ADDRESS, and stay",
		}}
	default: // there is no bridge
		return nil
	}
}

// noteSilence says on stderr that a plugin tells of no service of its own, so
// that nobody takes the list for all that there is.
func (s *session) noteSilence(p *Program) {
	for _, name := range s.serviceNames() {
		if !strings.HasPrefix(name, "grpc.") && !strings.HasPrefix(name, "plugin.GRPC") {
			return
		}
	}
	fmt.Fprintln(p.Stderr, "note: the plugin tells of no service of its own; --descriptor-set FILE says what it serves")
}

// learn adds the plugin's reflection, and the built-in sets after it.
func (s *session) learn(ctx context.Context) error {
	reflection, err := schema.Reflect(ctx, s.Conn())
	switch {
	case err == nil:
		s.reflection = reflection
		s.sources = append(s.sources, reflection)
	case status.Code(err) != codes.Unimplemented:
		return &callError{method: "reflection", status: status.Convert(err)}
	}
	own, err := services.Descriptors()
	if err != nil {
		return err
	}
	s.sources = append(s.sources, schema.Set{Files: own})
	for _, name := range descriptors.Names() {
		set, err := schema.Load(name)
		if err != nil {
			return err
		}
		s.sources = append(s.sources, set)
	}
	return nil
}

// serviceNames lists what the plugin says that it serves; without reflection,
// what the named sets say.
func (s *session) serviceNames() []string {
	if s.reflection != nil {
		return s.reflection.ServiceNames()
	}
	var names []string
	for _, source := range s.sources {
		names = append(names, source.ServiceNames()...)
	}
	slices.Sort(names)
	return slices.Compact(names)
}
