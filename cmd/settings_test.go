package cmd

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/alecthomas/kong"
)

// parseServe parses "serve" with one settings file and an environment.
func parseServe(t *testing.T, file string, env map[string]string) (serveCommand, error) {
	t.Helper()
	path := filepath.Join(t.TempDir(), settingsName)
	if err := os.WriteFile(path, []byte(file), 0o600); err != nil {
		t.Fatal(err)
	}
	read, err := readSettings(path)
	if err != nil {
		return serveCommand{}, err
	}
	lookup := func(name string) (string, bool) { value, set := env[name]; return value, set }
	p := &Program{Args: []string{"rpcplugin"}, LookupEnv: lookup}
	var options commands
	of := environment{lookup: lookup, names: slices.Collect(maps.Keys(env)), known: p.flagNames}
	parser, err := p.newParser(&options, newSettings("serve", of, []*settingsFile{read}))
	if err != nil {
		t.Fatal(err)
	}
	_, err = parser.Parse([]string{"serve"})
	return options.Serve, err
}

func TestSettingsKinds(t *testing.T) {
	t.Parallel()
	serve, err := parseServe(t, `
provider: "null"
standalone: yes
listen-timeout: 90s
app-version: [5, 6]
exec: [python3, "${dir}/a,b.py", "", "-x"]
env:
  A: "1=2,3"
  B: ""
  C: 0o17
descriptor-set: one.binpb
`, nil)
	if err != nil {
		t.Fatal(err)
	}
	if serve.Provider != "null" || !serve.Standalone || serve.ListenTimeout != 90*time.Second {
		t.Errorf("single values: %q, %t, %s", serve.Provider, serve.Standalone, serve.ListenTimeout)
	}
	if !slices.Equal(serve.AppVersion, []int{5, 6}) {
		t.Errorf("app-version = %d", serve.AppVersion)
	}
	if len(serve.Exec) != 4 || serve.Exec[0] != "python3" || !filepath.IsAbs(serve.Exec[1]) ||
		filepath.Base(serve.Exec[1]) != "a,b.py" || serve.Exec[2] != "" || serve.Exec[3] != "-x" {
		t.Errorf("exec = %q", serve.Exec)
	}
	if want := []string{"A=1=2,3", "B=", "C=0o17"}; !slices.Equal(serve.Env, want) {
		t.Errorf("env = %q, want %q", serve.Env, want)
	}
	if want := []string{"one.binpb"}; !slices.Equal(serve.DescriptorSet, want) {
		t.Errorf("descriptor-set = %q, want %q", serve.DescriptorSet, want)
	}
}

func TestExecAsOneText(t *testing.T) {
	t.Parallel()
	serve, err := parseServe(t, "exec: python3  ${dir}/a,b.py -x\n", nil)
	if err != nil {
		t.Fatal(err)
	}
	if len(serve.Exec) != 3 || serve.Exec[0] != "python3" || filepath.Base(serve.Exec[1]) != "a,b.py" || serve.Exec[2] != "-x" {
		t.Errorf("exec = %q", serve.Exec)
	}
}

func TestSettingsFromTheEnvironment(t *testing.T) {
	t.Parallel()
	serve, err := parseServe(t, "app-version: 4\nhost: kv\n", map[string]string{
		"RPCPLUGIN_APP_VERSION": "5,6", "RPCPLUGIN_HOST": "", "RPCPLUGIN_EXEC": "python3  a,b.py",
		"RPCPLUGIN_LISTEN_TIMEOUT": "2m", "RPCPLUGIN_STANDALONE": "true",
	})
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(serve.AppVersion, []int{5, 6}) || serve.Host != "kv" || serve.ListenTimeout != 2*time.Minute || !serve.Standalone {
		t.Errorf("settings = %+v", serve)
	}
	if want := []string{"python3", "a,b.py"}; !slices.Equal(serve.Exec, want) {
		t.Errorf("exec = %q, want %q", serve.Exec, want)
	}
}

