package handshake_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/pyvider/rpcplugin/pkg/handshake"
)

// constants are the string constants of this package whose names begin with one
// of the prefixes: their names and values, from the source, so that none is
// forgotten.
func constants(t *testing.T, prefixes ...string) map[string]string {
	t.Helper()
	entries, err := os.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	found := make(map[string]string)
	for _, entry := range entries {
		if !strings.HasSuffix(entry.Name(), ".go") || strings.HasSuffix(entry.Name(), "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), entry.Name(), nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, func(node ast.Node) bool {
			spec, ok := node.(*ast.ValueSpec)
			if !ok || len(spec.Values) == 0 {
				return true
			}
			value := spec.Values[0]
			if sum, ok := value.(*ast.BinaryExpr); ok { // its start will do
				value = sum.X
			}
			literal, ok := value.(*ast.BasicLit)
			if ok && literal.Kind == token.STRING && slices.ContainsFunc(prefixes, func(p string) bool { return strings.HasPrefix(spec.Names[0].Name, p) }) {
				found[spec.Names[0].Name], _ = strconv.Unquote(literal.Value)
			}
			return true
		})
	}
	return found
}

// Every reason, variable and field is explained, and so is all that go-plugin
// says.
func TestEveryConstantHasATopic(t *testing.T) {
	found := constants(t, "Reason", "Env", "field", "says")
	for _, name := range []string{"ReasonTimeout", "ReasonEnvLeaked", "EnvMinPort", "EnvReattachProviders", "fieldMultiplex", "saysTimeout"} {
		if found[name] == "" {
			t.Errorf("%s was not found in the source", name)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(found)) {
		query, _, _ := strings.Cut(found[name], "%") // a format, up to its first verb
		if query == "" || name == "saysDialTCP" {
			continue
		}
		if name == "saysDialUnix" {
			query = "missing address"
		}
		if _, ok := handshake.FindTopic(query); !ok {
			t.Errorf("%s: no topic for %q", name, query)
		}
	}
}

// Every reason that the source has has a hint and a subject.
func TestEveryReasonOfTheSourceHasAHint(t *testing.T) {
	for name, value := range constants(t, "Reason") {
		e := &handshake.Error{Reason: handshake.Reason(value), Field: "PLUGIN_X"}
		if hint := e.Hint(); hint == "" || strings.HasSuffix(hint, ".") || strings.Contains(hint, "\n") {
			t.Errorf("%s: hint %q", name, hint)
		}
		if strings.HasPrefix(value, "env-") && !strings.HasPrefix(e.Error(), "environment: PLUGIN_X") {
			t.Errorf("%s: %v", name, e)
		}
	}
}

func TestTopicsAreShort(t *testing.T) {
	seen := make(map[string]string)
	topics := handshake.Topics()
	if len(topics) < 25 {
		t.Fatalf("%d topics were read", len(topics))
	}
	for _, topic := range topics {
		for _, name := range append(topic.Aliases, topic.Name) {
			if other := seen[strings.ToLower(name)]; other != "" {
				t.Errorf("%q is a name of %s and %s", name, other, topic.Name)
			}
			seen[strings.ToLower(name)] = topic.Name
			if found, ok := handshake.FindTopic(strings.ToUpper(name)); !ok || found.Name != topic.Name {
				t.Errorf("%q finds %q, want %q", name, found.Name, topic.Name)
			}
		}
		if !slices.Contains([]string{"Fields", "Variables", "Errors"}, topic.Group) {
			t.Errorf("%s is in group %q", topic.Name, topic.Group)
		}
		if !strings.HasSuffix(topic.Title, ".") || topic.Text == "" || strings.Contains(topic.Title+topic.Text, "\n#") {
			t.Errorf("%s: title %q, text %q", topic.Name, topic.Title, topic.Text)
		}
		lines := strings.Split(topic.Title+"\n"+topic.Text, "\n")
		if len(lines) > 15 {
			t.Errorf("%s has %d lines", topic.Name, len(lines))
		}
		for _, line := range lines {
			if utf8.RuneCountInString(line) > 80 {
				t.Errorf("%s: %q is too wide", topic.Name, line)
			}
		}
	}
}

func TestFindTopic(t *testing.T) {
	for query, want := range map[string]string{
		"6": "certificate", "  Core   Version ": "core", "plugin_max_port": "PLUGIN_MIN_PORT",
		"Unrecognized remote plugin message: Hello": "field-count",
		"unrecognized remote":                       "field-count",
		"Error: incompatible API version with plugin. Plugin version: 4, Client versions: [5 6]":                                                                             "app",
		"incompatible core API version with plugin. Plugin version: 6, Core version: 1":                                                                                      "core",
		"panic: runtime error: invalid memory address or nil pointer dereference [recovered, repanicked]":                                                                    "certificate-unasked",
		"rpc error: code = Unavailable desc = connection error: desc = \"transport: authentication handshake failed: tls: first record does not look like a TLS handshake\"": "certificate-missing",
		"dial tcp 127.0.0.1:1: connect: connection refused":                                                                                                                  "unreachable",
		"This binary is a plugin. These are not meant to be executed directly.":                                                                                              "cookie",
		"plugin exited before we could connect":                                                                                                                              "exited",
		"":                                                                                                                                                                   "", "x": "", "porridge and honey": "",
	} {
		if found, ok := handshake.FindTopic(query); found.Name != want || ok != (want != "") {
			t.Errorf("%q finds %q, want %q", query, found.Name, want)
		}
	}
	// Our own errors lead to a topic, too.
	for _, m := range messages() {
		if _, ok := handshake.FindTopic(m.text); !ok {
			t.Errorf("no topic for %q", m.text)
		}
	}
}
