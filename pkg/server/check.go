package server

import (
	"errors"
	"fmt"
)

// check returns why the values of a Config do not go together.
func (c Config) check() error {
	at, err := parseAddress(c.Address)
	switch {
	case err != nil:
		return fmt.Errorf("address: %w", err)
	case c.Network != "" && at.network != "" && c.Network != at.network:
		return fmt.Errorf("address is %q and Network %q, expected one network", c.Address, c.Network)
	case len(c.Versions) > 0 && c.Register != nil:
		return errors.New("both Versions and Register are set, expected one of them")
	case len(c.Versions) > 0 && len(c.AppVersions) > 0:
		return errors.New("both Versions and AppVersions are set, expected one of them")
	case c.TLS != TLSAuto && c.TLS != TLSOff:
		return fmt.Errorf("TLS is %q, expected %q or %q", c.TLS, TLSAuto, TLSOff)
	case c.TLS == TLSOff && c.TLSConfig != nil:
		return fmt.Errorf("TLS is %q and TLSConfig is set, expected one of them", c.TLS)
	case c.Grace < 0:
		return fmt.Errorf("grace is %q, expected 0 or more", c.Grace)
	case c.IdleTimeout < 0:
		return fmt.Errorf("IdleTimeout is %q, expected 0 or more", c.IdleTimeout)
	case c.ShutdownPoll < 0:
		return fmt.Errorf("ShutdownPoll is %q, expected 0 or more", c.ShutdownPoll)
	}
	return c.RateLimit.check()
}

// register returns what adds the services of a version; it may be nil.
func (c Config) register(version int) Register {
	if len(c.Versions) > 0 {
		return c.Versions[version]
	}
	return c.Register
}
