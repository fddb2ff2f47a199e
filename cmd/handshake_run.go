package cmd

import (
	"context"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/pyvider/rpcplugin/internal/childlog"
	"github.com/pyvider/rpcplugin/internal/process"
	"github.com/pyvider/rpcplugin/pkg/handshake"
	"github.com/pyvider/rpcplugin/pkg/pki"
	"github.com/pyvider/rpcplugin/pkg/transport"
)

// runCommand starts a plugin and looks at its handshake.
type runCommand struct {
	presetFlags
	cookieFlag

	TLS     string        `name:"tls" enum:"auto,off" default:"auto" help:"Whether to ask for AutoMTLS; auto does, except where --host does without."`
	Env     []string      `sep:"none" placeholder:"NAME=VALUE" help:"Variable for the plugin; may be given again."`
	Timeout time.Duration `default:"10s" help:"How long it may take until its line; most hosts wait a minute."`
	Output  string        `short:"o" enum:"text,json" default:"text" help:"Form of the output."`
}

// Help is the long help.
func (runCommand) Help() string {
	return `The plugin's command follows a bare "--". It is started as a host would start
it, its first line is looked at, its address tried, and then it is stopped.

  rpcplugin handshake run --host terraform -- ./terraform-provider-time`
}

// longestSocketName is room for what a plugin calls its socket.
const longestSocketName = 48

// Run starts, watches, stops and prints. It leaves nothing running.
func (c *runCommand) Run(ctx context.Context, p *Program, g globals, command pluginCommand) error {
	host, err := c.checked(command)
	if err != nil {
		return err
	}
	environ, dir, err := c.environ(p, host)
	if err != nil {
		return err
	}
	defer func() { _ = dir.Close() }()
	ctx, release := interruptible(ctx, nil)
	defer release()
	logger := g.logger(p, forUser)
	began := time.Now()
	running, err := process.Start(process.Config{
		Command: command, Env: environ, Guard: true, RemoveOnDeath: []string{dir.Dir()}, Logger: logger,
	})
	if err != nil {
		return &startError{err: adviseWords(err, command)}
	}
	seen := c.watch(ctx, running, began)
	seen.program = command[0]
	if ctx.Err() != nil {
		return errInterrupted
	}
	autoMTLS := c.TLS == "auto" && !host.noTLS
	report := seen.report(command, environ, c.verdict(seen, host, autoMTLS), c.expectation(host))
	for _, entry := range host.variables {
		name, _, _ := strings.Cut(entry, "=")
		report.Environment = append(report.Environment, name)
	}
	if c.Output == "json" {
		err = writeJSON(p.Stdout, report)
	} else {
		err = report.write(p.Stdout, newRenderer(p, p.Stdout, g.Color))
	}
	if err != nil {
		return err
	}
	return report.Verdict.refusal()
}

// checked is the host of the flags, after a look at all of them.
func (c *runCommand) checked(command pluginCommand) (knownHost, error) {
	if len(command) == 0 {
		return knownHost{}, usagef("for example rpcplugin handshake run --host terraform -- ./terraform-provider-time",
			"no plugin is named, expected its command after \"--\"")
	}
	host, err := c.known()
	if err == nil {
		err = checkEnv(c.Env)
	}
	if err == nil && c.Timeout <= 0 {
		err = usagef("write it like 500ms, 10s or 2m", "--timeout is %q, expected more than \"0s\"", c.Timeout)
	}
	if err == nil {
		host.cookie, err = c.of(host)
	}
	return host, err
}

// environ is the whole environment of the plugin, and the directory for its
// sockets, which the caller closes.
func (c *runCommand) environ(p *Program, host knownHost) ([]string, *transport.PrivateDir, error) {
	certificate := ""
	if c.TLS == "auto" && !host.noTLS {
		pair, err := pki.NewPair()
		if err != nil {
			return nil, nil, err
		}
		certificate = pair.PEM()
	}
	dir, err := transport.NewPrivateDir("", "", longestSocketName)
	if err != nil {
		return nil, nil, err
	}
	environ := handshake.StripEnv(p.Environ, host.cookie.Key)
	environ = append(environ, host.environ(c.Multiplex, certificate, dir.Dir()).Environ()...)
	if !host.cookie.IsZero() {
		environ = append(environ, host.cookie.Key+"="+host.cookie.Value)
	}
	return slices.Concat(environ, host.variables, c.Env), dir, nil
}

func (c *runCommand) expectation(host knownHost) handshake.Expectation {
	versions := host.environ(false, "", "").AppVersions
	return handshake.Expectation{AppVersions: versions, Multiplex: c.Multiplex}
}

// verdict is what hosts make of it all: of the line, and of nobody at the
// address that it names.
func (c *runCommand) verdict(seen *sighting, host knownHost, autoMTLS bool) verdictInfo {
	if fault := seen.noLine(c.Timeout); fault != nil {
		info := describeVerdict(handshake.NoLine(fault))
		if fix := seen.fix(host); fix != "" {
			info.Fix = fix
		}
		return info
	}
	info := describeVerdict(handshake.Judge(string(seen.raw), c.expectation(host), autoMTLS))
	if info.Accepted && seen.unreachable != nil {
		info.Accepted, info.Reason, info.Topic = false, "unreachable", "unreachable"
		info.Problem, info.Fix = "the line is fine, but "+seen.unreachable.Error(), hintOf(seen.unreachable)
		info.GoPlugin = goPluginInfo{Outcome: string(handshake.OutcomeFails), Says: "connection error: " + innermost(seen.unreachable).Error()}
	}
	if info.Topic == "app" && c.Host == "" && len(c.AppVersion) == 0 {
		info.Fix = "version 1 was offered, as no host was named: name the plugin's with --host, or what to offer with --app-version"
	}
	if info.Fix != "" && strings.Contains(info.Fix, "this machine") {
		info.Fix += "\n" + "the program is " + process.Describe(seen.program)
	}
	return info
}

// watch looks at what runs until its first line, or the end of waiting for it,
// and stops it.
func (c *runCommand) watch(ctx context.Context, running *process.Process, began time.Time) *sighting {
	seen := &sighting{started: time.Since(began), pid: running.Pid(), exit: running.Status()}
	first, drained := readFirst(running.Stdout(), began)
	stderr := childlog.Read(running.Stderr(), slog.New(slog.DiscardHandler))
	limit := time.NewTimer(c.Timeout)
	defer limit.Stop()
	select {
	case <-first.done:
		seen.firstOutput = first.take()
		seen.settle(ctx, running)
		seen.firstOutput = first.take()
	case <-limit.C:
		seen.firstOutput = first.take()
	case <-ctx.Done():
	}
	seen.stop(ctx, running)
	<-drained
	<-stderr.Done()
	seen.stderr = stderr.Tail()
	return seen
}

// names are those of the variables that a host has set, in environ.
func names(environ []string) []string {
	var set []string
	for _, entry := range environ {
		name, _, _ := strings.Cut(entry, "=")
		if strings.HasPrefix(name, "PLUGIN_") || cookieOwners(name) != cookieOwners("") {
			set = append(set, name)
		}
	}
	return set
}
