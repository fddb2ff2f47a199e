package handshake_test

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"net"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"
	goplugin "github.com/hashicorp/go-plugin"
	"github.com/hashicorp/go-plugin/runner"
	"google.golang.org/grpc"

	"github.com/pyvider/rpcplugin/pkg/handshake"
)

// paddedCertificate is one whose base64 ends in padding.
func paddedCertificate(t testing.TB) string {
	t.Helper()
	for range 1000 {
		if text := base64.StdEncoding.EncodeToString(certificate(t)); strings.HasSuffix(text, "=") {
			return text
		}
	}
	t.Fatal("no certificate needs padding")
	return ""
}

// judged are lines that hosts of the two makes see differently, or that fail
// after the handshake.
func judged(t testing.TB) []struct {
	name, text string
	autoMTLS   bool
	ours       handshake.Reason
	theirs     handshake.Outcome
} {
	cert := base64.RawStdEncoding.EncodeToString(certificate(t))
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	plain := grpc.NewServer()
	go func() { _ = plain.Serve(closed) }()
	t.Cleanup(plain.Stop)
	return []struct {
		name, text string
		autoMTLS   bool
		ours       handshake.Reason
		theirs     handshake.Outcome
	}{
		{"fine", "1|6|unix|/tmp/x|grpc|", false, "", handshake.OutcomeStarts},
		{"fine, with TLS", "1|6|unix|/tmp/x|grpc|" + cert, true, "", handshake.OutcomeStarts},
		{"carriage return", "1|6|unix|/tmp/x|grpc|\r\nmore", false, "", handshake.OutcomeStarts},
		{"padded", "1|6|unix|/tmp/x|grpc|" + paddedCertificate(t), true, "", handshake.OutcomeRefused},
		{"no certificate", "1|6|tcp|" + closed.Addr().String() + "|grpc|", true, handshake.ReasonCertificateMissing, handshake.OutcomeFails},
		{"certificate unasked", "1|6|unix|/tmp/x|grpc|" + cert, false, handshake.ReasonCertificateUnasked, handshake.OutcomeCrashes},
		{"no path", "1|6|unix||grpc|", false, "", handshake.OutcomeFails},
		{"port 0", "1|6|tcp|127.0.0.1:0|grpc|", false, handshake.ReasonAddress, handshake.OutcomeFails},
		{"too long", "1|6|unix|/tmp/x|grpc|" + strings.Repeat("A", 70000), false, handshake.ReasonLineLength, handshake.OutcomeRefused},
		{"line in the second place", "starting\n1|6|unix|/tmp/x|grpc|", false, handshake.ReasonFieldCount, handshake.OutcomeRefused},
	}
}

// goPluginSaysOf is what go-plugin's host makes of a line, up to its first call.
func goPluginSaysOf(t *testing.T, text string, config goplugin.ClientConfig) (outcome handshake.Outcome, says string) {
	t.Helper()
	defer func() {
		if crash := recover(); crash != nil {
			outcome, says = handshake.OutcomeCrashes, fmt.Sprint(crash)
		}
	}()
	_, client, _, err := host(t, text, config)
	if err != nil {
		return handshake.OutcomeRefused, err.Error()
	}
	protocol, err := client.Client()
	if err == nil {
		err = protocol.Ping()
	}
	if err != nil {
		return handshake.OutcomeFails, err.Error()
	}
	return handshake.OutcomeStarts, ""
}

