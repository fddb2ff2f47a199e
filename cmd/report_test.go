package cmd

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/pyvider/rpcplugin/pkg/handshake"
)

// A host reads the line as a handshake line if it can, whatever the error says.
func TestOnStdoutIsOneLineAndNoHandshakeLine(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"",
		"command \"x\" not found",
		"1|6|unix|/tmp/x|grpc|",
		"1|6|unix|/tmp/x|grpc|\n1|6|unix|/tmp/x|grpc|",
		"two\nlines\r\n and\ttabs",
		"||||||",
	} {
		for _, err := range []error{errors.New(text), usagef(text, "%s", text), fmt.Errorf("within: %w", usagef(text, "x"))} {
			line := onStdout(err)
			if strings.ContainsAny(line, "|\n\r\t") {
				t.Errorf("onStdout(%q) = %q, want one line without %q", text, line, "|")
			}
			if !strings.HasPrefix(line, "rpcplugin: ") && text != "" {
				t.Errorf("onStdout(%q) = %q, want it to name the program", text, line)
			}
			if _, err := handshake.ParseLine(line); err == nil {
				t.Errorf("onStdout(%q) = %q, which is a handshake line", text, line)
			}
		}
	}
	if got, want := onStdout(usagef("do b", "a is wrong")), "rpcplugin: a is wrong (do b)"; got != want {
		t.Errorf("onStdout = %q, want %q", got, want)
	}
}

func TestReportLinesUp(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	p := &Program{LookupEnv: func(string) (string, bool) { return "", false }}
	report(&b, newRenderer(p, &b, "never"), usagef("first\nsecond", "what\nwhy\n"))
	if want := "error: what\n       why\nhint:  first\n       second\n"; b.String() != want {
		t.Errorf("report wrote %q, want %q", b.String(), want)
	}
}

func TestHintOfIsTheOutermost(t *testing.T) {
	t.Parallel()
	inner := usagef("inner", "x")
	for _, tc := range []struct {
		name string
		err  error
		want string
	}{
		{"none", errors.New("x"), ""},
		{"wrapped", fmt.Errorf("y: %w", inner), "inner"},
		{"outer first", &usageError{err: inner, hint: "outer"}, "outer"},
		{"empty is none", &usageError{err: inner}, "inner"},
		{"joined", errors.Join(errors.New("x"), nil, inner), "inner"},
	} {
		if got := hintOf(tc.err); got != tc.want {
			t.Errorf("%s: hint %q, want %q", tc.name, got, tc.want)
		}
	}
}
