package cmd

import (
	"context"
	"crypto/tls"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"

	"github.com/pyvider/rpcplugin/internal/event"
	"github.com/pyvider/rpcplugin/internal/process"
	"github.com/pyvider/rpcplugin/pkg/client"
	"github.com/pyvider/rpcplugin/pkg/handshake"
	"github.com/pyvider/rpcplugin/pkg/pki/certs"
)

// beginning is what a plugin is served, or started, with: what somebody wants to
// know first when it does not.
type beginning struct {
	host     string           // preset; "" is none
	cookie   handshake.Cookie // of which only the name is logged
	versions []int            // own or offered
	tls      string           // the flag's
	command  []string
	about    event.Domain // what the command is
}

// tell logs it, at debug level.
func (p *Program) tell(logger *slog.Logger, b beginning) {
	logger = event.Named(logger, "cmd")
	if !logger.Enabled(context.Background(), slog.LevelDebug) {
		return
	}
	for _, path := range p.settingsRead {
		logger.Debug("settings are read", event.OK(event.Settings, event.Read), "path", path)
	}
	if chosen := b.chosen(); len(chosen) > 0 {
		logger.With(event.OK(event.Settings, event.Choose)).Debug("settings of the plugin", chosen...)
	}
	if len(b.command) == 0 {
		return
	}
	path, err := process.Look(b.command[0])
	if err != nil {
		return // the start tells
	}
	if whole, err := filepath.Abs(path); err == nil && whole != b.command[0] {
		logger.Debug("the command is found", event.OK(b.about, event.Find), "command", b.command[0], "path", whole)
	}
}

// chosen is what somebody has chosen, as attributes.
func (b beginning) chosen() []any {
	var list []any
	if b.host != "" {
		list = append(list, "host", b.host)
	}
	if b.cookie.Key != "" {
		list = append(list, "cookie", b.cookie.Key)
	}
	if len(b.versions) > 0 {
		list = append(list, "app_versions", b.versions)
	}
	if b.tls != "auto" {
		list = append(list, "tls", b.tls)
	}
	return list
}

// note keeps the paths of settings files until there is a logger.
func (p *Program) note(files []*settingsFile) {
	for _, file := range files {
		p.settingsRead = append(p.settingsRead, file.path)
	}
}

// tell logs with what a plugin is served.
func (c *serveCommand) tell(p *Program, r role, logger *slog.Logger) {
	p.tell(event.InRun(logger, strconv.Itoa(os.Getpid())), beginning{
		host: c.Host, cookie: r.cookie, versions: r.versions, tls: c.TLS, command: c.Exec, about: event.Child,
	})
}

// tell logs with what a plugin is started, or attached to.
func (f *connectFlags) tell(p *Program, config client.Config) {
	p.tell(config.Logger, beginning{
		host: f.Host, cookie: config.Cookie, versions: config.AppVersions, tls: f.TLS, command: config.Command, about: event.Plugin,
	})
}

// tellSecured logs what TLS agreed on with a plugin.
func tellSecured(logger *slog.Logger, plugin string, state *tls.ConnectionState) {
	if state == nil {
		return
	}
	logger = event.Named(event.InRun(logger, plugin), "cmd")
	var peer string
	if len(state.PeerCertificates) > 0 {
		peer, _ = certs.Fingerprint(state.PeerCertificates[0], certs.DigestSHA256, certs.FormatHex)
	}
	logger.Debug("TLS is agreed on", event.OK(event.TLS, event.Connect),
		"version", tls.VersionName(state.Version), "cipher", tls.CipherSuiteName(state.CipherSuite), "fingerprint", peer)
}
