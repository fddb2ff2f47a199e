package cmd

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/alecthomas/kong"
)

// The page of everything tells of each command and flag that the help has, and
// every page is one that man programs read without a warning.
func TestManPages(t *testing.T) {
	t.Parallel()
	p := &Program{Args: []string{"rpcplugin"}}
	parser, err := p.newParser(new(commands), &settings{})
	if err != nil {
		t.Fatal(err)
	}
	info := versionInfo{Version: "v0.1.0", Time: "2026-11-22T16:35:50Z"}
	page := manPage(parser.Model, parser.Model.Node, info)
	err = kong.Visit(parser.Model, func(visited kong.Visitable, next kong.Next) error {
		node, ok := visited.(*kong.Node)
		if !ok {
			return next(nil)
		}
		if node.Hidden {
			return nil
		}
		if node.Parent != nil && !strings.Contains(page, "\n"+manUsage(node)+"\n") {
			t.Errorf("the page does not tell of %q", commandPath(node))
		}
		for _, flag := range node.Flags {
			if !strings.Contains(page, manText("--"+flag.Name)+`\fP`) {
				t.Errorf("the page does not tell of --%s of %q", flag.Name, commandPath(node))
			}
		}
		return next(nil)
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, node := range append([]*kong.Node{parser.Model.Node}, parser.Model.Children...) {
		checkManPage(t, manName(node), manPage(parser.Model, node, info))
	}
}

func checkManPage(t *testing.T, name, page string) {
	t.Helper()
	for i := range len(page) {
		if page[i] >= 0x80 {
			t.Errorf("%s: not ASCII: %q", name, page[i:min(i+20, len(page))])
			break
		}
	}
	path := filepath.Join(t.TempDir(), name+".1")
	if err := os.WriteFile(path, []byte(page), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, reader := range [][]string{{"groff", "-man", "-ww", "-Tascii", "-z"}, {"mandoc", "-T", "lint", "-W", "warning"}} {
		if _, err := exec.LookPath(reader[0]); err != nil {
			t.Logf("%s is not installed", reader[0])
			continue
		}
		//nolint:gosec // one of the two
		if output, err := exec.CommandContext(t.Context(), reader[0], append(reader[1:], path)...).CombinedOutput(); err != nil || len(output) > 0 {
			t.Errorf("%s: %v: %v\n%s", name, reader, err, output)
		}
	}
}

func TestManText(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"plain":                "plain",
		"--tls":                `\-\-tls`,
		".hidden\n'quoted":     "\\&.hidden\n\\&\\(aqquoted",
		`C:\x ~/a ^b ` + "`c`": `C:\ex \(ti/a \(hab ` + `\(gac\(ga`,
		"ARGS… µs":             `ARGS... \[u00B5]s`,
		"a.b 99%":              "a.b 99%",
	} {
		if got := manText(text); got != want {
			t.Errorf("manText(%q) = %q, want %q", text, got, want)
		}
	}
}

// The examples of the page are command lines that the program takes.
func TestManExamples(t *testing.T) {
	t.Parallel()
	p := &Program{Args: []string{"rpcplugin"}, Environ: nil, LookupEnv: func(string) (string, bool) { return "", false }}
	seen := 0
	for line := range strings.Lines(strings.ReplaceAll(manExamples, "\\\n", "")) {
		if !strings.HasPrefix(line, "  rpcplugin ") {
			continue
		}
		seen++
		own, _ := splitCommand(strings.Fields(strings.ReplaceAll(line, "'", ""))[1:])
		parser, err := p.newParser(new(commands), &settings{})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := parser.Parse(own); err != nil {
			t.Errorf("%s: %v", line, err)
		}
	}
	if seen < 5 {
		t.Errorf("%d examples, want 5 at least", seen)
	}
}

func TestManUnwritable(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	var stdout, stderr strings.Builder
	p := &Program{Args: []string{"rpcplugin", "man", file}, Stdout: &stdout, Stderr: &stderr, LookupEnv: os.LookupEnv}
	if code := p.Run(context.Background()); code == exitOK || !strings.Contains(stderr.String(), file) {
		t.Errorf("exit code %d, stderr %q, want an error that names %q", code, stderr.String(), file)
	}
}
