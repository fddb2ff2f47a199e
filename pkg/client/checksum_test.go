package client_test

import (
	"crypto"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/hex"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pyvider/rpcplugin/pkg/client"
)

func TestChecksum(t *testing.T) {
	cfg := as(t, "ours", "")
	program, err := os.ReadFile(cfg.Command[0])
	noError(t, err)
	sum256, sum384, sum512 := sha256.Sum256(program), sha512.Sum384(program), sha512.Sum512(program)
	for name, text := range map[string]string{
		"sha256":        "sha256:" + hex.EncodeToString(sum256[:]),
		"sha384":        "sha384:" + hex.EncodeToString(sum384[:]),
		"sha512":        "sha512:" + hex.EncodeToString(sum512[:]),
		"in upper case": " SHA256:" + strings.ToUpper(hex.EncodeToString(sum256[:])) + "\n",
	} {
		t.Run(name, func(t *testing.T) {
			cfg := cfg
			var err error
			cfg.Checksum, err = client.ParseChecksum(text)
			noError(t, err)
			noError(t, start(t, cfg).Ping(soon(t)))
		})
	}
	t.Run("of crypto.Hash", func(t *testing.T) {
		cfg := cfg
		cfg.Checksum = client.Checksum{Hash: crypto.SHA256.New, Sum: sum256[:]}
		noError(t, start(t, cfg).Ping(soon(t)))
	})
}

// The file that PATH leads to is checked, and not started if it is another one.
func TestChecksumOfAnother(t *testing.T) {
	first, second, ran := t.TempDir(), t.TempDir(), filepath.Join(t.TempDir(), "ran")
	script := "#!/bin/sh\n: > '" + ran + "'\n"
	for dir, text := range map[string]string{first: script, second: script + "# as published\n"} {
		noError(t, os.WriteFile(filepath.Join(dir, "published"), []byte(text), 0o700))
	}
	t.Setenv("PATH", first+string(os.PathListSeparator)+second+string(os.PathListSeparator)+os.Getenv("PATH"))
	found, expected := sha256.Sum256([]byte(script)), sha256.Sum256([]byte(script+"# as published\n"))
	cfg := client.Config{
		Command: []string{"published"}, StartTimeout: patience,
		Checksum: client.Checksum{Hash: sha256.New, Sum: expected[:]},
	}
	failed := fails(t, cfg)
	if failed.Reason != client.ReasonChecksum || failed.Found != hex.EncodeToString(found[:]) || failed.Expected != hex.EncodeToString(expected[:]) {
		t.Errorf("reason %q, found %q, expected %q", failed.Reason, failed.Found, failed.Expected)
	}
	if !strings.Contains(failed.Error(), failed.Found) || !strings.Contains(failed.Hint(), filepath.Join(first, "published")) {
		t.Errorf("error %q, hint %q", failed, failed.Hint())
	}
	if _, err := os.Stat(ran); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("it was started: %v", err)
	}
	cfg.Checksum.Sum = found[:]
	if failed := fails(t, cfg); failed.Reason != client.ReasonExited {
		t.Errorf("reason %q with the right sum", failed.Reason)
	}
	if _, err := os.Stat(ran); err != nil {
		t.Errorf("it was not started: %v", err)
	}
	cfg.Command = []string{"no-such-plugin-anywhere"}
	if failed := fails(t, cfg); failed.Reason != client.ReasonCommand {
		t.Errorf("reason %q of a missing command", failed.Reason)
	}
	cfg.Command = nil
	if failed := fails(t, cfg); failed.Reason != client.ReasonCommand {
		t.Errorf("reason %q without a command", failed.Reason)
	}
}

func TestParseChecksumRefuses(t *testing.T) {
	for name, text := range map[string]string{
		"nothing": "", "no hash": strings.Repeat("0", 64), "an unknown hash": "md5:" + strings.Repeat("0", 32),
		"too short": "sha256:00", "no sum": "sha256:", "too long": "sha256:" + strings.Repeat("0", 96),
		"no hexadecimal": "sha256:" + strings.Repeat("x", 64),
	} {
		t.Run(name, func(t *testing.T) {
			c, err := client.ParseChecksum(text)
			var failed *client.Error
			if !errors.As(err, &failed) || failed.Reason != client.ReasonConfig || !strings.Contains(err.Error(), `"`+text+`"`) || c.Hash != nil {
				t.Errorf("got %v, %v", c, err)
			}
		})
	}
}
