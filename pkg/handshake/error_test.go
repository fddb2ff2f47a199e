package handshake_test

import (
	"encoding/base64"
	"errors"
	"strconv"
	"strings"
	"testing"
	"unicode"

	"github.com/pyvider/rpcplugin/pkg/handshake"
)

// Whoever builds an Error by hand gets a hint, too.
func TestEveryReasonHasAHint(t *testing.T) {
	for _, reason := range []handshake.Reason{
		handshake.ReasonTimeout, handshake.ReasonExited, handshake.ReasonLineLength, handshake.ReasonFieldCount,
		handshake.ReasonCoreNumber, handshake.ReasonCoreVersion, handshake.ReasonAppNumber, handshake.ReasonAppVersion,
		handshake.ReasonNetwork, handshake.ReasonAddress, handshake.ReasonProtocol, handshake.ReasonCertificate,
		handshake.ReasonMultiplex, handshake.ReasonCharacter, handshake.ReasonEnvPort, handshake.ReasonEnvPortRange,
		handshake.ReasonCookie, handshake.ReasonReattachSyntax, handshake.ReasonReattachValue, handshake.ReasonReattachAddress,
	} {
		e := &handshake.Error{Reason: reason}
		hint := e.Hint()
		if hint == "" || strings.HasSuffix(hint, ".") || strings.Contains(hint, "\n") {
			t.Errorf("%s: hint %q", reason, hint)
		}
		if first := []rune(e.Error())[0]; !unicode.IsLower(first) {
			t.Errorf("%s: %q does not begin in lower case", reason, e.Error())
		}
	}
}

func TestHintsKnowTheUsualMistakes(t *testing.T) {
	text64 := func(s string) string { return base64.RawStdEncoding.EncodeToString([]byte(s)) }
	for _, tt := range []struct{ text, hint string }{
		{`{"level":"info","msg":"starting"}`, "log line"},
		{"[INFO] starting", "log line"},
		{"Traceback (most recent call last):", "crashed"},
		{"panic: runtime error", "crashed"},
		{"Usage: provider [options]", "command and arguments"},
		{"1|6|unix|/x|grpc|\nmore", "first line"},
		{"\ufeff1|6|unix|/x|grpc||true", "byte order mark"},
		{"1\x00|\x006\x00|\x00u|x", "UTF-16"},
		{"\x1b[0m1|6|unix|/x|grpc||true", "colors"},
		{"1 | 6 | unix | /x | grpc", "spaces"},
		{"6|1|unix|/x|grpc||true", "swapped"},
		{"1|6|tcp|tcp://127.0.0.1:1|grpc||true", "scheme"},
		{"1|6|tcp|::1|grpc||true", "brackets"},
		{"1|6|tcp|/tmp/x|grpc||true", `"unix"`},
		{"1|6|tcp|127.0.0.1:0|grpc||true", "listener got"},
		{"1|6|unix|/x", "net/rpc"},
		{"1|6|unix|/x|grpc|-----BEGIN CERTIFICATE-----" + strings.Repeat("A", 50), "this is PEM"},
		{"1|6|unix|/x|grpc|" + strings.Repeat("A_", 40), "URL-safe"},
		{"1|6|unix|/x|grpc|" + text64("-----BEGIN CERTIFICATE-----\n"+strings.Repeat("A", 50)), "encoded once more"},
		{"1|6|unix|/x|grpc|" + strings.Repeat("A", 64), "content is not"},
	} {
		var e *handshake.Error
		if err := accept(tt.text); !errors.As(err, &e) || !strings.Contains(e.Hint(), tt.hint) {
			t.Errorf("%q: got %v, want a hint with %q", tt.text, err, tt.hint)
		} else if strings.HasSuffix(e.Hint(), ".") {
			t.Errorf("hint %q ends in a full stop", e.Hint())
		}
	}
}

func TestFoundIsBounded(t *testing.T) {
	for name, text := range map[string]string{
		"ascii":   strings.Repeat("a", 5000),
		"umlauts": strings.Repeat("ü", 5000),
		"nul":     strings.Repeat("\x00", 5000),
		"invalid": strings.Repeat("\xff", 5000),
		"emoji":   "a" + strings.Repeat("😀", 5000),
	} {
		var e *handshake.Error
		if err := accept(text); !errors.As(err, &e) {
			t.Fatalf("%s: got %v", name, err)
		}
		if len(e.Found) > 200 || len(e.Found) < 190 || !strings.HasSuffix(e.Found, "…") {
			t.Errorf("%s: found has %d bytes: %q", name, len(e.Found), e.Found)
		}
		quoted, err := strconv.QuotedPrefix(strings.TrimPrefix(e.Error(), "handshake line is "))
		if err != nil || len(quoted) > 200 {
			t.Errorf("%s: quoted in %d bytes, %v", name, len(quoted), err)
		}
		if name != "invalid" && strings.Contains(e.Found, "\ufffd") {
			t.Errorf("%s: a character is cut in %q", name, e.Found)
		}
	}
	e := handshake.ExitedError("said\n" + strings.Repeat("a", 500))
	if len(e.Found) > 200 || strings.Contains(e.Error(), "\n") {
		t.Errorf("a status with a line break: %q", e.Error())
	}
}

func TestErrorIsAndUnwrap(t *testing.T) {
	err := accept("1|x|unix|/x|grpc||true")
	if !errors.Is(err, strconv.ErrSyntax) {
		t.Errorf("%v does not wrap its cause", err)
	}
	if !errors.Is(err, &handshake.Error{Reason: handshake.ReasonAppNumber}) {
		t.Errorf("%v is not of its reason", err)
	}
	if errors.Is(err, &handshake.Error{Reason: handshake.ReasonAppVersion}) {
		t.Errorf("%v is of another reason", err)
	}
	if errors.Is(err, &handshake.Error{Reason: handshake.ReasonAppNumber, Field: "network"}) {
		t.Errorf("%v is an error of another field", err)
	}
}
