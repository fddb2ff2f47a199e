package cmd

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"log/slog"
	"slices"
	"sync/atomic"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/pyvider/rpcplugin/internal/schema"
	"github.com/pyvider/rpcplugin/pkg/client"
	"github.com/pyvider/rpcplugin/pkg/dynamic"
	"github.com/pyvider/rpcplugin/pkg/handshake"
	"github.com/pyvider/rpcplugin/pkg/services"
)

// session is a plugin that was started, or attached to, for one action.
type session struct {
	*client.Client

	attached   *handshake.Reattach // nil if it was started
	sources    schema.Sources
	reflection *schema.Reflection // nil without
	consult    func() error       // asks for the reflection that was put off; nil when that was done
	phases     client.Phases
	secured    *atomic.Pointer[tls.ConnectionState] // holds nil without TLS
	sides      string                               // who shows a certificate
	bridged    bool                                 // the plugin is a bridge
	program    time.Duration                        // what the program behind it took to accept
	terraform  *dynamic.Provider                    // nil until it is needed
}

// needs are what an action wants of its session.
type needs struct {
	// program waits for the program behind a bridge, so that all that it serves is
	// known.
	program bool
	// sources learns what the services look like.
	sources bool
	// method is what is going to be called, if that is known.
	method string
	// output gets what the plugin prints; default: stderr.
	output io.Writer
	// interrupt is asked at Ctrl-C whether it ends something smaller than the action.
	interrupt func() bool
	// adjust changes how the plugin is started, or attached to; the Reattach is nil
	// if it is started.
	adjust func(*client.Config, *handshake.Reattach)
}

// within starts the plugin, lets action use it, and stops it; one that runs
// already is attached to, and left.
func (f *connectFlags) within(ctx context.Context, p *Program, g globals, command []string, need needs, action func(context.Context, *session) error) error {
	config, running, err := f.config(p, command)
	if err != nil {
		return err
	}
	if f.Timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, f.Timeout)
		defer cancel()
	}
	ctx, release := interruptible(ctx, need.interrupt)
	defer release()
	s := &session{attached: running, secured: new(atomic.Pointer[tls.ConnectionState]), sides: "mutual"}
	if config.TLSConfig != nil && f.Cert == "" {
		s.sides = "the plugin's only"
	}
	if need.sources {
		if s.sources, err = f.named(ctx); err != nil {
			return err
		}
	}
	config.Logger, config.Trace = g.logger(p, forUser), s.trace()
	if need.output != nil {
		config.Stdout, config.Stderr = need.output, need.output
		config.Logger = g.logger(&Program{Stderr: need.output, LookupEnv: p.LookupEnv}, forUser)
	}
	if need.adjust != nil {
		need.adjust(&config, running)
	}
	f.tell(p, config)
	if s.Client, err = f.open(ctx, config, running); err != nil {
		return f.ended(ctx, f.advise(err, config))
	}
	tellSecured(config.Logger, s.ID(), s.secured.Load())
	defer func() { _ = s.Close(context.WithoutCancel(ctx)) }()
	s.phases = s.Phases()
	if need.program {
		err = s.awaitProgram(ctx)
	}
	if err == nil && need.sources {
		err = s.learn(ctx, need.method)
	}
	if err == nil {
		err = action(ctx, s)
	}
	if s.reflection != nil { // its stream would be a call that the plugin waits for
		s.reflection.Close()
	}
	return f.ended(ctx, s.autopsy(err))
}

// trace keeps what TLS agreed on.
func (s *session) trace() *client.Trace {
	return &client.Trace{TLSDone: func(info client.TLSInfo) {
		if info.Err == nil {
			s.secured.Store(&info.State)
		}
	}}
}

// config is that of the host role, and the plugin to attach to, if any.
func (f *connectFlags) config(p *Program, command []string) (client.Config, *handshake.Reattach, error) {
	known, err := findHost(f.Host)
	if err != nil {
		return client.Config{}, nil, err
	}
	config := client.Config{
		Command: command, Cookie: known.cookie, AppVersions: known.versions, Environ: p.Environ, Env: slices.Concat(known.variables, pyviderForPlugins(p.Environ), f.Env),
		StartTimeout: f.StartTimeout, Stdout: p.Stderr, Stderr: p.Stderr, Multiplex: f.Multiplex,
		Logger: slog.New(slog.DiscardHandler),
	}
	if f.Cookie != "" {
		if config.Cookie, err = parseCookie(f.Cookie); err != nil {
			return client.Config{}, nil, err
		}
	}
	if len(f.AppVersion) > 0 {
		config.AppVersions = f.AppVersion
	}
	if network := automatic(f.Transport); network != "" {
		config.Networks = []string{network}
	}
	if err := f.protect(&config, known.noTLS); err != nil {
		return client.Config{}, nil, err
	}
	running, err := f.running(p, command, config.AppVersions, known.served)
	if f.Attach != "" {
		config.AppVersions = nil // an address tells of none
	}
	return config, running, errors.Join(err, f.checkRetries(), checkEnv(f.Env), checkVersions(f.AppVersion),
		checkDuration("--timeout", f.Timeout), checkDuration("--start-timeout", f.StartTimeout))
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
		if nearDeadline(ctx) && status.Code(err) == codes.DeadlineExceeded {
			<-ctx.Done() // the plugin was told of it, and was quicker
			return ctx.Err()
		}
		return &startError{err: &advisedError{
			err: errors.New(status.Convert(err).Message()),
			hint: "try the program's command by hand: it must serve gRPC without TLS at the address in RPCPLUGIN_CHILD_ADDRESS, and stay; " +
				"one that is a plugin already wants serve --child native",
		}}
	default: // there is no bridge
		return nil
	}
}
