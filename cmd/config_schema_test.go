package cmd

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"go.yaml.in/yaml/v3"
)

// editorSchema is what "config schema" prints, as an editor uses it.
func editorSchema(t *testing.T) *jsonschema.Schema {
	t.Helper()
	var printed bytes.Buffer
	p := &Program{Args: []string{"rpcplugin"}, Stdout: &printed}
	if err := new(configSchemaCommand).Run(p); err != nil {
		t.Fatal(err)
	}
	document, err := jsonschema.UnmarshalJSON(&printed)
	if err != nil {
		t.Fatal(err)
	}
	compiler := jsonschema.NewCompiler()
	compiler.DefaultDraft(jsonschema.Draft7) // the document says itself which it is
	if err := compiler.AddResource("settings.json", document); err != nil {
		t.Fatal(err)
	}
	compiled, err := compiler.Compile("settings.json")
	if err != nil {
		t.Fatal(err)
	}
	if compiled.DraftVersion != 2020 {
		t.Errorf("draft %d, want 2020", compiled.DraftVersion)
	}
	return compiled
}

// inEditor validates a file as an editor does.
func inEditor(t *testing.T, schema *jsonschema.Schema, file string) error {
	t.Helper()
	var value any
	if err := yaml.Unmarshal([]byte(file), &value); err != nil {
		t.Fatal(err)
	}
	data, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	instance, err := jsonschema.UnmarshalJSON(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	return schema.Validate(instance)
}

// What the schema takes, "config check" takes, and what one refuses, the other
// does.
func TestSchemaAgreesWithCheck(t *testing.T) {
	t.Parallel()
	schema := editorSchema(t)
	p := &Program{Args: []string{"rpcplugin"}}
	app, err := p.settingsModel()
	if err != nil {
		t.Fatal(err)
	}
	check := func(file string, good bool) {
		path := filepath.Join(t.TempDir(), settingsName)
		if err := os.WriteFile(path, []byte(file), 0o600); err != nil {
			t.Fatal(err)
		}
		_, mistakes := checkFile(app, path)
		if got := len(mistakes) == 0; got != good {
			t.Errorf("%q: good is %t for check, want %t: %v", file, got, good, mistakes)
		}
		if err := inEditor(t, schema, file); (err == nil) != good {
			t.Errorf("%q: good is %t for the schema, want %t: %v", file, err == nil, good, err)
		}
	}
	for _, file := range goodFiles() {
		check(file, true)
	}
	for _, file := range badFiles() {
		check(file, false)
	}
	for _, s := range settingsOfModel(app) { // each of them is there, and takes its default
		if s.Default != "" {
			check(s.Name+": "+quoted(s.Default)+"\n", true)
		}
		check(s.Name+":\n", false)
		check(s.Name+": {a: {b: c}}\n", false)
	}
	for _, row := range pyviderTable() {
		check(row.name+":\n", false)
		check(row.name+": {a: {b: c}}\n", false)
	}
}

func quoted(text string) string { return `"` + strings.ReplaceAll(text, `"`, `\"`) + `"` }

func goodFiles() []string {
	return []string{
		"", "# nothing\n", "---\n", "{}\n",
		"host: kv\ntls: off\nstandalone: yes\nlisten-timeout: 1m30.5s\nrestart: 3\nrate-limit: 2.5\n",
		"app-version: 6\n", "app-version: [5, 6]\n", "app-version: \"5,6\"\n", "app-version: [\"5,6\", 7]\n",
		"exec: python3 x.py\n", "exec: [python3, 7, true, \"\"]\n", "exec: 7\n",
		"env: {A: \"1=2\", B: 2, C: true, D: \"\"}\n", "env: [A=1, B=]\n", "env: A=1\n", "env: []\n", "env: {}\n",
		"cookie: A=b=c\n", "cookie: \"A= \"\n", "provider: 7\n", "cert: /x\n", "standalone: 1\n", "standalone: \"FALSE\"\n",
		"listen: unix:/x\n", "listen: 127.0.0.1:0\n", "listen: tcp://localhost:77\n", "listen: \"[::1]:1\"\n", "listen: ./x\n",
		"grace: 0\n", "grace: 0s\n", "grace: .5s\n", "grace: 10µs\n", "rate-limit: \"1e3\"\n", "rate-limit: 0\n", "rate-burst: \"7\"\n",
		"descriptor-set: tfplugin6\n", "descriptor-set: [a, b]\n", "color: never\n", "timeout: 3s\n", "header: [\"a: b\"]\n",
		"PLUGIN_AUTO_MTLS: on\n", "PLUGIN_AUTO_MTLS: 0\n", "PLUGIN_SERVER_TRANSPORTS: [unix, tcp]\n", "PLUGIN_SERVER_TRANSPORTS: unix,tcp\n",
		"PLUGIN_GRPC_GRACE_PERIOD: 0.5\n", "PLUGIN_LOG_LEVEL: WARNING\n", "PLUGIN_PROTOCOL_VERSIONS: [1]\n", "PLUGIN_PROTOCOL_VERSIONS: 1, 2\n",
		"PLUGIN_MAGIC_COOKIE_KEY: K\nPLUGIN_MAGIC_COOKIE_VALUE: 7\n", "PLUGIN_SERVER_PORT: 50051\n", "PLUGIN_UI_ENABLED: true\n",
		"env: {PLUGIN_ANYTHING: x}\n",
	}
}

func badFiles() []string {
	return []string{
		"hosst: kv\n", "help: true\n", "- host\n", "host\n", "HOST: kv\n",
		"host: teraform\n", "host: 7\n", "tls: true\n", "tls: [auto]\n", "child: NATIVE\n", "color: on\n",
		"listen-timeout: 10\n", "listen-timeout: 10 s\n", "listen-timeout: -1s\n", "listen-timeout: \"\"\n", "grace: 1d\n", "grace: [1s]\n",
		"standalone: perhaps\n", "standalone: 2\n", "standalone: [true]\n", "standalone: \"\"\n",
		"restart: -1\n", "restart: 1.5\n", "restart: many\n", "restart: [1]\n", "rate-limit: -1\n", "rate-limit: NaN\n", "rate-limit: \"\"\n",
		"app-version: six\n", "app-version: [5, six]\n", "app-version: -1\n", "app-version: []\n", "app-version: 5, 6\n", "app-version: 1.5\n",
		"exec: [a, [b]]\n", "exec: [a, null]\n", "exec: {a: b}\n", "env: [A]\n", "env: A\n", "env: [\"=x\"]\n", "env: {A: [1]}\n", "env: {A: null}\n",
		"cookie: A\n", "cookie: A=\n", "cookie: =b\n", "cookie: [A=b]\n", "cookie: 7\n", "descriptor-set: {a: b}\n", "provider: [x]\n",
		"listen: here\n", "listen: 127.0.0.1\n", "listen: 7000\n", "listen: \"\"\n",
		"PLUGIN_NO_SUCH: 1\n", "PLUGIN_AUTO_MTLS: maybe\n", "PLUGIN_SERVER_TRANSPORTS: udp\n", "PLUGIN_SERVER_TRANSPORTS: [unix, udp]\n",
		"PLUGIN_SERVER_TRANSPORTS: []\n", "PLUGIN_GRPC_GRACE_PERIOD: soon\n", "PLUGIN_GRPC_GRACE_PERIOD: -1\n", "PLUGIN_LOG_LEVEL: loud\n",
		"PLUGIN_PROTOCOL_VERSIONS: one\n", "PLUGIN_PROTOCOL_VERSIONS: []\n", "PLUGIN_SERVER_PORT: -7\n", "PLUGIN_SERVER_PORT: 1.5\n",
		"PLUGIN_CLIENT_TRANSPORTS: {unix: tcp}\n", "plugin_auto_mtls: true\n",
	}
}
