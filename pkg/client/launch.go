package client

import (
	"context"
	"errors"

	"github.com/pyvider/rpcplugin/internal/process"
	"github.com/pyvider/rpcplugin/pkg/handshake"
	"github.com/pyvider/rpcplugin/pkg/pki"
	"github.com/pyvider/rpcplugin/pkg/transport"
)

// longestSocketName is room for the name that a plugin gives its socket in the
// directory it is given: go-plugin's are "plugin" and ten digits; ours a
// directory and a short name.
const longestSocketName = 48

// launch starts the program with what a host puts in a plugin's environment.
func (c *Client) launch(ctx context.Context) error {
	if err := c.cfg.check(); err != nil {
		return c.fail(ReasonConfig, err)
	}
	var err error
	if err := c.checkSum(); err != nil {
		return err
	}
	if c.cfg.TLS == TLSAuto && c.cfg.TLSConfig == nil {
		if c.pair, err = pki.NewPair(); err != nil {
			return c.fail(ReasonPrepare, err)
		}
	}
	// A directory of ours for the sockets: it goes with us, even if the plugin
	// is killed and cannot clean up.
	if c.socket, err = transport.NewPrivateDir("", "", longestSocketName); err != nil {
		return c.fail(ReasonPrepare, err)
	}
	runner := c.cfg.Runner
	if runner == nil {
		runner = LocalRunner{}
	}
	running, err := runner.Start(ctx, Launch{
		Command: c.cfg.Command, Env: c.environ(), Dir: c.cfg.Dir, SocketDir: c.socket.Dir(), Logger: c.cfg.Logger,
	})
	if err != nil {
		return c.notRun(ctx, err)
	}
	c.proc = running
	c.cfg.inRun(running.ID())
	c.output = readOutput(running, c.cfg.Logger)
	return nil
}

// notRun is the error of a program that its runner did not start.
func (c *Client) notRun(ctx context.Context, err error) *Error {
	var local *process.Error
	switch {
	case errors.As(err, &local):
		return c.fail(ReasonCommand, err)
	case ctx.Err() != nil:
		return c.fail(ReasonCanceled, err)
	default:
		return c.fail(ReasonRunner, err)
	}
}

// environ is the whole environment of the program.
func (c *Client) environ() []string {
	env := handshake.Env{
		AppVersions: c.cfg.AppVersions, Transports: c.cfg.Networks,
		MultiplexSet: c.cfg.Multiplex, Multiplex: c.cfg.Multiplex,
		SocketDir: c.socket.Dir(),
	}
	if c.pair != nil {
		env.ClientCert = c.pair.PEM()
	}
	environ := handshake.StripEnv(c.cfg.passed(c.cfg.Environ), c.cfg.Cookie.Key)
	environ = append(environ, env.Environ()...)
	if !c.cfg.Cookie.IsZero() {
		environ = append(environ, c.cfg.Cookie.Key+"="+c.cfg.Cookie.Value)
	}
	return append(environ, c.cfg.Env...)
}

// toHost translates an endpoint that the plugin has announced.
func (c *Client) toHost(announced transport.Endpoint) (transport.Endpoint, error) {
	if c.proc == nil {
		return announced, nil
	}
	return c.proc.PluginToHost(announced)
}

// toPlugin translates an endpoint that is announced to the plugin.
func (c *Client) toPlugin(here transport.Endpoint) (transport.Endpoint, error) {
	if c.proc == nil {
		return here, nil
	}
	return c.proc.HostToPlugin(here)
}