func TestSettingsRefused(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name, file string
		env        map[string]string
		want       string
	}{
		{"unknown key", "# notes\nhosst: kv\n", nil, `:2: unknown key "hosst", did you mean "host"?`},
		{"help is no setting", "help: true\n", nil, `:1: unknown key "help"`},
		{"no value", "host:\n", nil, ":1: expected a value, found none"},
		{"list for one value", "tls: [auto]\n", nil, ":1: expected one value, found a list"},
		{"map for one value", "tls: {auto: 1}\n", nil, ":1: expected one value, found a map"},
		{"list in a list", "exec: [a, [b]]\n", nil, "line 1: expected a list of plain values"},
		{"anchor", "tls: &a auto\ntransport: *a\n", nil, `:2: expected the value itself, found the alias "*a"`},
		{"alias for a key", "provider: &a host\n*a : kv\n", nil, ":2: a key is no plain text, expected the name of a flag"},
		{"list for a key", "? [a, b]\n: c\n", nil, ":1: a key is no plain text, expected the name of a flag"},
		{"variable twice", "env:\n  A: b\n  A: c\n", nil, `line 3: "A" is there twice`},
		{"no command", "exec: \"\"\n", nil, `:1: "", expected a command`},
		{"no words", "exec: []\n", nil, `:1: "", expected a command`},
		{"no program", "exec: [\"\", a]\n", nil, `:1: "", expected a command`},
		{"blank command", "", map[string]string{"RPCPLUGIN_EXEC": "  "}, `RPCPLUGIN_EXEC is "", expected a command`},
		{"two documents", "host: kv\n---\nhost: terraform\n", nil, ":2: a second document begins, expected one"},
		{"too long", "host: kv\n" + strings.Repeat("# more\n", 1<<18), nil, `the file is too long, expected no more than "1048576" bytes`},
		{"word", "tls: on\n", nil, `:1: "on", expected one of auto, off`},
		{"host", "host: teraform\n", nil, `:1: "teraform", expected one of terraform, opentofu`},
		{"cookie", "cookie: secret\n", nil, `:1: "(set)", expected the form NAME=VALUE`},
		{"count", "restart: -1\n", nil, `:1: "-1", expected a whole number from 0`},
		{"rate", "rate-limit: many\n", nil, `:1: "many", expected a number from 0`},
		{"no number", "rate-limit: .nan\n", nil, `:1: ".nan", expected a number from 0`},
		{"address", "listen: 127.0.0.1:66666\n", nil, `:1: "127.0.0.1:66666", expected unix:/path`},
		{"span backwards", "grace: -1s\n", nil, `:1: "-1s", expected a time span`},
		{"variable in a list", "env: [A]\n", nil, `:1: "(set)", expected the form NAME=VALUE`},
		{"no value in a map", "env: {A: }\n", nil, `line 1: expected a list of plain values`},
		{"map for a list", "descriptor-set: {A: b}\n", nil, `:1: expected a value or a list, found a map`},
		{"pyvider's key", "PLUGIN_SERVER_TRANSPORT: tcp\n", nil, `:1: unknown key "PLUGIN_SERVER_TRANSPORT", did you mean "PLUGIN_SERVER_TRANSPORTS"?`},
		{"pyvider's value", "PLUGIN_SERVER_TRANSPORTS: udp\n", nil, `:1 (PLUGIN_SERVER_TRANSPORTS) is "udp", expected unix, tcp or both`},
		{"pyvider's list", "PLUGIN_AUTO_MTLS: {a: 1}\n", nil, `:1 (PLUGIN_AUTO_MTLS): expected a value or a list, found a map`},
		{"pyvider's variable", "", map[string]string{"PLUGIN_GRPC_GRACE_PERIOD": "soon"}, `PLUGIN_GRPC_GRACE_PERIOD is "soon", expected a number of seconds`},
		{"misspelt variable", "", map[string]string{"RPCPLUGIN_TRANSPRT": "tcp"}, `unknown variable "RPCPLUGIN_TRANSPRT", did you mean "RPCPLUGIN_TRANSPORT"?`},
		{"time span", "listen-timeout: 10\n", nil, `:1: "10", expected a time span`},
		{"number", "app-version: six\n", nil, `:1: "six", expected whole numbers`},
		{"truth", "standalone: perhaps\n", nil, `:1: "perhaps", expected true or false`},
		{"twice", "host: kv\nhost: kv\n", nil, `:2: key "host" is there twice`},
		{"list at the top", "- host\n", nil, ":1: expected flag names and values"},
		{"variable", "", map[string]string{"RPCPLUGIN_TLS": "on"}, `RPCPLUGIN_TLS is "on", expected one of auto, off`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			_, err := parseServe(t, tc.file, tc.env)
			if err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Fatalf("error %v, want one with %q", err, tc.want)
			}
			if hintOf(err) == "" {
				t.Errorf("no hint with %v", err)
			}
		})
	}
}

func TestEmptySettingsAreNone(t *testing.T) {
	t.Parallel()
	for _, file := range []string{"", "# nothing yet\n", "---\n"} {
		serve, err := parseServe(t, file, nil)
		if err != nil || serve.Transport != "auto" {
			t.Errorf("%q: transport %q, error %v", file, serve.Transport, err)
		}
	}
}

func TestNearest(t *testing.T) {
	t.Parallel()
	known := []string{"app-version", "env", "exec", "host", "tls", "transport"}
	for word, want := range map[string]string{
		"app_version": "app-version", "appversion": "app-version", "hosts": "host",
		"Exec": "exec", "transprot": "transport", "evn": "env",
	} {
		if got := nearest(word, known); got != want {
			t.Errorf("nearest(%q) = %q, want %q", word, got, want)
		}
	}
}

// Variables of others are left alone: what a bridge tells its program, what is
// nobody's setting, what is a flag of another command.
func TestForeignVariables(t *testing.T) {
	t.Parallel()
	_, err := parseServe(t, "", map[string]string{
		"RPCPLUGIN_CHILD_ADDRESS": "unix:/x", "RPCPLUGIN_CACHE": "/x", "RPCPLUGIN_START_TIMEOUT": "x", "RPCPLUGIN_FAIL_IF": "x",
		"PLUGIN_SERVER_TRANSPORT": "tcp",
	})
	if err != nil {
		t.Fatal(err)
	}
}

// One name means one thing: the type, the choices and the unit of a setting are
// the same for every command.
func TestSettingsAgree(t *testing.T) {
	t.Parallel()
	p := &Program{Args: []string{"rpcplugin"}}
	app, err := p.settingsModel()
	if err != nil {
		t.Fatal(err)
	}
	seen := make(map[string]setting)
	var visit func(node *kong.Node)
	visit = func(node *kong.Node) {
		for _, flag := range node.Flags {
			one := settingFrom(flag)
			if other, is := seen[flag.Name]; is && (one.Type != other.Type || one.Unit != other.Unit || !slices.Equal(one.Choices, other.Choices)) {
				t.Errorf("--%s is %+v in %q, and elsewhere %+v", flag.Name, one, node.Path(), other)
			}
			seen[flag.Name] = one
			if flag.HasDefault && flag.Name != "help" {
				if err := checkValue(flag, "the default is", flag.Default); err != nil {
					t.Error(err)
				}
			}
		}
		for _, child := range node.Children {
			visit(child)
		}
	}
	visit(app.Node)
	if len(seen) < 40 {
		t.Errorf("%d settings, want them all", len(seen))
	}
}