// We know by heart what go-plugin says: here it says it.
func TestGoPluginSaysWhatWeSayItDoes(t *testing.T) {
	type line struct {
		name, text          string
		multiplex, autoMTLS bool
		netrpc, refusedOnly bool
	}
	var lines []line
	for _, v := range verdicts(t) { // nobody listens there: only refusals can be compared
		lines = append(lines, line{v.name, v.text, v.multiplex, true, v.netrpc, true})
	}
	for _, j := range judged(t) {
		lines = append(lines, line{j.name, j.text, false, j.autoMTLS, false, j.theirs == handshake.OutcomeStarts})
	}
	for _, l := range lines {
		t.Run(l.name, func(t *testing.T) {
			e := handshake.Expectation{AppVersions: []int{6}, Multiplex: l.multiplex, Protocols: []string{"grpc"}}
			config := goplugin.ClientConfig{
				VersionedPlugins: pluginSets(6), AllowedProtocols: []goplugin.Protocol{goplugin.ProtocolGRPC},
				GRPCBrokerMultiplex: l.multiplex, AutoMTLS: l.autoMTLS,
			}
			if l.netrpc {
				e.Protocols = append(e.Protocols, "netrpc")
				config.AllowedProtocols = append(config.AllowedProtocols, goplugin.ProtocolNetRPC)
			}
			v := handshake.Judge(l.text, e, l.autoMTLS)
			outcome, says := v.GoPlugin, v.GoPluginSays
			if l.refusedOnly && outcome != handshake.OutcomeRefused {
				if _, _, _, err := host(t, l.text, config); err != nil {
					t.Errorf("go-plugin refuses it: %v; we say it %s", err, outcome)
				}
				return
			}
			theirs, theySay := goPluginSaysOf(t, l.text, config)
			switch {
			case theirs != outcome:
				t.Errorf("go-plugin %s (%s), we say it %s (%s)", theirs, theySay, outcome, says)
			case outcome == handshake.OutcomeRefused && strings.TrimSuffix(theySay, "\n") != says:
				t.Errorf("go-plugin says %q, we say it says %q", theySay, says)
			case !strings.Contains(theySay, says):
				t.Errorf("go-plugin says %q, expected %q in it", theySay, says)
			}
		})
	}
}

func TestJudge(t *testing.T) {
	for _, j := range judged(t) {
		v := handshake.Judge(j.text, handshake.Expectation{AppVersions: []int{5, 6}}, j.autoMTLS)
		got := handshake.Reason("")
		if v.Err != nil {
			got = v.Err.Reason
		}
		if got != j.ours || v.GoPlugin != j.theirs {
			t.Errorf("%s: we say %q, go-plugin %q; want %q and %q", j.name, got, v.GoPlugin, j.ours, j.theirs)
		}
		if fine := j.ours == "" && j.theirs == handshake.OutcomeStarts; v.Fine() != fine || (v.Fault() == nil) != fine {
			t.Errorf("%s: fine is %t, fault %v", j.name, v.Fine(), v.Fault())
		}
		if fault := v.Fault(); fault != nil && (fault.Hint() == "" || fault.Expected == "") {
			t.Errorf("%s: %v has no advice", j.name, fault)
		}
	}
	late := handshake.Judge("starting\n1|6|unix|/tmp/x|grpc|", handshake.Expectation{}, false)
	if !strings.Contains(late.Err.Hint(), "line 2") {
		t.Errorf("hint %q does not name the second line", late.Err.Hint())
	}
	if _, err := handshake.AcceptLine("starting", handshake.Expectation{}); errors.Is(late.Err, err) {
		t.Error("the error was shared")
	}
}

// quiet is a process that prints nothing. It may close its stdout, and stays.
type quiet struct {
	*printer
	closes bool
}

func (q *quiet) Start(context.Context) error {
	if q.closes {
		return q.outW.Close()
	}
	return nil
}

// Where there is no line go-plugin has two things to say.
func TestGoPluginSaysOfNoLine(t *testing.T) {
	for _, test := range []struct {
		name  string
		close bool
		err   *handshake.Error
	}{
		{"timeout", false, handshake.TimeoutError(time.Second)},
		{"exited", true, handshake.ExitedError("exited with status 1")},
	} {
		t.Run(test.name, func(t *testing.T) {
			p := newPrinter("", nil)
			t.Cleanup(func() { _ = p.Kill(t.Context()) })
			client := goplugin.NewClient(&goplugin.ClientConfig{
				HandshakeConfig: goplugin.HandshakeConfig{MagicCookieKey: "A", MagicCookieValue: "b"},
				SkipHostEnv:     true, Logger: hclog.NewNullLogger(), StartTimeout: time.Second,
				UnixSocketConfig: &goplugin.UnixSocketConfig{TempDir: t.TempDir()},
				VersionedPlugins: pluginSets(6),
				RunnerFunc: func(hclog.Logger, *exec.Cmd, string) (runner.Runner, error) {
					return &quiet{printer: p, closes: test.close}, nil
				},
			})
			_, err := client.Start()
			if want := handshake.NoLine(test.err).GoPluginSays; err == nil || strings.TrimSpace(err.Error()) != want {
				t.Errorf("go-plugin says %v, we say it says %q", err, want)
			}
		})
	}
}
