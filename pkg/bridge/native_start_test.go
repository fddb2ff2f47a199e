//go:build unix

package bridge_test

import (
	"errors"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/pyvider/rpcplugin/pkg/bridge"
	"github.com/pyvider/rpcplugin/pkg/handshake"
	"github.com/pyvider/rpcplugin/pkg/server"
)

// nativeConfig is a bridge in this process.
func nativeConfig(child nativeChild) bridge.Config {
	cfg := bridge.Config{
		Command: []string{self()}, Env: child.environ(), Kind: bridge.KindNative, ChildCookie: testCookie(), ListenTimeout: patience,
	}
	cfg.Server.LookupEnv = func(string) (string, bool) { return "", false }
	cfg.Server.Stdout = &shared{}
	return cfg
}

func TestNativeDoesNotStart(t *testing.T) {
	for name, test := range map[string]struct {
		change func(*bridge.Config)
		child  nativeChild
		reason bridge.Reason
		says   []string
		hint   string
	}{
		"ends": {
			child: nativeChild{Exit: true}, reason: bridge.ReasonHandshake,
			says: []string{"exited with status 9 before it printed", "no cheese today"}, hint: "run the command by hand",
		},
		"no such command": {
			change: func(c *bridge.Config) { c.Command = []string{"/no/such/program"} },
			reason: bridge.ReasonCommand, says: []string{"/no/such/program"},
		},
		"restarts": {
			change: func(c *bridge.Config) { c.Restarts = 1 },
			reason: bridge.ReasonConfig, says: []string{"restarts", "expected 0"},
		},
		"kind": {
			change: func(c *bridge.Config) { c.Kind = "wild" },
			reason: bridge.ReasonConfig, says: []string{`"wild"`},
		},
		"version": {
			change: func(c *bridge.Config) { c.Server.AppVersions = []int{8} },
			child:  nativeChild{Versions: []int{2}}, reason: bridge.ReasonHandshake, says: []string{`"2"`, "8"},
		},
		"tls": {
			change: func(c *bridge.Config) { c.ChildTLS = "maybe" },
			reason: bridge.ReasonConfig, says: []string{"maybe"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			tmp := privateTemp(t)
			cfg := nativeConfig(test.child)
			if test.change != nil {
				test.change(&cfg)
			}
			_, err := bridge.New(t.Context(), cfg)
			var failed *bridge.Error
			if !errors.As(err, &failed) || failed.Reason != test.reason {
				t.Fatalf("got %v, expected reason %q", err, test.reason)
			}
			for _, part := range test.says {
				if !strings.Contains(err.Error(), part) {
					t.Errorf("%q does not say %q", err, part)
				}
			}
			if !strings.Contains(failed.Hint(), test.hint) || strings.Contains(failed.Hint(), "last words") {
				t.Errorf("hint %q", failed.Hint())
			}
			if left := entries(t, tmp); len(left) > 0 {
				t.Errorf("left behind: %q", left)
			}
		})
	}
}

// Without its host's cookie nothing is started.
func TestNativeCookieComesFirst(t *testing.T) {
	cfg := nativeConfig(nativeChild{})
	cfg.Command = []string{"/no/such/program"}
	cfg.Server.Cookie = testCookie()
	_, err := bridge.New(t.Context(), cfg)
	var failed *server.Error
	if !errors.As(err, &failed) || failed.Reason != server.ReasonCookie {
		t.Errorf("got %v", err)
	}
}

// A native child gets what a host gives: the cookie and PLUGIN_* of ours.
func TestNativeEnvironment(t *testing.T) {
	r := newNativeRig(t, nativeChild{Ours: true}, func(c *bridge.Config) {
		c.Environ = append(os.Environ(), "RPCPLUGIN_HOST=kv", "PLUGIN_CLIENT_CERT=somebody's", "PLUGIN_UNIX_SOCKET_GROUP=1", "KEPT=yes")
		c.Env = append(c.Env, "PLUGIN_OWN=setting")
	})
	got := make(map[string]string)
	for line := range strings.Lines(ask(t, r, "environ")) {
		key, value, _ := strings.Cut(strings.TrimSpace(line), "=")
		if _, known := got[key]; !known {
			got[key] = value
		}
	}
	for key, want := range map[string]string{
		cookieKey: cookieValue, "KEPT": "yes", "PLUGIN_OWN": "setting", "PYTHONUNBUFFERED": "1",
		handshake.EnvProtocolVersions: "1", handshake.EnvClientCert: "-----BEGIN CERTIFICATE-----",
	} {
		if got[key] != want {
			t.Errorf("%s is %q, expected %q", key, got[key], want)
		}
	}
	for _, key := range []string{"RPCPLUGIN_HOST", "PLUGIN_UNIX_SOCKET_GROUP", bridge.EnvChildAddress} {
		if value, found := got[key]; found {
			t.Errorf("%s is %q", key, value)
		}
	}
	if list, _ := listed(t, r); !slices.Contains(list, "rpcplugin.test.Echo") {
		t.Errorf("reflection lists %q", list)
	}
}
