package client_test

import (
	"context"
	"encoding/base64"
	"errors"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pyvider/rpcplugin/pkg/client"
	"github.com/pyvider/rpcplugin/pkg/handshake"
	"github.com/pyvider/rpcplugin/pkg/pki"
	"github.com/pyvider/rpcplugin/pkg/transport"
)

// fails starts a plugin that cannot be started.
func fails(t *testing.T, cfg client.Config) *client.Error {
	t.Helper()
	tidy(t)
	c, err := client.Start(soon(t), cfg)
	if err == nil {
		_ = c.Close(context.Background())
		t.Fatal("started")
	}
	var failed *client.Error
	if !errors.As(err, &failed) {
		t.Fatalf("error %v, expected a *client.Error", err)
	}
	t.Logf("error: %v\nhint: %s", failed, failed.Hint())
	return failed
}

func TestStartRefusesLines(t *testing.T) {
	pair, err := pki.NewPair()
	noError(t, err)
	certificate := base64.RawStdEncoding.EncodeToString(pair.DER())
	for _, test := range []struct {
		name, line string
		want       handshake.Reason
	}{
		{"garbage", "Hello, world!\n", handshake.ReasonFieldCount},
		{"an empty line", "\n", handshake.ReasonFieldCount},
		{"core version", "2|1|unix|/x|grpc|\n", handshake.ReasonCoreVersion},
		{"core version no number", "x|1|unix|/x|grpc|\n", handshake.ReasonCoreNumber},
		{"app version", "1|9|unix|/x|grpc|\n", handshake.ReasonAppVersion},
		{"app version no number", "1|x|unix|/x|grpc|\n", handshake.ReasonAppNumber},
		{"network", "1|1|udp|/x|grpc|\n", handshake.ReasonNetwork},
		{"address", "1|1|tcp|nowhere|grpc|\n", handshake.ReasonAddress},
		{"protocol", "1|1|unix|/x|netrpc|\n", handshake.ReasonProtocol},
		{"four fields", "1|1|unix|/x\n", handshake.ReasonProtocol},
		{"certificate", "1|1|unix|/x|grpc|" + strings.Repeat("!", 60) + "\n", handshake.ReasonCertificate},
		{"too long", "1|1|unix|/x|grpc|" + strings.Repeat("A", 70_000) + "\n", handshake.ReasonLineLength},
	} {
		t.Run(test.name, func(t *testing.T) {
			failed := fails(t, as(t, "speaker", test.line))
			var cause *handshake.Error
			if failed.Reason != client.ReasonLine || !errors.As(failed, &cause) || cause.Reason != test.want {
				t.Errorf("reason %q of %v, expected %q", failed.Reason, cause, test.want)
			}
			if len(failed.Line) == 0 || !strings.HasPrefix(test.line, failed.Line) {
				t.Errorf("the error's line is %.100q", failed.Line)
			}
		})
	}
	t.Run("a network that is not taken", func(t *testing.T) {
		cfg := as(t, "printer", "1|1|tcp|127.0.0.1:1|grpc|\n")
		cfg.Networks = []string{"unix"}
		var cause *handshake.Error
		if failed := fails(t, cfg); !errors.As(failed, &cause) || cause.Reason != handshake.ReasonNetwork {
			t.Errorf("the cause is %v", cause)
		}
	})
	t.Run("garbage and the end", func(t *testing.T) {
		failed := fails(t, as(t, "speaker", "Hello"))
		if failed.Reason != client.ReasonLine || failed.Line != "Hello" || failed.Status == nil || failed.Status.Code != 0 {
			t.Errorf("reason %q, line %q, status %v", failed.Reason, failed.Line, failed.Status)
		}
	})
	t.Run("no certificate under AutoMTLS", func(t *testing.T) {
		if failed := fails(t, as(t, "printer", "1|1|unix|/x|grpc|\n")); failed.Reason != client.ReasonTLS || failed.Hint() == "" {
			t.Errorf("reason %q, hint %q", failed.Reason, failed.Hint())
		}
	})
	t.Run("a certificate unasked for", func(t *testing.T) {
		cfg := as(t, "printer", "1|1|unix|/x|grpc|"+certificate+"\n")
		cfg.TLS = client.TLSOff
		if failed := fails(t, cfg); failed.Reason != client.ReasonTLS {
			t.Errorf("reason %q", failed.Reason)
		}
	})
}

func TestStartSilence(t *testing.T) {
	for name, role := range map[string]string{"says nothing": "printer", "closes its stdout": "mute"} {
		t.Run(name, func(t *testing.T) {
			cfg := as(t, role, "")
			cfg.StartTimeout = 300 * time.Millisecond
			began := time.Now()
			failed := fails(t, cfg)
			if failed.Reason != client.ReasonTimeout || failed.Timeout != cfg.StartTimeout {
				t.Errorf("reason %q, timeout %s", failed.Reason, failed.Timeout)
			}
			if took := time.Since(began); took < cfg.StartTimeout || took > cfg.StartTimeout+2*time.Second {
				t.Errorf("took %s", took)
			}
			if mentions := strings.Contains(failed.Error(), "closed its stdout"); mentions != (role == "mute") {
				t.Errorf("error %q", failed)
			}
		})
	}
}

