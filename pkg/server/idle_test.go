package server_test

import (
	"errors"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/pyvider/rpcplugin/pkg/handshake"
	"github.com/pyvider/rpcplugin/pkg/server"
	"github.com/pyvider/rpcplugin/pkg/services"
)

func TestNoHostComes(t *testing.T) { eachWay(t, testNoHostComes) }

func testNoHostComes(t *testing.T, carry carry) {
	for name, multiplex := range map[string]string{"one connection each": "", "multiplexed": "true"} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			err := server.Serve(soon(t), server.Config{
				Carry: carry, IdleTimeout: 20 * time.Millisecond, Stdout: make(lines, 1),
				LookupEnv: environment{handshake.EnvUnixSocketDir: dir, handshake.EnvMultiplexGRPC: multiplex}.lookup,
			})
			wantReason(t, err, server.ReasonNoHost)
			var hinter interface{ Hint() string }
			if !errors.As(err, &hinter) || hinter.Hint() == "" {
				t.Error("no hint")
			}
			empty(t, dir)
		})
	}
}

// A probe is no host.
func TestProbesAreNoHosts(t *testing.T) {
	r := run(t, server.Config{IdleTimeout: 100 * time.Millisecond})
	probe, err := net.Dial(r.line.Network, r.line.Address)
	noError(t, err)
	noError(t, probe.Close())
	wantReason(t, receive(t, "the end of Run", r.ended), server.ReasonNoHost)
}

func TestHostComesInTime(t *testing.T) { eachWay(t, testHostComesInTime) }

func testHostComesInTime(t *testing.T, carry carry) {
	for name, multiplexed := range map[string]bool{"one connection each": false, "multiplexed": true} {
		t.Run(name, func(t *testing.T) {
			const idle = time.Second
			cfg := server.Config{Carry: carry, IdleTimeout: idle}
			if multiplexed {
				cfg.LookupEnv = forMux(t.TempDir())
			}
			r := run(t, cfg)
			late := time.After(idle + 200*time.Millisecond)
			if multiplexed {
				muxHost(t, r)
			} else {
				noError(t, services.Ping(soon(t), r.dial(t)))
			}
			select {
			case err := <-r.ended:
				t.Errorf("ended with %v", err)
			case <-late:
			}
		})
	}
}

func TestShutdownFile(t *testing.T) {
	for name, before := range map[string]bool{"appears": false, "is there already": true} {
		t.Run(name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "stop")
			create := func() { noError(t, os.WriteFile(file, nil, 0o600)) }
			if before {
				create()
			}
			r := run(t, server.Config{ShutdownFile: file, ShutdownPoll: 5 * time.Millisecond})
			if !before {
				noError(t, services.Ping(soon(t), r.dial(t)))
				create()
			}
			noError(t, receive(t, "the end of Run", r.ended))
			gone(t, file)
		})
	}
	t.Run("never comes", func(t *testing.T) {
		r := run(t, server.Config{ShutdownFile: filepath.Join(t.TempDir(), "no dir", "stop")})
		noError(t, services.Ping(soon(t), r.dial(t)))
		r.Stop()
		noError(t, receive(t, "the end of Run", r.ended))
	})
}
