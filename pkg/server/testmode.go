package server

import (
	"context"
	"io"

	"github.com/pyvider/rpcplugin/pkg/handshake"
)

// ServeTest starts a plugin for tests, in the process of the test and without a
// host, and returns when it listens. Hosts attach to it: ours with
// client.Attach, go-plugin's with a ReattachConfig, Terraform with
// TF_REATTACH_PROVIDERS; the Reattach says how (go-plugin contract, section 4).
// They may come and go, and many plugins may run at once.
//
// No cookie is asked for, no line printed and no environment read, there is no
// TLS, and nothing is watched: Cookie, LookupEnv, Stdout, TLS, TLSConfig,
// Capture, Signals, KeepSocket and IgnoreHost of cfg do not count. Without a
// host to offer any, the app version is the lowest of the plugin's.
//
// The plugin stops with ctx, as [Server.Run] does; the channel then gets Run's
// result, nil as a rule, and is closed. It need not be read. The error is New's.
func ServeTest(ctx context.Context, cfg Config) (handshake.Reattach, <-chan error, error) {
	cfg.Cookie = handshake.Cookie{}
	cfg.LookupEnv = func(string) (string, bool) { return "", false }
	cfg.Stdout = io.Discard
	cfg.TLS, cfg.TLSConfig = TLSOff, nil
	cfg.Capture, cfg.Signals = false, false
	cfg.KeepSocket, cfg.IgnoreHost = true, true
	s, err := New(ctx, cfg)
	if err != nil {
		return handshake.Reattach{}, nil, err
	}
	ended := make(chan error, 1)
	go func() {
		defer close(ended)
		ended <- s.Run(ctx)
	}()
	return s.Reattach(), ended, nil
}
