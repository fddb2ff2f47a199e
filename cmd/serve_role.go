package cmd

import (
	"errors"

	"github.com/pyvider/rpcplugin/pkg/handshake"
)

// role is how this plugin is run, and for whom.
type role struct {
	title      string // of the host, for people
	cookie     handshake.Cookie
	child      handshake.Cookie // for a native program
	variables  []string         // that the host would have set besides
	versions   []int
	hosted     bool // a cookie is asked for
	standalone bool
	ends       bool // with the program, and does not stay to tell of its death
	audience   audience
}

// role is what the flags and the preset of the host make of it.
func (c *serveCommand) role(p *Program) (role, error) {
	known, err := findHost(c.Host)
	if err = errors.Join(err, checkVersions(c.AppVersion), checkDuration("--listen-timeout", c.ListenTimeout), checkEnv(c.Env), checkRestart(c.Restart, c.Child), c.checkPython(c.Exec)); err != nil {
		return role{}, err
	}
	r := role{title: known.title, cookie: known.cookie, versions: c.AppVersion, standalone: c.Standalone, audience: forHost}
	if c.Cookie != "" {
		if r.cookie, err = parseCookie(c.Cookie); err != nil {
			return role{}, err
		}
	}
	r.child = r.cookie
	r.hosted = !r.cookie.IsZero() && !r.standalone
	if !r.hosted && isTerminal(p.Stdout) {
		r.standalone = true
	}
	if len(r.versions) == 0 {
		r.versions = known.serves(c.Child, r.standalone)
	}
	r.ends = r.standalone || known.revives
	if r.standalone {
		r.cookie, r.audience, r.variables = handshake.Cookie{}, forAuthor, known.variables
	}
	return r, nil
}
