package cmd

import (
	"fmt"
	"slices"
	"strings"

	"github.com/pyvider/rpcplugin/pkg/handshake"
	"github.com/pyvider/rpcplugin/pkg/pki"
)

// envCommand is about what a host sets for its plugin.
type envCommand struct {
	presetFlags
	cookieFlag

	TLS    string `name:"tls" enum:"off,auto" default:"off" help:"With auto a certificate is set, too. Its key is thrown away, so the plugin will then take calls from nobody."`
	Export bool   `xor:"form" help:"Write it as commands for a shell."`
	Check  bool   `xor:"form" help:"Look at what is set now instead, and say what is wrong."`
	Output string `short:"o" enum:"text,json" default:"text" help:"Form of the output."`
}

// Help is the long help.
func (envCommand) Help() string {
	return `Shows the variables, to try a plugin by hand:

  eval "$(rpcplugin handshake env --host terraform --export)"
  ./terraform-provider-x

With --check it looks at the environment that it was started with. In a script
that a host starts, name the host; without a host, and without a cookie that is
known, what hosts set is out of place there.`
}

// Run shows, or checks.
func (c *envCommand) Run(p *Program, g globals) error {
	host, err := c.known()
	if err != nil {
		return err
	}
	cookie, err := c.of(host)
	if err != nil {
		return err
	}
	if c.Check {
		return c.check(p, g, cookie)
	}
	environ, err := c.environ(host, cookie)
	if err != nil {
		return err
	}
	if c.Output == "json" {
		variables := make(map[string]string, len(environ))
		for _, entry := range environ {
			name, value, _ := strings.Cut(entry, "=")
			variables[name] = value
		}
		return writeJSON(p.Stdout, variables)
	}
	for _, entry := range environ {
		if c.Export {
			name, value, _ := strings.Cut(entry, "=")
			entry = "export " + name + "='" + strings.ReplaceAll(value, "'", `'\''`) + "'"
		}
		if _, err := fmt.Fprintln(p.Stdout, entry); err != nil {
			return err
		}
	}
	return nil
}

// environ is what the host sets, sorted.
func (c *envCommand) environ(host knownHost, cookie handshake.Cookie) ([]string, error) {
	certificate := ""
	if c.TLS == "auto" {
		pair, err := pki.NewPair()
		if err != nil {
			return nil, err
		}
		certificate = pair.PEM()
	}
	environ := slices.Concat(host.environ(c.Multiplex, certificate, "").Environ(), host.variables)
	if !cookie.IsZero() {
		environ = append(environ, cookie.Key+"="+cookie.Value)
	}
	slices.Sort(environ)
	return environ, nil
}
