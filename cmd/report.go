package cmd

import (
	"fmt"
	"io"
	"regexp"
	"strings"

	"github.com/charmbracelet/lipgloss"
)

// How errors read: what happened, why, what to do next. Lower case, no full
// stop, the offending value quoted, the expected one named. Errors carry the
// facts and a Hint; only this file makes lines of them:
//
//	error: command "pyton" was not found in PATH
//	hint:  did you mean "python"?

// report writes an error for a person.
func report(w io.Writer, colour *lipgloss.Renderer, err error) {
	red := colour.NewStyle().Foreground(lipgloss.Color("1")).Bold(true)
	cyan := colour.NewStyle().Foreground(lipgloss.Color("6")).Bold(true)
	fmt.Fprintf(w, "%s %s\n", red.Render("error:"), indent(withoutKeys(err.Error())))
	if hint := hintOf(err); hint != "" {
		fmt.Fprintf(w, "%s  %s\n", cyan.Render("hint:"), indent(hint))
	}
}

// withoutKeys takes private keys out of a text: parsers repeat what they were
// given, and flags such as --key take PEM itself.
func withoutKeys(text string) string {
	if !strings.Contains(text, "PRIVATE KEY-----") {
		return text
	}
	return regexp.MustCompile(`(?s)-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(-----END [A-Z ]*PRIVATE KEY-----|$)`).ReplaceAllString(text, hidden)
}

// indent lines up what follows the first line.
func indent(text string) string {
	return strings.ReplaceAll(strings.TrimRight(text, "\n"), "\n", "\n       ")
}

// hintOf returns the advice of the outermost error that has any.
func hintOf(err error) string {
	if hinter, ok := err.(interface{ Hint() string }); ok {
		if hint := hinter.Hint(); hint != "" {
			return hint
		}
	}
	switch wrapper := err.(type) { //nolint:errorlint // the tree is walked here
	case interface{ Unwrap() error }:
		return hintOf(wrapper.Unwrap())
	case interface{ Unwrap() []error }:
		for _, inner := range wrapper.Unwrap() {
			if hint := hintOf(inner); hint != "" {
				return hint
			}
		}
	}
	return ""
}

// onStdout is a start-up error as the one line that hosts show to their users
// when they expected a handshake line. It must not look like one.
func onStdout(err error) string {
	text := withoutKeys(err.Error())
	if hint := hintOf(err); hint != "" {
		text += " (" + hint + ")"
	}
	fields := strings.Fields(strings.ReplaceAll(text, "|", "¦"))
	return "rpcplugin: " + strings.Join(fields, " ")
}
