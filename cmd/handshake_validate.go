package cmd

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/pyvider/rpcplugin/pkg/handshake"
)

// validateCommand judges one line as hosts do.
type validateCommand struct {
	lineArgument
	presetFlags

	Network  []string `placeholder:"NAME,…" help:"Networks that the host takes: unix, tcp; default: both."`
	Protocol []string `placeholder:"NAME,…" help:"Protocols that the host takes: grpc, netrpc; default: grpc."`
	TLS      string   `name:"tls" enum:"any,auto,off" default:"any" help:"Whether the host has asked for AutoMTLS: auto or off; any is as --host does, else as the line has it."`
	Output   string   `short:"o" enum:"text,json" default:"text" help:"Form of the output."`
}

// Help is the long help.
func (validateCommand) Help() string {
	return `The verdict is that of rpcplugin's host, and beside it what a host of go-plugin
makes of the line, in its own words. Without --host and --app-version any app
version passes.

  rpcplugin handshake validate --host terraform '1|6|unix|/tmp/x|grpc|'
  ./plugin | rpcplugin handshake validate --app-version 5,6`
}

// errRefused is a verdict.
var errRefused = errors.New("refused")

// expectation is that of the host that the flags describe.
func (c *validateCommand) expectation() (handshake.Expectation, knownHost, error) {
	host, err := c.known()
	for _, list := range []struct {
		flag         string
		found, known []string
	}{
		{"--network", c.Network, []string{handshake.NetworkUnix, handshake.NetworkTCP}},
		{"--protocol", c.Protocol, []string{handshake.ProtocolGRPC, handshake.ProtocolNetRPC}},
	} {
		for _, name := range list.found {
			if err == nil && !slices.Contains(list.known, name) {
				err = usagef("separate several with commas", "%s is %q, expected %q or %q", list.flag, name, list.known[0], list.known[1])
			}
		}
	}
	return handshake.Expectation{
		AppVersions: host.versions, Networks: c.Network, Protocols: c.Protocol, Multiplex: c.Multiplex,
	}, host, err
}

// Run judges and prints.
func (c *validateCommand) Run(p *Program, g globals) error {
	expected, host, err := c.expectation()
	if err != nil {
		return err
	}
	text, err := c.text(p.Stdin)
	if err != nil {
		return err
	}
	autoMTLS := c.TLS == "auto"
	switch {
	case c.TLS == "any" && c.Host == "":
		autoMTLS = len(handshake.Judge(text, expected, false).Line.Certificate) > 0
	case c.TLS == "any":
		autoMTLS = !host.noTLS
	}
	info := describeVerdict(handshake.Judge(text, expected, autoMTLS))
	if c.Output == "json" {
		err = writeJSON(p.Stdout, struct {
			verdictInfo
			Line *lineInfo `json:"line,omitempty"`
		}{info, describeLine(text, expected)})
	} else {
		var table factTable
		table.row("host", hostTerms(expected, autoMTLS))
		info.rows(&table)
		err = writeVerdict(p.Stdout, newRenderer(p, p.Stdout, g.Color), table, info.Accepted)
	}
	if err != nil {
		return err
	}
	return info.refusal()
}

// hostTerms says what a host expects.
func hostTerms(e handshake.Expectation, autoMTLS bool) string {
	or := func(list []string, usual string) string {
		if len(list) == 0 {
			return usual
		}
		return strings.Join(list, ", ")
	}
	versions := "any app version"
	if len(e.AppVersions) > 0 {
		versions = "app version " + strings.ReplaceAll(strings.Trim(fmt.Sprint(e.AppVersions), "[]"), " ", ", ")
	}
	terms := versions + "; " + or(e.Networks, "unix, tcp") + "; " + or(e.Protocols, "grpc")
	if autoMTLS {
		terms += "; AutoMTLS"
	} else {
		terms += "; no TLS"
	}
	if e.Multiplex {
		terms += "; multiplexing"
	}
	return terms
}
