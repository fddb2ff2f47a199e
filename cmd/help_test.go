package cmd

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/alecthomas/kong"
)

// Every command has help that fits a terminal and names every flag.
func TestHelpOfEveryCommand(t *testing.T) {
	t.Parallel()
	p := &Program{Args: []string{"rpcplugin"}}
	parser, err := p.newParser(new(commands), &settings{})
	if err != nil {
		t.Fatal(err)
	}
	err = kong.Visit(parser.Model, func(visited kong.Visitable, next kong.Next) error {
		if node, ok := visited.(*kong.Node); ok {
			checkHelp(t, parser.Model, node)
		}
		return next(nil)
	})
	if err != nil {
		t.Fatal(err)
	}
}

func checkHelp(t *testing.T, app *kong.Application, node *kong.Node) {
	t.Helper()
	help, path := helpOf(app, node), commandPath(node)
	if !strings.HasPrefix(help, "Usage: "+path+" ") || node.Help == "" {
		t.Errorf("%s: the help begins with %.60q", path, help)
	}
	for line := range strings.Lines(help) {
		if width := utf8.RuneCountInString(strings.TrimSuffix(line, "\n")); width > helpWidth {
			t.Errorf("%s: %d characters wide: %q", path, width, line)
		}
	}
	for _, flag := range node.Flags {
		if !strings.Contains(help, "--"+flag.Name) {
			t.Errorf("%s: the help does not name --%s", path, flag.Name)
		}
		if flag.Help == "" || !strings.HasSuffix(flag.Help, ".") {
			t.Errorf("%s: the help of --%s is %q", path, flag.Name, flag.Help)
		}
	}
}
