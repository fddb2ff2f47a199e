package cmd

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"slices"
	"strings"
	"unicode"

	"github.com/pyvider/rpcplugin/pkg/handshake"
)

// explainAttach says how hosts attach to a plugin that runs by itself.
func (c *serveCommand) explainAttach(p *Program, at handshake.Reattach) {
	what := "the built-in key-value plugin"
	if len(c.Exec) > 0 {
		what = strings.Join(c.Exec, " ")
	}
	terraform, err := handshake.FormatReattachProviders(map[string]handshake.Reattach{c.Provider: at})
	other, otherErr := at.GoJSON()
	if err = errors.Join(err, otherErr); err != nil {
		fmt.Fprintf(p.Stderr, "cannot say how to attach: %v\n", err)
		return
	}
	export, quote := "export ", "'"
	if runtime.GOOS == "windows" {
		export, quote = "set ", ""
	}
	fmt.Fprintf(p.Stderr, "serving %s, app version %d, process %d; Ctrl-C stops it\n\n", what, at.ProtocolVersion, os.Getpid())
	if c.Cert != "" { // hosts of go-plugin attach without TLS
		fmt.Fprintf(p.Stderr, "To look at it: rpcplugin connect --attach %s --ca FILE, and --cert and --key if hosts need them\n\n", shellWord(at.Address, quote))
		return
	}
	known, _ := findHost("terraform")
	named, _ := findHost(c.Host)
	switch {
	case c.Host != "" && named.cookie != known.cookie: // a plugin of another host
	case slices.Contains(known.versions, at.ProtocolVersion):
		fmt.Fprintf(p.Stderr, "Terraform and OpenTofu attach with this in their environment:\n\n  %sTF_REATTACH_PROVIDERS=%s%s%s\n\n",
			export, quote, strings.ReplaceAll(terraform, "'", `'\''`), quote)
	default:
		fmt.Fprintf(p.Stderr, "Terraform and OpenTofu take app versions 5 and 6, not %d: for them add --host terraform\n\n", at.ProtocolVersion)
	}
	fmt.Fprintf(p.Stderr, "Other hosts of go-plugin attach with this reattach configuration:\n\n  %s\n\n", other)
	fmt.Fprintf(p.Stderr, "To look at it: rpcplugin connect --attach %s\n\n", shellWord(at.Address, quote))
}

// shellWord is text as one word of a shell whose quotes are quote; without any,
// or where none are needed, as it is.
func shellWord(text, quote string) string {
	plain := !strings.ContainsFunc(text, func(r rune) bool {
		return !strings.ContainsRune("/._-:@%+=,", r) && !unicode.IsLetter(r) && !unicode.IsDigit(r)
	})
	if quote == "" || plain {
		return text
	}
	return quote + strings.ReplaceAll(text, quote, `'\''`) + quote
}