// What came of a line is shown: a plugin that forgot its end is found at once.
func TestStartUnfinishedLine(t *testing.T) {
	const text = "1|1|unix|/x|grpc|"
	cfg := as(t, "printer", text)
	failed := &client.Error{}
	for cfg.StartTimeout = 200 * time.Millisecond; failed.Line == "" && cfg.StartTimeout < patience; cfg.StartTimeout *= 2 {
		failed = fails(t, cfg) // on a busy machine nothing may have been printed yet
	}
	if failed.Reason != client.ReasonTimeout || failed.Line != text {
		t.Errorf("reason %q, line %q", failed.Reason, failed.Line)
	}
	if want := `, but "` + text + `" without a line end`; !strings.HasSuffix(failed.Error(), want) {
		t.Errorf("error %q, expected it to end with %q", failed, want)
	}
	cfg.Env = as(t, "printer", strings.Repeat("A", 5000)).Env
	if failed = fails(t, cfg); failed.Line != strings.Repeat("A", 200) {
		t.Errorf("the line has %d bytes, expected its first 200", len(failed.Line))
	}
}

// A bridge that cannot start says why in place of its line.
func TestStartReported(t *testing.T) {
	for name, role := range map[string]string{"and ends": "speaker", "and lives": "printer"} {
		t.Run(name, func(t *testing.T) {
			cfg := as(t, role, "rpcplugin: command \"pyton\" not found (did you mean python?)\n")
			failed := fails(t, cfg)
			if failed.Reason != client.ReasonLine {
				t.Errorf("reason %q", failed.Reason)
			}
			if want := "\" did not start: command \"pyton\" not found (did you mean python?)"; !strings.HasSuffix(failed.Error(), want) {
				t.Errorf("error %q, expected it to end with %q", failed, want)
			}
			if !strings.Contains(failed.Hint(), "the plugin's own report") {
				t.Errorf("hint %q", failed.Hint())
			}
		})
	}
}

func TestStartEarlyExit(t *testing.T) {
	failed := fails(t, as(t, "exit", "3"))
	if failed.Reason != client.ReasonExited || failed.Status == nil || failed.Status.Code != 3 {
		t.Fatalf("reason %q, status %v", failed.Reason, failed.Status)
	}
	if want := []string{"first words", "it is all over"}; !slices.Equal(failed.Stderr, want) {
		t.Errorf("last words are %q, expected %q", failed.Stderr, want)
	}
	if !strings.Contains(failed.Error(), "exited with status 3") || !strings.Contains(failed.Hint(), "it is all over") {
		t.Errorf("error %q, hint %q", failed, failed.Hint())
	}
	failed = fails(t, as(t, "suicide", ""))
	if failed.Reason != client.ReasonExited || failed.Status == nil || failed.Status.Signal != "SIGKILL" {
		t.Errorf("reason %q, status %v", failed.Reason, failed.Status)
	}
}

func TestStartCommand(t *testing.T) {
	for name, command := range map[string][]string{
		"none": nil, "not found": {"no-such-plugin-anywhere"}, "a directory": {"/"}, "not executable": {"/etc/hosts"},
	} {
		t.Run(name, func(t *testing.T) {
			failed := fails(t, client.Config{Command: command})
			if failed.Reason != client.ReasonCommand || failed.Err == nil {
				t.Errorf("reason %q of %v", failed.Reason, failed.Err)
			}
			if name == "not found" && !strings.Contains(failed.Error(), command[0]) {
				t.Errorf("error %q does not name the command", failed)
			}
		})
	}
}

func TestStartWrongAddress(t *testing.T) {
	for name, line := range map[string]string{
		"no socket":        "1|1|unix|" + filepath.Join(t.TempDir(), "none") + "|grpc|\n",
		"nobody listening": "1|1|tcp|127.0.0.1:1|grpc|\n",
		"no path":          "1|1|unix||grpc|\n",
	} {
		t.Run(name, func(t *testing.T) {
			cfg := as(t, "printer", line)
			cfg.TLS = client.TLSOff
			began := time.Now()
			failed := fails(t, cfg)
			var cause *transport.Error
			if failed.Reason != client.ReasonConnect || failed.Hint() == "" || name != "no path" && !errors.As(failed, &cause) {
				t.Errorf("reason %q of %v", failed.Reason, failed.Err)
			}
			if took := time.Since(began); took > 5*time.Second {
				t.Errorf("took %s", took)
			}
		})
	}
}

func TestStartTLSFails(t *testing.T) {
	for _, test := range []struct {
		name, role string
		want       pki.Reason
	}{
		{"a server without TLS", "plain", pki.ReasonNotTLS},
		{"another certificate than announced", "impostor", pki.ReasonPeer},
		{"our certificate refused", "suspicious", pki.ReasonRefused},
	} {
		t.Run(test.name, func(t *testing.T) {
			failed := fails(t, as(t, test.role, ""))
			var cause *pki.Error
			if failed.Reason != client.ReasonTLS || !errors.As(failed, &cause) || cause.Reason != test.want {
				t.Errorf("reason %q of %v, expected %q", failed.Reason, failed.Err, test.want)
			}
		})
	}
}

