//go:build unix

package docs_test

import (
	"strings"
	"testing"
	"time"
)

// TestRun: a page that is right passes, and one that is wrong fails by name.
func TestRun(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name, text string
		want       string // part of the error
		wait       bool   // the error is that of a wait
	}{
		{"output", "```console\n$ echo a; echo b >&2\na\nb\n\n$ printf c\nc\n```", "", false},
		{"one session", "```console\n$ x=1; mkdir d; cd d\n$ pwd; echo $x\n…/page/d\n1\n```", "", false},
		{"continued", "```console\n$ cat <<END\n> a\n>\n> b\n> END\na\n\nb\n```", "", false},
		{"a file", "```sh d/run.sh\necho \"<$1>\"\n```\n```console\n$ sh d/run.sh x\n<x>\n```", "", false},
		{"a file where the reader is", "```console\n$ mkdir d; cd d\n```\n```text f\na\n```\n```console\n$ cat ../d/f\na\n```", "", false},
		{"a status", "```console\n$ sh -c 'exit 3'\n$ echo $?\n3\n```", "", false},
		{"seen by nobody", "<!-- before: x=1 -->\n```console\n$ echo $x\n1\n```", "", false},
		{"no input", "```console\n$ cat\n$ echo a\na\n```", "", false},
		{"a job", "```console\n$ (echo ready; exec sleep 1000) &\nready\n$ kill -0 $!\n```", "", false},
		{"a job that ignores its end", "```console\n$ sh -c \"trap '' TERM; echo a; while :; do sleep 1000; done\" &\na\n```", "", false},
		{"a job in a session of its own", "```console\n$ setsid sleep 1000 &\n```", "", false},
		{"a fence in a list", "1. so\n\n   ```console\n   $ echo '  a'\n     a\n   ```", "", false},
		{"an excerpt", "```text\n$ false\n```", "", false},

		{"other output", "```console\n$ echo a\nb\n```", "page.md:2: $ echo a: no line as expected for \"b\"", false},
		{"more output", "```console\n$ echo a; echo b\na\n```", "page.md:2: $ echo a; echo b: the output goes on", false},
		{"other output of a job", "```console\n$ echo a &\nb\n```", "page.md:2: $ echo a &: no line", true},
		{"a failure", "```console\n$ true\n$ echo oh; false\n```", "page.md:3: $ echo oh; false: status 1, and no \"echo $?\" follows; it has printed\noh", false},
		{"a failure before", "<!-- before: false -->", "page.md:1: $ false: status 1", false},
		{"another status", "```console\n$ sh -c 'exit 3'\n$ echo $?\n4\n```", "page.md:3: $ echo $?: no line", false},
		{"too long", "```console\n$ echo so far; sleep 1000\n```", "page.md:2: $ echo so far; sleep 1000: has not ended within 3s; it has printed\nso far", true},
		{"the shell ends", "```console\n$ exit 0\n```", "page.md:2: $ exit 0: the shell has ended", false},
		{"no such command", "```console\n$ nonesuch\n```", "nonesuch: command not found", false},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			p := parse("page.md", test.text)
			if p.wrong != nil {
				t.Fatal(p.wrong)
			}
			environ, err := environment("", nil)
			if err != nil {
				t.Fatal(err)
			}
			timeout := time.Minute
			if test.wait {
				timeout = 3 * time.Second
			}
			err = p.run(t, timeout, environ)
			switch {
			case test.want == "" && err != nil:
				t.Error(err)
			case test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)):
				t.Errorf("got %v, want %q", err, test.want)
			}
		})
	}
}

func TestParseRefuses(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ name, text, want string }{
		{"a fence without end", "a\n```console\n$ true", "page.md:2: the fence is never closed"},
		{"output without a command", "```console\nrpcplugin version\n```", "page.md:2: output \"rpcplugin version\" without a command"},
		{"a status of nothing", "```console\n$ echo $?\n0\n```", "page.md:2: \"echo $?\" follows"},
		{"a status without a code", "```console\n$ false\n$ echo $?\n```", "page.md:3: \"echo $?\" follows"},
		{"a file elsewhere", "```text ../x\n```", "page.md:1: file \"../x\""},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			if err := parse("page.md", test.text).wrong; err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want %q", err, test.want)
			}
		})
	}
}
