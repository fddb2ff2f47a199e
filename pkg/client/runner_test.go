package client_test

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"testing"

	"github.com/pyvider/rpcplugin/pkg/client"
	"github.com/pyvider/rpcplugin/pkg/services"
	"github.com/pyvider/rpcplugin/pkg/transport"
)

var errRunner = errors.New("no room")

// wrapping is a Runner that changes what LocalRunner does.
type wrapping struct {
	launch client.Launch // what it was given

	start, toHost, toPlugin error
}

func (w *wrapping) Start(ctx context.Context, launch client.Launch) (client.Running, error) {
	w.launch = launch
	if w.start != nil {
		return nil, w.start
	}
	running, err := client.LocalRunner{}.Start(ctx, launch)
	if err != nil {
		return nil, err
	}
	return wrapped{running, w}, nil
}

type wrapped struct {
	client.Running
	w *wrapping
}

func (r wrapped) PluginToHost(e transport.Endpoint) (transport.Endpoint, error) { return e, r.w.toHost }

func (r wrapped) HostToPlugin(e transport.Endpoint) (transport.Endpoint, error) {
	return e, r.w.toPlugin
}

func TestRunnerIsToldAll(t *testing.T) {
	cfg := as(t, "ours", "")
	w := &wrapping{toPlugin: errRunner}
	cfg.Runner, cfg.Dir = w, t.TempDir()
	c := start(t, cfg)
	for _, want := range []string{"BASIC_PLUGIN=hello", "PLUGIN_UNIX_SOCKET_DIR=" + w.launch.SocketDir} {
		if !slices.Contains(w.launch.Env, want) {
			t.Errorf("%q is not in the environment", want)
		}
	}
	if !slices.Equal(w.launch.Command, cfg.Command) || w.launch.Dir != cfg.Dir || w.launch.Logger == nil {
		t.Errorf("launched %+v", w.launch)
	}
	if _, err := strconv.Atoi(c.ID()); err != nil {
		t.Errorf("id %q, expected that of the process", c.ID())
	}
	_, err := c.Broker().Accept(soon(t), c.Broker().NextID())
	var failed *services.BrokerError
	if !errors.As(err, &failed) || failed.Reason != services.BrokerAnnounce || !errors.Is(err, errRunner) {
		t.Errorf("accepting: %v, expected that it cannot be announced", err)
	}
}

func TestRunnerFails(t *testing.T) {
	for _, test := range []struct {
		name   string
		runner *wrapping
		reason client.Reason
	}{
		{"to start", &wrapping{start: errRunner}, client.ReasonRunner},
		{"to translate", &wrapping{toHost: errRunner}, client.ReasonRunner},
	} {
		t.Run(test.name, func(t *testing.T) {
			cfg := as(t, "ours", "")
			cfg.Runner = test.runner
			if failed := fails(t, cfg); failed.Reason != test.reason || !errors.Is(failed, errRunner) {
				t.Errorf("reason %q of %v", failed.Reason, failed.Err)
			}
		})
	}
	t.Run("for want of the command", func(t *testing.T) {
		if failed := fails(t, client.Config{Command: []string{"no-such-plugin-anywhere"}, Runner: &wrapping{}}); failed.Reason != client.ReasonCommand {
			t.Errorf("reason %q of %v", failed.Reason, failed.Err)
		}
	})
}
