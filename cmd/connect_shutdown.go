package cmd

import (
	"context"
	"fmt"
	"time"

	"github.com/pyvider/rpcplugin/pkg/client"
	"github.com/pyvider/rpcplugin/pkg/handshake"
)

// shutdownCommand stops a plugin.
type shutdownCommand struct {
	Grace time.Duration `default:"2s" help:"How long the plugin may take; one that was started is killed then."`
}

// shutdownInfo is its JSON form.
type shutdownInfo struct {
	Ended  bool    `json:"ended"`
	Status string  `json:"status,omitempty"`
	TookMs float64 `json:"took_ms"`
	Killed bool    `json:"killed"`
}

// Run starts the plugin, or attaches to it, and stops it as hosts do.
func (c *shutdownCommand) Run(ctx context.Context, p *Program, g globals, f *connectFlags, command pluginCommand) error {
	if err := checkDuration("--grace", c.Grace); err != nil {
		return err
	}
	killed := false
	need := needs{adjust: func(config *client.Config, running *handshake.Reattach) {
		config.StopGrace = c.Grace
		config.Trace.Terminate = func(string) { killed = true }
		if running != nil {
			running.Test = false // so that it is asked to stop
		}
	}}
	return f.within(ctx, p, g, command, need, func(ctx context.Context, s *session) error {
		began := time.Now()
		if err := s.Close(ctx); err != nil {
			return err
		}
		info := shutdownInfo{TookMs: milliseconds(time.Since(began)), Killed: killed}
		if s.attached == nil {
			exit, _ := s.LastWords()
			info.Ended, info.Status = true, exit.String()
		} else {
			info.Ended = !listens(ctx, s)
		}
		if f.Output == "json" {
			return writeJSON(p.Stdout, info)
		}
		return info.write(p)
	})
}

func (i shutdownInfo) write(p *Program) error {
	text := fmt.Sprintf("the plugin has ended after %.1f ms", i.TookMs)
	switch {
	case !i.Ended:
		text = fmt.Sprintf("the plugin still listens after %.1f ms", i.TookMs)
	case i.Killed:
		text = fmt.Sprintf("the plugin did not end by itself and was stopped after %.1f ms: it %s", i.TookMs, i.Status)
	case i.Status != "":
		text += ": it " + i.Status
	}
	_, err := fmt.Fprintln(p.Stdout, text)
	return err
}

// listens reports whether the address of a plugin still takes connections.
func listens(ctx context.Context, s *session) bool {
	conn, err := s.DialMain(ctx)
	if err != nil {
		return false
	}
	_ = conn.Close()
	return true
}
