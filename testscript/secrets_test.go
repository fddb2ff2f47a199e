//go:build unix

package testscript_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// What nobody may read in a log: the cookie's value, a password, and what
// scenarios find in the files of keys and certificates.
const (
	secretCookie   = "c00kie-9d1f7a52b3e84c06"
	secretPassword = "passw0rd-4b7e19c2d8a3"
)

// life is one run of a plugin whose log is looked through.
type life struct {
	name   string
	args   []string // of rpcplugin; KEEP is replaced by what runs the rest and keeps certificates
	env    []string
	status int
	says   string // what shows that it went as far as it should
}

// lives are those of plugins that were well made, and of others.
func lives(read func(string) string) []life {
	files := []string{"--cert", "host.pem", "--key", "host.key", "--ca", "ca.pem"}
	plugin := []string{"--", "rpcplugin", "serve", "--tls", "files", "--client-ca", "ca.pem"}
	inline := []string{"RPCPLUGIN_CERT=" + read("host.pem"), "RPCPLUGIN_KEY=" + read("host.key")}
	served := "listening for the host"
	return []life{
		{"AutoMTLS", words("connect", "call", "rpcplugin.test.Echo/Unary", "-d", "{}", "--", "KEEP", "rpcplugin", "serve", "--exec", "child"), nil, 0, served},
		{"native child", words("connect", "list", "--", "KEEP", "rpcplugin", "serve", "--child", "native", "--exec", "KEEP", "rpcplugin", "serve", "--exec", "child"), nil, 0, served},
		{"multiplexed", words("connect", "--multiplex", "list", "--", "KEEP", "rpcplugin", "serve"), nil, 0, served},
		{"broker", words("connect", "--cookie", "BASIC_PLUGIN=hello", "broker", "--", "KEEP", "fakeplugin", "broker"), nil, 0, ""},
		{"files", slices.Concat(words("connect", "list"), files, plugin, words("--cert", "plugin.pem", "--key", "plugin.key", "--exec", "child")), nil, 0, served},
		{"inline", slices.Concat(words("connect", "list", "--ca", "ca.pem"), plugin), inline, 0, served},
		{"inline key of another", slices.Concat(words("connect", "list", "--ca", "ca.pem"), plugin), []string{inline[0], "RPCPLUGIN_KEY=" + read("plugin.key")}, 2, "key"},
		{"another authority", slices.Concat(words("connect", "list", "--cert", "host.pem", "--key", "host.key", "--ca", "other.pem"), plugin, words("--cert", "plugin.pem", "--key", "plugin.key")), nil, 4, served},
		{"key of another", slices.Concat(words("connect", "list"), files, plugin, words("--cert", "plugin.pem", "--key", "host.key")), nil, 3, "key"},
		{"key for a certificate", slices.Concat(words("connect", "list"), files, plugin, words("--cert", "plugin.key", "--key", "plugin.key")), nil, 3, "plugin.key"},
		{"encrypted key", slices.Concat(words("connect", "list"), files, plugin, words("--cert", "locked.pem", "--key", "locked.key")), nil, 3, "locked.key"},
		{"password", words("cert", "verify", "locked.pem", "--roots", "ca.pem", "--key", "locked.key", "--password-file", "password"), nil, 0, ""},
		{"another password", words("cert", "verify", "locked.pem", "--roots", "ca.pem", "--key", "locked.key", "--password-file", "locked.pem"), nil, 4, "password"},
		{"no TLS", slices.Concat(words("connect", "list"), files, words("--", "rpcplugin", "serve", "--tls", "off")), nil, 4, served},
		{"dead child", words("connect", "list", "--", "KEEP", "rpcplugin", "serve", "--exec", "child", "early"), nil, 3, "cannot reach the database"},
		{"no such command", words("connect", "list", "--", "KEEP", "rpcplugin", "serve", "--exec", "nosuchcommand"), nil, 3, "nosuchcommand"},
	}
}

func words(list ...string) []string { return list }

// At every level and in every form, nothing secret is logged, and no certificate.
func TestNothingSecretIsLogged(t *testing.T) {
	t.Parallel()
	s := newSecrets(t)
	for _, form := range []string{"text", "json", "logfmt", "hclog"} {
		for _, l := range lives(s.read) {
			t.Run(form+"/"+l.name, func(t *testing.T) {
				t.Parallel()
				stderr, found := s.live(t, l, form)
				for _, secret := range found {
					t.Errorf("%s is on stderr:\n%s", secret, stderr)
				}
			})
		}
	}
}

// The search finds what is there.
func TestPlantedSecretsAreFound(t *testing.T) {
	t.Parallel()
	s := newSecrets(t)
	for name, plant := range map[string]string{
		"cookie":             `echo "$SECRET_PLUGIN" >&2`,
		"password":           `cat password >&2`,
		"key":                `cat host.key >&2`,
		"key in one piece":   `grep -v -e - host.key | tr -d '\n' >&2`,
		"host's certificate": `printf '%s' "$PLUGIN_CLIENT_CERT" | sed -n 3p >&2`,
		"one-use key":        `echo MHcCAQEEIGQ7 >&2`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			planted := life{args: words("connect", "list", "--", "KEEP", "sh", "-c", plant+`; exec rpcplugin serve`)}
			if stderr, found := s.live(t, planted, "hclog"); len(found) == 0 {
				t.Errorf("nothing is found on stderr:\n%s", stderr)
			}
		})
	}
}

