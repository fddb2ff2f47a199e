package cmd

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/alecthomas/kong"
)

// pyviderSettings are the settings of a command whose values come from names of
// pyvider-rpcplugin, by name.
func pyviderSettings(t *testing.T, command, file string, env map[string]string) (map[string]string, error) {
	t.Helper()
	path := filepath.Join(t.TempDir(), settingsName)
	if err := os.WriteFile(path, []byte(file), 0o600); err != nil {
		t.Fatal(err)
	}
	read, err := readSettings(path)
	if err != nil {
		t.Fatal(err)
	}
	lookup := func(name string) (string, bool) { value, set := env[name]; return value, set }
	sources := newSettings(command, environment{lookup: lookup}, []*settingsFile{read})
	p := &Program{Args: []string{"rpcplugin"}, LookupEnv: lookup}
	app, err := p.settingsModel()
	if err != nil {
		t.Fatal(err)
	}
	values := make(map[string]string)
	for _, node := range []*kong.Node{app.Node, childOf(app.Node, command)} {
		for _, flag := range node.Flags {
			from, err := sources.find(flag)
			if err != nil {
				return nil, err
			}
			if text, is := from.value.(string); is {
				values[flag.Name] = strings.ReplaceAll(text, filepath.Dir(path), "DIR")
			}
		}
	}
	return values, nil
}

func TestPyviderSettings(t *testing.T) {
	t.Parallel()
	type values map[string]string
	for _, tc := range []struct {
		name, command, file string
		env, want           values
	}{
		{"nothing", "serve", "", values{}, values{}},
		{"the cookie", "serve", "", values{"PLUGIN_MAGIC_COOKIE_KEY": "K", "PLUGIN_MAGIC_COOKIE_VALUE": "v"}, values{"cookie": "K=v"}},
		{"half a cookie", "connect", "", values{"PLUGIN_MAGIC_COOKIE_VALUE": "v"}, values{"cookie": "PLUGIN_MAGIC_COOKIE=v"}},
		{"a cookie from two places", "serve", "PLUGIN_MAGIC_COOKIE_KEY: K\n", values{"PLUGIN_MAGIC_COOKIE_VALUE": "v"}, values{"cookie": "K=v"}},
		{"versions the host sent", "serve", "", values{"PLUGIN_PROTOCOL_VERSIONS": "5,6", "PLUGIN_CLIENT_CERT": "x", "PLUGIN_TRANSPORTS": "tcp", "PLUGIN_MIN_PORT": "1"}, values{}},
		{"versions the host of a host sent", "connect", "", values{"PLUGIN_PROTOCOL_VERSIONS": "5,6", "PLUGIN_CLIENT_CERT": "x", "PLUGIN_MIN_PORT": "1"}, values{}},
		{"versions of a file", "serve", "PLUGIN_PROTOCOL_VERSIONS: [5, 6]\n", values{}, values{"app-version": "5,6"}},
		{"versions to offer", "connect", "", values{"PLUGIN_PROTOCOL_VERSIONS": "1, 2"}, values{"app-version": "1,2"}},
		{"both networks", "serve", "PLUGIN_SERVER_TRANSPORTS: [tcp, unix]\n", values{}, values{"transport": "auto"}},
		{"roles", "connect", "", values{"PLUGIN_SERVER_TRANSPORTS": "tcp", "PLUGIN_CLIENT_TRANSPORTS": "unix"}, values{"transport": "unix"}},
		{"times", "serve", "PLUGIN_GRPC_GRACE_PERIOD: 0.5\nPLUGIN_SERVER_READY_TIMEOUT: 90\n", values{}, values{"grace": "500ms", "listen-timeout": "1m30s"}},
		{"no mTLS", "serve", "", values{"PLUGIN_AUTO_MTLS": "off"}, values{"tls": "off"}},
		{"mTLS", "connect", "", values{"PLUGIN_AUTO_MTLS": "Yes"}, values{"tls": "auto"}},
		{"insecure", "serve", "", values{"PLUGIN_INSECURE": "1", "PLUGIN_AUTO_MTLS": "true"}, values{"tls": "off"}},
		{
			"certificates of a plugin", "serve", "PLUGIN_AUTO_MTLS: false\nPLUGIN_SERVER_CERT: file://${dir}/c.pem\n",
			values{"PLUGIN_SERVER_KEY": "k.pem", "PLUGIN_CLIENT_ROOT_CERTS": "ca.pem"},
			values{"tls": "files", "cert": "file://DIR/c.pem", "key": "k.pem", "client-ca": "ca.pem"},
		},
		{"an authority alone", "connect", "", values{"PLUGIN_CA_CERT": "ca.pem"}, values{}},
		{
			"certificates of a host", "connect", "",
			values{"PLUGIN_CA_CERT": "ca.pem", "PLUGIN_CLIENT_CERT": "c.pem", "PLUGIN_CLIENT_KEY_FILE": "k.pem"},
			values{"ca": "ca.pem", "cert": "c.pem", "key": "k.pem"},
		},
		{"a port", "serve", "", values{"PLUGIN_SERVER_TRANSPORTS": "tcp", "PLUGIN_SERVER_PORT": "7000"}, values{"transport": "tcp", "listen": "localhost:7000"}},
		{"a host", "serve", "", values{"PLUGIN_SERVER_TRANSPORTS": "tcp", "PLUGIN_SERVER_HOST": "::1"}, values{"transport": "tcp", "listen": "[::1]:0"}},
		{"a port with sockets", "serve", "", values{"PLUGIN_SERVER_PORT": "7000"}, values{}},
		{"a socket", "serve", "PLUGIN_SERVER_UNIX_SOCKET_PATH: ${dir}/p.sock\n", values{}, values{"listen": "DIR/p.sock"}},
		{"a socket with a percent sign", "serve", "", values{"PLUGIN_SERVER_UNIX_SOCKET_PATH": "/x/a%20b.sock"}, values{"listen": "/x/a%20b.sock"}},
		{"a socket here", "serve", "", values{"PLUGIN_SERVER_UNIX_SOCKET_PATH": "p.sock"}, values{"listen": "unix:p.sock"}},
		{"a rate", "serve", "PLUGIN_RATE_LIMIT_ENABLED: true\nPLUGIN_RATE_LIMIT_REQUESTS_PER_SECOND: 2.5\nPLUGIN_RATE_LIMIT_BURST_CAPACITY: 7\n", values{}, values{"rate-limit": "2.5", "rate-burst": "7"}},
		{"no rate", "serve", "PLUGIN_RATE_LIMIT_ENABLED: false\nPLUGIN_RATE_LIMIT_REQUESTS_PER_SECOND: 2.5\n", values{}, values{"rate-limit": "0"}},
		{"usual rate", "serve", "", values{"PLUGIN_RATE_LIMIT_ENABLED": "true"}, values{"rate-limit": "100"}},
		{"retries", "connect", "", values{"PLUGIN_CLIENT_MAX_RETRIES": "5", "PLUGIN_CLIENT_INITIAL_BACKOFF_MS": "250"}, values{"retries": "5", "retry-delay": "250ms"}},
		{"no retries", "connect", "", values{"PLUGIN_CLIENT_MAX_RETRIES": "5", "PLUGIN_CLIENT_RETRY_ENABLED": "0"}, values{"retries": "0"}},
		{"level", "connect", "", values{"PLUGIN_LOG_LEVEL": "WARNING", "PLUGIN_HANDSHAKE_TIMEOUT": "10.0"}, values{"log-level": "warn", "start-timeout": "10s"}},
		{"our names of the environment first", "serve", "", values{"RPCPLUGIN_TRANSPORT": "unix", "PLUGIN_SERVER_TRANSPORTS": "tcp"}, values{"transport": "unix"}},
		{"the environment before files", "serve", "transport: unix\n", values{"PLUGIN_SERVER_TRANSPORTS": "tcp"}, values{"transport": "tcp"}},
		{"our names of a file first", "serve", "PLUGIN_SERVER_TRANSPORTS: tcp\ntransport: unix\n", values{}, values{"transport": "unix"}},
		{"no effect", "serve", "PLUGIN_BUFFER_SIZE: 1\nPLUGIN_UI_ENABLED: true\nSUPPORTED_PROTOCOL_VERSIONS: [1]\n", values{}, values{}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			got, err := pyviderSettings(t, tc.command, tc.file, tc.env)
			if err != nil {
				t.Fatal(err)
			}
			if !maps.Equal(got, tc.want) {
				t.Errorf("settings %q, want %q", got, tc.want)
			}
		})
	}
}

