package cmd

import (
	"crypto/tls"
	"os"
	"os/exec"
	"path/filepath"

	"github.com/pyvider/rpcplugin/pkg/pki/certs"
)

// words is the command of the plugin, and the keys that it shares with us.
func (b *benchRun) words(cell benchCell, t *benchTarget) ([]string, *tls.Config, error) {
	if b.Attach != "" || b.Reattach != "" {
		return b.command, nil, nil
	}
	program, err := self(b.program)
	if err != nil {
		return nil, nil, err
	}
	words := b.command
	if t.builtIn {
		words = []string{program, "bench", "echo"}
		if cell.bridge {
			words = append(words, "--plain")
		}
	}
	if cell.bridge {
		return append([]string{program, "serve", "--exec"}, words...), nil, nil
	}
	if cell.tls != "rsa" {
		return words, nil, nil
	}
	if t.dir, err = os.MkdirTemp("", "rpcplugin-bench-"); err != nil {
		return nil, nil, err
	}
	certificate, key := filepath.Join(t.dir, "certificate.pem"), filepath.Join(t.dir, "key.pem")
	identity, err := certs.New(certs.Spec{Profile: certs.ProfileGoPlugin, Key: certs.KeyRSA2048}, nil)
	if err == nil {
		err = certs.WriteIdentity(certificate, key, identity, certs.WriteOptions{})
	}
	var config *tls.Config
	if err == nil {
		config, err = onlyPeer(identity.TLS())
	}
	if err != nil {
		t.removeKeys()
	}
	return append(words, "--certificate", certificate, "--key", key), config, err
}

// self is this program, to be started again.
func self(p *Program) (string, error) {
	path, err := os.Executable()
	if err == nil && ownName(path) {
		return path, nil
	}
	return exec.LookPath(p.Args[0])
}