func TestStartNoAnswer(t *testing.T) {
	cfg := as(t, "listener", "")
	cfg.TLS = client.TLSOff
	cfg.StartTimeout = 500 * time.Millisecond
	if failed := fails(t, cfg); failed.Reason != client.ReasonConnect || !strings.Contains(failed.Hint(), "TLSConfig") {
		t.Errorf("reason %q of %v", failed.Reason, failed.Err)
	}
}

// A plugin that dies behind its line is not one with a wrong address.
func TestStartDiesBehindItsLine(t *testing.T) {
	cfg := as(t, "speaker", "1|1|unix|"+filepath.Join(t.TempDir(), "none")+"|grpc|\n")
	cfg.TLS = client.TLSOff
	failed := fails(t, cfg)
	if failed.Reason != client.ReasonConnect || failed.Status == nil || !strings.Contains(failed.Error(), "exited with status 0 after it printed its handshake line: no socket at") {
		t.Errorf("reason %q, status %v", failed.Reason, failed.Status)
	}
}

// A plugin that dies in the TLS handshake is not one that cannot be trusted.
func TestStartDiesInTheTLSHandshake(t *testing.T) {
	failed := fails(t, as(t, "deserter", ""))
	if failed.Reason != client.ReasonConnect || failed.Status == nil ||
		!strings.Contains(failed.Error(), "exited with status 7 after it printed its handshake line") || !strings.Contains(failed.Hint(), "libfoo.so") {
		t.Errorf("reason %q of %v: %s", failed.Reason, failed, failed.Hint())
	}
}

func TestConfigsThatCannotBeMeant(t *testing.T) {
	for name, change := range map[string]func(*client.Config){
		"a cookie without its key":   func(c *client.Config) { c.Cookie.Key = "" },
		"a cookie without its value": func(c *client.Config) { c.Cookie.Value = "" },
		"a negative timeout":         func(c *client.Config) { c.StartTimeout = -time.Second },
		"a negative grace":           func(c *client.Config) { c.StopGrace = -time.Second },
		"a negative ping":            func(c *client.Config) { c.PingTimeout = -time.Second },
	} {
		t.Run(name, func(t *testing.T) {
			cfg := as(t, "ours", "")
			change(&cfg)
			if failed := fails(t, cfg); failed.Reason != client.ReasonConfig {
				t.Errorf("reason %q of %v", failed.Reason, failed.Err)
			}
		})
	}
}

func TestStartCanceled(t *testing.T) {
	for name, role := range map[string]string{"before the line": "printer", "before the first answer": "listener"} {
		t.Run(name, func(t *testing.T) {
			tidy(t)
			logged := newGathered()
			cfg := as(t, role, "")
			cfg.TLS = client.TLSOff
			cfg.Logger = textLogger(logged)
			ctx, cancel := context.WithCancel(soon(t))
			defer time.AfterFunc(300*time.Millisecond, cancel).Stop()
			began := time.Now()
			_, err := client.Start(ctx, cfg)
			var failed *client.Error
			if !errors.As(err, &failed) || failed.Reason != client.ReasonCanceled || !errors.Is(err, context.Canceled) {
				t.Errorf("error %v, expected reason %q", err, client.ReasonCanceled)
			}
			if took := time.Since(began); took > 3*time.Second {
				t.Errorf("took %s", took)
			}
		})
	}
	t.Run("before it began", func(t *testing.T) {
		tidy(t)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		_, err := client.Start(ctx, as(t, "ours", ""))
		var failed *client.Error
		if !errors.As(err, &failed) || failed.Reason != client.ReasonCanceled {
			t.Errorf("error %v, expected reason %q", err, client.ReasonCanceled)
		}
	})
}

func TestStartWrongCookie(t *testing.T) {
	for _, role := range []string{"ours", "go-plugin"} {
		t.Run(role, func(t *testing.T) {
			cfg := as(t, role, map[string]string{"go-plugin": "1"}[role])
			cfg.Cookie.Value = "bye"
			failed := fails(t, cfg)
			if failed.Reason != client.ReasonExited || failed.Line != "" || len(failed.Stderr) == 0 {
				t.Errorf("reason %q, line %q, last words %q", failed.Reason, failed.Line, failed.Stderr)
			}
		})
	}
}

func TestStartVersionFallback(t *testing.T) {
	cfg := as(t, "go-plugin", "6,5")
	cfg.AppVersions = []int{7, 8}
	var cause *handshake.Error
	if failed := fails(t, cfg); !errors.As(failed, &cause) || cause.Reason != handshake.ReasonAppVersion || !strings.Contains(cause.Found, "5") {
		t.Errorf("the cause is %+v, expected the plugin's lowest version", cause)
	}
}