// The table names settings that there are, for every row says what it does.
func TestPyviderTable(t *testing.T) {
	t.Parallel()
	p := &Program{Args: []string{"rpcplugin"}}
	app, err := p.settingsModel()
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, row := range pyviderTable() {
		names = append(names, row.name)
		for command, setting := range map[string]string{"serve": row.serve, "connect": row.connect} {
			if setting != "" && settingFlag(childOf(app.Node, command), setting) == nil && settingFlag(app.Node, setting) == nil {
				t.Errorf("%s stands for %q of %s, which there is not", row.name, setting, command)
			}
		}
		if row.effect() == "" {
			t.Errorf("%s: nothing is said of it", row.name)
		}
	}
	slices.Sort(names)
	if again := slices.Compact(slices.Clone(names)); len(again) != len(names) {
		t.Errorf("a name is there twice: %q", names)
	}
}

// What connect hands on are settings of a plugin, and nothing that a host sends.
func TestPyviderForPlugins(t *testing.T) {
	t.Parallel()
	got := pyviderForPlugins([]string{
		"PLUGIN_SERVER_TRANSPORTS=tcp", "PLUGIN_PROTOCOL_VERSIONS=5", "PLUGIN_CLIENT_CERT=x", "PLUGIN_CLIENT_KEY=x",
		"PLUGIN_MULTIPLEX_GRPC=true", "PLUGIN_AUTO_MTLS=", "HOME=/", "PLUGIN_SERVER_KEY=k",
	})
	if want := []string{"PLUGIN_SERVER_TRANSPORTS=tcp", "PLUGIN_SERVER_KEY=k"}; !slices.Equal(got, want) {
		t.Errorf("handed on: %q, want %q", got, want)
	}
}

func childOf(node *kong.Node, name string) *kong.Node {
	i := slices.IndexFunc(node.Children, func(node *kong.Node) bool { return node.Name == name })
	return node.Children[i]
}
