package cmd

import (
	"context"
	"errors"
	"time"
)

// benchCommand puts load on a plugin.
type benchCommand struct {
	Run     benchRun     `cmd:"" default:"withargs" usage:"[-- CMD ARGS…]" help:"Put load on a plugin and tell how it did."`
	Compare benchCompare `cmd:"" help:"Compare two results that were written with -o json."`
	Echo    benchEcho    `cmd:"" help:"Be the plugin that bench starts when no other is named."`
}

// Help is the long help.
func (benchCommand) Help() string {
	return `Without a command it starts a plugin of its own, which answers each call with
what was sent; any other plugin is named as connect takes it.

  rpcplugin bench --transport unix
  rpcplugin bench --rate 1000 --duration 30s --fail-if 'p99>5ms'
  rpcplugin bench --matrix default
  rpcplugin bench --matrix transport=unix,tcp tls=off,auto size=100B,4MiB
  rpcplugin bench --lifecycle -- ./plugin
  rpcplugin bench --call proto.KV.Get -d '{"key": "a"}' --host kv -- ./plugin

Without --rate each caller calls again as soon as it is answered, and waits with
a plugin that stalls. With --rate calls are due at fixed moments, and latency
counts from those. The result goes to stdout, how it goes on to stderr.`
}

// benchRun is what is measured.
type benchRun struct {
	benchTargetFlags
	benchLoadFlags

	Matrix     string        `placeholder:"NAME=A,B" help:"Measure every combination, in turns: transport, tls, size, mux, bridge, streams, concurrency; further ones follow as words. default is transport, tls off and auto, 100B and 64KiB."`
	Rounds     int           `default:"10" help:"Turns of a matrix, and starts of --lifecycle."`
	Lifecycle  bool          `help:"Measure starts and stops instead of calls."`
	FailIf     []string      `sep:"none" placeholder:"LIMIT" help:"Exit with 6 if it holds, such as 'p99>5ms', 'calls/s<1000', 'errors>0'; may be given again."`
	Output     string        `short:"o" enum:"text,json,csv,benchfmt,hdr,html" default:"text" help:"Form of the result: text, json, csv, benchfmt (for benchstat), hdr (percentiles for HdrHistogram's plotter), html (one page with charts)."`
	Quiet      bool          `short:"q" help:"Say nothing while it runs."`
	Dimensions []string      `arg:"" optional:"" name:"dimension" help:"Further dimensions of --matrix."`
	live       *benchLive    `kong:"-"`
	limits     []benchLimit  `kong:"-"`
	program    *Program      `kong:"-"`
	command    pluginCommand `kong:"-"`
	source     *dataSource   `kong:"-"` // of --data
}

// benchTargetFlags say what is called.
type benchTargetFlags struct {
	attachFlags
	sourceFlags

	Host         string        `placeholder:"NAME" help:"Host to be: ${hosts}."`
	Cookie       string        `placeholder:"NAME=VALUE" help:"Magic cookie to set."`
	AppVersion   []int         `placeholder:"N,…" help:"App versions to offer; default: those of --host, else 1."`
	Env          []string      `sep:"none" placeholder:"NAME=VALUE" help:"Variable for the plugin; may be given again."`
	StartTimeout time.Duration `default:"1m" help:"How long the plugin may take until its handshake line."`
	Transport    string        `enum:"auto,unix,tcp" default:"auto" help:"Network that the plugin may listen on."`
	TLS          string        `name:"tls" enum:"auto,off,rsa" default:"auto" help:"TLS with the plugin: auto is AutoMTLS; rsa, for the built-in plugin, keys of RSA 2048."`
	Mux          string        `enum:"off,on" default:"off" help:"Multiplexing: all over one connection."`
	Bridge       string        `enum:"off,on" default:"off" help:"Put a bridge in between (serve --exec); the command is then a plain gRPC server."`
	Call         string        `placeholder:"METHOD" help:"Method to call: package.Service/Method; needed for another plugin than the built-in one."`
	Data         string        `short:"d" default:"{}" placeholder:"JSON" help:"Request of --call, several documents for a stream of requests; @ reads stdin, @FILE a file."`
}

// benchLoadFlags say how it is called.
type benchLoadFlags struct {
	Concurrency int           `short:"c" default:"0" placeholder:"N" help:"Callers at once; default: 1. With --rate the most that may be under way; default: 256."`
	Connections int           `default:"1" placeholder:"N" help:"Connections that the callers share."`
	Rate        string        `placeholder:"RATE" help:"Calls a second that are due, whatever the plugin does: 1000, steps 100,200,400, a ramp 100..1000; each may have its own time, as in 100..1000/10s."`
	Arrival     string        `enum:"poisson,constant" default:"poisson" help:"How the calls of --rate are spread: at random, as those of many hosts are, or evenly."`
	Warmup      time.Duration `default:"1s" help:"Load that is not measured, before the one that is."`
	Duration    time.Duration `default:"10s" help:"How long is measured; in a matrix, each combination."`
	Requests    uint64        `placeholder:"N" help:"Calls to measure at most, instead of --duration; in a matrix, each turn."`
	Streams     string        `enum:"unary,client,server,bidi" default:"unary" help:"Kind of the built-in plugin's calls; bidi is one message and its answer on an open stream, the others count whole streams."`
	Messages    int           `default:"100" help:"Messages of a client or server stream."`
	Size        []string      `default:"100B" placeholder:"SIZE,…" help:"Bytes in a message of the built-in plugin, such as 100B, 64KiB, 4MiB; several make a matrix."`
}

// Run measures and prints. What was measured before an error or Ctrl-C is
// printed as well.
func (b *benchRun) Run(ctx context.Context, p *Program, g globals, command pluginCommand) error {
	b.program, b.command = p, command
	plan, err := b.plan()
	if err != nil {
		return err
	}
	ctx, release := interruptible(ctx, nil)
	defer release()
	b.live = newBenchLive(p, g, b.Quiet)
	defer b.live.end()
	report := newBenchReport(b, plan)
	switch {
	case b.Lifecycle:
		err = b.lives(ctx, g, plan.cells[0], report)
	case len(plan.cells) > 1:
		err = b.matrix(ctx, g, plan, report)
	default:
		err = b.single(ctx, g, plan, report)
	}
	b.live.end()
	if cause := context.Cause(ctx); errors.Is(cause, errInterrupted) {
		err = errInterrupted
	}
	if report.empty() {
		return err
	}
	if err != nil {
		report.Partial, report.Ended = true, err.Error()
	}
	if written := report.write(p.Stdout, b.Output); written != nil {
		return written
	}
	if err != nil {
		return err
	}
	return report.over(b.limits)
}
