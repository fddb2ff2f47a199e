package cmd

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os/exec"
	"path/filepath"
	"strings"
)

// runAsPlugin is a start under another name: a host started the plugin that
// this copy of the program is, together with the rpcplugin.yaml beside it. Only
// that file counts: the working directory is somebody else's project, and the
// environment was made for all plugins alike. Arguments are those of the
// program behind.
func (p *Program) runAsPlugin(ctx context.Context, options *commands) error {
	if err := p.configureAsPlugin(options); err != nil {
		return p.refuseHost(err)
	}
	options.Serve.Exec = append(options.Serve.Exec, p.Args[1:]...)
	return options.Serve.serve(ctx, p, options.globals, p.refuseHost)
}

// refuseHost tells a host why there is no handshake line: on the one line that
// it shows to its user. Whatever the reason, the plugin did not start.
func (p *Program) refuseHost(err error) error {
	p.tellHost(err)
	return &startError{err: err}
}

func (p *Program) configureAsPlugin(options *commands) error {
	dir, err := startedFrom(p.Args[0])
	if err != nil {
		return err
	}
	file, err := readSettings(filepath.Join(dir, settingsName))
	if errors.Is(err, fs.ErrNotExist) {
		return usagef("write one with the plugin's settings, such as \"host: terraform\" and \"exec: [python3, '${dir}/provider.py']\"; as a command, this program must be named rpcplugin",
			"no %s beside %q", settingsName, p.Args[0])
	}
	if err != nil {
		return err
	}
	sources := newSettings("serve", environment{}, []*settingsFile{file})
	p.note(sources.files)
	parser, err := p.newParser(grammarOf([]string{"serve"}, options, true), sources)
	if err != nil {
		return err
	}
	if _, err := parser.Parse([]string{"serve"}); err != nil {
		return &usageError{err: err, hint: cmp.Or(hintOf(err), "correct "+file.path)}
	}
	if _, err := findHost(options.Serve.Host); err != nil {
		return err
	}
	if len(options.Serve.Exec) == 0 && options.Serve.Host != "kv" {
		return usagef("name the plugin's program, such as \"exec: [python3, '${dir}/provider.py']\"",
			"%s: exec is missing, expected the command of the plugin's program", file.path)
	}
	return nil
}

// startedFrom returns the directory of the program as it was started, links
// not followed: a link is a name for a plugin, too.
func startedFrom(arg0 string) (string, error) {
	path := arg0
	if !strings.ContainsRune(filepath.ToSlash(arg0), '/') {
		found, err := exec.LookPath(arg0)
		if err != nil {
			return "", fmt.Errorf("cannot tell where %q was started from: %w", arg0, err)
		}
		path = found
	}
	return filepath.Dir(path), nil
}
