package cmd

import (
	"bytes"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
)

func TestParseHeaders(t *testing.T) {
	t.Parallel()
	headers, err := parseHeaders([]string{"A: b:c", "a:d", "k-bin: AAE=", "empty:"})
	if err != nil || !slices.Equal(headers["a"], []string{"b:c", "d"}) || headers["k-bin"][0] != "\x00\x01" || headers["empty"][0] != "" {
		t.Errorf("headers %q, error %v", headers, err)
	}
	for _, text := range []string{"a", ": b", "a b: c", "grpc-timeout: 1S", "k-bin: §"} {
		if _, err := parseHeaders([]string{text}); exitCode(err) != exitUsage || hintOf(err) == "" {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func TestBashWords(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		words string
		index int
		want  string
		at    int
	}{
		{"rpcplugin connect call", 2, "rpcplugin connect call", 2},
		{"rpcplugin connect --attach 127.0.0.1 : 12 call x", 7, "rpcplugin connect --attach 127.0.0.1:12 call x", 5},
		{"rpcplugin connect --tls = off call", 4, "rpcplugin connect --tls=off call", 2},
		{"rpcplugin connect --tls =", 3, "rpcplugin connect --tls=", 2},
		{"rpcplugin -d '{}' x", 3, "rpcplugin -d {} x", 3},
	} {
		got, at := bashWords(strings.Fields(test.words), test.index)
		if strings.Join(got, " ") != test.want || at != test.at {
			t.Errorf("%q, %d: %q, %d; want %q, %d", test.words, test.index, got, at, test.want, test.at)
		}
	}
}

func TestNearNames(t *testing.T) {
	t.Parallel()
	known := []string{"acme.Notes/Add", "acme.Notes/Remove", "acme.Notes/And", "other.Thing/Do"}
	for name, want := range map[string][]string{
		"acme.Notes/add": {`"acme.Notes/Add"`, `"acme.Notes/And"`},
		"zzzz":           {},
		"other.Thing/Du": {`"other.Thing/Do"`},
	} {
		if got := nearNames(name, known); !slices.Equal(got, want) {
			t.Errorf("%s: %s, want %s", name, got, want)
		}
	}
}

func TestCutWord(t *testing.T) {
	t.Parallel()
	for line, want := range map[string][2]string{
		"": {}, "  ": {}, "list": {"list", ""}, " call  a/B \t{\"x\": 1} ": {"call", "a/B \t{\"x\": 1}"},
	} {
		if word, rest := cutWord(line); word != want[0] || rest != want[1] {
			t.Errorf("%q: %q, %q", line, word, rest)
		}
	}
}

func TestCompleterOfASession(t *testing.T) {
	t.Parallel()
	var shown bytes.Buffer
	complete := completer((&shell{}).complete, &shown)
	for _, test := range []struct {
		line, want string
		shown      string
	}{
		{"de", "describe ", ""},
		{"q", "quit ", ""},
		{"", "", "list  describe  template  call  health  info  help  quit\n"},
		{"h", "he", ""},
		{"he", "he", "health  help\n"},
		{"zz", "zz", ""},
		{"call x", "call x", ""},
	} {
		shown.Reset()
		line, position, done := complete(test.line, len(test.line), '\t')
		if line != test.want || position != len(line) || !done || shown.String() != test.shown {
			t.Errorf("%q: %q, %d, %t, %q", test.line, line, position, done, shown.String())
		}
	}
	if _, _, done := complete("x", 1, 'y'); done {
		t.Error("a letter was taken for the tab key")
	}
}

// Lines that are not ended, or come in pieces, are lines all the same.
func TestLogSink(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	p := &Program{Stdout: &out, LookupEnv: func(string) (string, bool) { return "", false }}
	sink := newLogSink(p, globals{}, "text")
	stdout, stderr := sink.stream("stdout"), sink.stream("stderr")
	for _, text := range []string{"a", "b\r\nc", "\n\nrest"} {
		if _, err := io.WriteString(stdout, text); err != nil {
			t.Fatal(err)
		}
	}
	_, _ = io.WriteString(stderr, "e\n")
	sink.flush()
	if want := "stdout ab\nstdout c\nstdout \nstderr e\nstdout rest\n"; out.String() != want {
		t.Errorf("printed %q, want %q", out.String(), want)
	}
}

// Data is checked before a plugin is started, but for stdin.
func TestOpenData(t *testing.T) {
	t.Parallel()
	for _, data := range []string{"{", "@/no/such/file", "{} x"} {
		if _, err := openData(data, nil); exitCode(err) != exitUsage || hintOf(err) == "" {
			t.Errorf("%s: %v", data, err)
		}
	}
	source, err := openData("@", iotestErr{})
	if err != nil || source.live == nil {
		t.Errorf("stdin: %v", err)
	}
	if _, err := source.live.Next(); !errors.Is(err, errDisk) {
		t.Errorf("stdin: %v", err)
	}
}

var errDisk = errors.New("the disk")

type iotestErr struct{}

func (iotestErr) Read([]byte) (int, error) { return 0, errDisk }
