package docs_test

import (
	"regexp"
	"slices"
	"testing"
)

// typed is what a line begins with that a reader is to type.
var typed = regexp.MustCompile(`^\s*(\$ |rpcplugin )`)

// shells are the languages of fences that hold commands.
var shells = []string{"sh", "bash", "zsh", "fish", "shell", "shell-session", "terminal", "cmd", "powershell"}

// TestForm: what a reader is to type stands where it is run.
func TestForm(t *testing.T) {
	t.Parallel()
	found, err := pages()
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range found {
		for _, at := range p.unrun() {
			t.Errorf("%s:%d: %q is run by nobody: commands stand in a console fence", p.path, at.number, at.text)
		}
	}
}

// unrun lists the lines with commands that no test runs.
func (p page) unrun() []line {
	var found []line
	for _, at := range p.lines {
		switch {
		case at.fence == nil:
			indented := regexp.MustCompile(`^(    |\t)`).MatchString(at.text)
			if indented && typed.MatchString(at.text) {
				found = append(found, at)
			}
		case at.fence.file != "" || at.fence.language == "console":
		case at.mark:
			if slices.Contains(shells, at.fence.language) && at.number == at.fence.line {
				found = append(found, at)
			}
		case regexp.MustCompile(`^\s*\$ `).MatchString(at.text):
			found = append(found, at)
		}
	}
	return found
}

func TestUnrun(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name, text string
		want       int
	}{
		{"a session", "```console\n$ true\n```", 0},
		{"a script to write", "```sh run.sh\nrpcplugin version\n```", 0},
		{"an excerpt", "```text\nrpcplugin serve  run a plugin\n```", 0},
		{"prose", "rpcplugin connect does this", 0},
		{"an indented command", "so:\n\n    rpcplugin version", 1},
		{"an indented session", "so:\n\n    $ true\n    $ true", 2},
		{"a fence of a shell", "```sh\nrpcplugin version\n```", 1},
		{"a session in an excerpt", "```text\n$ true\n```", 1},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			if got := parse("page.md", test.text).unrun(); len(got) != test.want {
				t.Errorf("found %v, want %d", got, test.want)
			}
		})
	}
}