// secrets is a folder of keys, certificates and settings.
type secrets struct {
	dir string
	env []string
}

func newSecrets(t *testing.T) *secrets {
	t.Helper()
	s := &secrets{dir: t.TempDir()}
	for name, text := range map[string]string{
		"rpcplugin.yaml": "cookie: SECRET_PLUGIN=" + secretCookie + "\n",
		"password":       secretPassword + "\n",
		// Each run has a file of its own for what its host sends, and what its plugin shows.
		"keep": "#!/bin/sh\nprintf '%s\\n' \"$PLUGIN_CLIENT_CERT\" >>\"$KEPT.pem\"\nexec recorded \"$KEPT.$$\" \"$@\"\n",
	} {
		if err := os.WriteFile(filepath.Join(s.dir, name), []byte(text), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	for _, variable := range os.Environ() {
		if name, _, _ := strings.Cut(variable, "="); !strings.HasPrefix(name, "RPCPLUGIN_") {
			s.env = append(s.env, variable)
		}
	}
	s.env = append(s.env, "HOME="+s.dir, "XDG_CONFIG_HOME="+s.dir, "XDG_CACHE_HOME="+s.dir, "GORACE=atexit_sleep_ms=10")
	for _, args := range [][]string{
		words("--profile", "root-ca", "--cert-out", "ca.pem", "--key-out", "ca.key"),
		words("--profile", "root-ca", "--cert-out", "other.pem", "--key-out", "other.key"),
		words("--ca", "ca.pem", "--ca-key", "ca.key", "--san", "localhost", "--cert-out", "host.pem", "--key-out", "host.key"),
		words("--ca", "ca.pem", "--ca-key", "ca.key", "--san", "localhost", "--cert-out", "plugin.pem", "--key-out", "plugin.key"),
		words("--ca", "ca.pem", "--ca-key", "ca.key", "--san", "localhost", "--cert-out", "locked.pem", "--key-out", "locked.key", "--password-file", "password"),
	} {
		if _, stderr, status := s.run(t, nil, append(words("cert", "gen"), args...)...); status != 0 {
			t.Fatalf("cert gen: status %d\n%s", status, stderr)
		}
	}
	return s
}

func (s *secrets) read(name string) string {
	data, err := os.ReadFile(filepath.Join(s.dir, name))
	if err != nil {
		return err.Error()
	}
	return string(data)
}

// run runs rpcplugin in the folder.
func (s *secrets) run(t *testing.T, env []string, args ...string) (stdout, stderr string, status int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	var out, talk bytes.Buffer
	command := exec.CommandContext(ctx, "rpcplugin", args...)
	command.Dir, command.Env, command.Stdout, command.Stderr = s.dir, append(slices.Clone(s.env), env...), &out, &talk
	if err := command.Run(); command.ProcessState == nil || ctx.Err() != nil {
		t.Fatalf("rpcplugin %s: %v\n%s", strings.Join(args, " "), err, talk.String())
	}
	return out.String(), talk.String(), command.ProcessState.ExitCode()
}

// live lives one life and returns what was written, and which secrets are in it.
func (s *secrets) live(t *testing.T, l life, form string) (written string, found []string) {
	t.Helper()
	kept := filepath.Join(t.TempDir(), "kept")
	args := slices.Clone(l.args)
	for i, arg := range args {
		if arg == "KEEP" {
			args[i] = filepath.Join(s.dir, "keep")
		}
	}
	env := append([]string{"KEPT=" + kept, "RPCPLUGIN_LOG_LEVEL=trace", "RPCPLUGIN_LOG_FORMAT=" + form}, l.env...)
	stdout, stderr, status := s.run(t, env, args...)
	if status != l.status || !strings.Contains(stderr, l.says) {
		t.Errorf("status %d, want %d, and %q on stderr:\n%s", status, l.status, l.says, stderr)
	}
	written = stdout + stderr
	for _, secret := range s.all(t, kept, slices.Contains(args, filepath.Join(s.dir, "keep"))) {
		if strings.Contains(written, secret) {
			found = append(found, secret)
		}
	}
	return written, found
}

// all is what may not be written: the words, each line of the files, and of what
// was kept.
func (s *secrets) all(t *testing.T, kept string, wanted bool) []string {
	t.Helper()
	list := []string{secretCookie, secretPassword, "PRIVATE KEY-----", "MHcCAQEE", "MIGHAgEA", "MIHuAgEA", "MIIEvQIBADAN"}
	files, _ := filepath.Glob(filepath.Join(s.dir, "*.pem"))
	keys, _ := filepath.Glob(filepath.Join(s.dir, "*.key"))
	sent, _ := filepath.Glob(kept + "*")
	if len(files) < 5 || len(keys) < 5 || wanted && len(sent) < 2 {
		t.Errorf("found %q, %q and %q, expected more", files, keys, sent)
	}
	for _, name := range slices.Concat(files, keys, sent) {
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, pieces(string(data))...)
	}
	return list
}

// pieces are the base64 in a PEM file or a handshake line, cut as PEM is.
func pieces(text string) []string {
	var list []string
	for line := range strings.Lines(text) {
		for field := range strings.SplitSeq(strings.TrimSpace(line), "|") {
			for len(field) >= 24 {
				piece := field[:min(len(field), 64)]
				if _, err := base64.RawStdEncoding.DecodeString(strings.TrimRight(piece, "=")); err == nil {
					list = append(list, piece)
				}
				field = field[len(piece):]
			}
		}
	}
	return list
}
