//go:build unix

package bridge_test

import (
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pyvider/rpcplugin/pkg/bridge"
	"github.com/pyvider/rpcplugin/pkg/handshake"
)

// environOf is the environment of the child of a bridge with that environment.
func environOf(t *testing.T, environ, extra []string, network string) map[string]string {
	t.Helper()
	r := newRig(t, childConfig{}, func(c *bridge.Config) {
		c.Environ = environ
		c.Env = append(c.Env, extra...)
		c.ChildNetwork = network
		c.Server.Cookie = handshake.Cookie{Key: "HOST_COOKIE", Value: "sweet"}
		c.Server.LookupEnv = func(key string) (string, bool) {
			value, found := map[string]string{"HOST_COOKIE": "sweet", "PLUGIN_PROTOCOL_VERSIONS": "4,6"}[key]
			return value, found
		}
	})
	report := r.report()
	if !report.StdinIsPipe {
		t.Error("the child's stdin is no pipe")
	}
	if dir, err := os.Getwd(); err != nil || report.Dir != dir {
		t.Errorf("the child works in %q, expected %q (%v)", report.Dir, dir, err)
	}
	if report.Group != report.Pid {
		t.Errorf("child %d is in group %d", report.Pid, report.Group)
	}
	got := map[string]string{}
	for _, entry := range report.Environ {
		key, value, _ := strings.Cut(entry, "=")
		if key == roleKey || key == childKey {
			continue
		}
		if _, twice := got[key]; twice {
			t.Errorf("%s is there twice", key)
		}
		got[key] = value
	}
	return got
}

func TestEnvironment(t *testing.T) {
	t.Setenv("XDG_CACHE_HOME", "/somewhere/cache")
	environ := []string{
		"PATH=/bin", "HOME=/home/me", "EMPTY=", "PLUGINS=many",
		"PLUGIN_CLIENT_CERT=pem", "PLUGIN_MULTIPLEX_GRPC=true", "PLUGIN_MIN_PORT=1", "PLUGIN_X=host", "PLUGIN_UNIX_SOCKET_DIR=/x",
		"HOST_COOKIE=sweet", "RPCPLUGIN_HOST=terraform", "RPCPLUGIN_CHILD_ADDRESS=old",
	}
	got := environOf(t, environ, []string{"PLUGIN_X=mine", "PATH=/usr/bin"}, "unix")
	socket := got[bridge.EnvChildSocket]
	want := map[string]string{
		"PATH": "/usr/bin", "HOME": "/home/me", "EMPTY": "", "PLUGINS": "many", "PLUGIN_X": "mine",
		bridge.EnvChildAddress: "unix:" + socket, bridge.EnvChildSocket: socket, bridge.EnvChildAppVersion: "6",
		"PYTHONUNBUFFERED": "1", "PYTHONPYCACHEPREFIX": "/somewhere/cache/rpcplugin/pycache",
	}
	if !filepath.IsAbs(socket) || !maps.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}

func TestEnvironmentOfTCP(t *testing.T) {
	got := environOf(t, []string{"PYTHONPYCACHEPREFIX=/own"}, nil, "tcp")
	address := got[bridge.EnvChildAddress]
	want := map[string]string{
		bridge.EnvChildAddress: address, bridge.EnvChildAppVersion: "6", "PYTHONUNBUFFERED": "1", "PYTHONPYCACHEPREFIX": "/own",
	}
	if !strings.HasPrefix(address, "127.0.0.1:") || !maps.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}

// An empty cache directory is none: Python would write beside the sources.
func TestEnvironmentWithEmptyCacheSetting(t *testing.T) {
	t.Setenv("XDG_CACHE_HOME", "/somewhere/cache")
	got := environOf(t, []string{"PYTHONPYCACHEPREFIX="}, nil, "unix")
	if want := "/somewhere/cache/rpcplugin/pycache"; got["PYTHONPYCACHEPREFIX"] != want {
		t.Errorf("PYTHONPYCACHEPREFIX is %q, expected %q", got["PYTHONPYCACHEPREFIX"], want)
	}
}

func TestEnvironmentWithoutCacheDirectory(t *testing.T) {
	t.Setenv("XDG_CACHE_HOME", "")
	t.Setenv("HOME", "")
	got := environOf(t, []string{"A=b"}, nil, "unix")
	if _, found := got["PYTHONPYCACHEPREFIX"]; found || got["PYTHONDONTWRITEBYTECODE"] != "1" {
		t.Errorf("got %q", got)
	}
}
