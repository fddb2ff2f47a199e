package cmd

import (
	"context"
	"fmt"
	"time"

	"github.com/pyvider/rpcplugin/pkg/client"
	"github.com/pyvider/rpcplugin/pkg/handshake"
)

// logsCommand shows what a plugin says.
type logsCommand struct {
	Follow bool          `short:"f" help:"Stay until the plugin ends, or Ctrl-C; without it, until it is quiet."`
	For    time.Duration `default:"0s" help:"How long to stay at most; 0s is no bound."`
}

// quietAfter is how long a plugin that says nothing counts as quiet.
const quietAfter = 500 * time.Millisecond

// Help is the long help.
func (logsCommand) Help() string {
	return `Each line tells where it comes from: stdout and stderr are what the plugin sends
over its stdio service, log is its process's stderr, with the level that a host
gives it. Of a plugin that runs already only the first two are to be had.`
}

// Run starts the plugin and shows what it says.
func (l *logsCommand) Run(ctx context.Context, p *Program, g globals, f *connectFlags, command pluginCommand) error {
	if err := checkDuration("--for", l.For); err != nil {
		return err
	}
	sink := newLogSink(p, g, f.Output)
	need := needs{adjust: func(config *client.Config, running *handshake.Reattach) {
		config.Stdout, config.Stderr = sink.stream("stdout"), sink.stream("stderr")
		config.Logger = sink.logger(config.Logger)
		if running != nil {
			fmt.Fprintln(p.Stderr, "note: what a plugin that runs already logs goes to the host that started it; this is what it prints")
		}
	}}
	err := f.within(ctx, p, g, command, need, func(ctx context.Context, s *session) error {
		return l.stay(ctx, s, sink)
	})
	sink.flush()
	return err
}

// stay waits as long as the flags say.
func (l *logsCommand) stay(ctx context.Context, s *session, sink *logSink) error {
	var over <-chan time.Time
	if l.For > 0 {
		bound := time.NewTimer(l.For)
		defer bound.Stop()
		over = bound.C
	}
	silence := time.NewTimer(quietAfter)
	defer silence.Stop()
	for {
		var quiet <-chan time.Time
		if !l.Follow && l.For == 0 {
			quiet = silence.C
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-s.Exited():
			return nil
		case <-over:
			return nil
		case <-quiet:
			return nil
		case <-sink.wrote:
			silence.Reset(quietAfter)
		}
	}
}
