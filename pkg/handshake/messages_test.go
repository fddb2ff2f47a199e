package handshake_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/pyvider/rpcplugin/pkg/handshake"
)

// accept is what a multiplexing host of the versions 5 and 6 says.
func accept(text string) error {
	_, err := handshake.AcceptLine(text, handshake.Expectation{AppVersions: []int{5, 6}, Multiplex: true})
	return err
}

func formatErr(l handshake.Line) error {
	_, err := l.Format()
	return err
}

func envErr(pairs ...string) error {
	_, err := handshake.ReadEnv(lookupIn(pairs))
	return err
}

func reattachErr(text string) error {
	_, err := handshake.ParseReattach([]byte(text))
	return err
}

func none(string) (string, bool) { return "", false }

// messages are the whole texts, each with a piece of its hint.
func messages() []struct {
	err        error
	text, hint string
} {
	long := strings.Repeat("A", 60)
	return []struct {
		err        error
		text, hint string
	}{
		{
			handshake.TimeoutError(time.Minute),
			`no handshake line: found nothing on stdout within 1m0s, expected a first line like "1|6|unix|/path|grpc|"`, "flush",
		},
		{
			handshake.ExitedError("exited with status 3"),
			`no handshake line: found a plugin that exited with status 3, expected a first line like "1|6|unix|/path|grpc|"`, "stderr",
		},
		{
			accept("hello"),
			`handshake line is "hello", expected at least 4 fields separated by "|", such as "1|6|unix|/path|grpc|": it has 1`, "first on stdout",
		},
		{
			accept(""),
			`handshake line is empty, expected at least 4 fields separated by "|", such as "1|6|unix|/path|grpc|"`, "blank line",
		},
		{
			accept("one|6|unix|/x|grpc||true"),
			`handshake line: core version (field 1) is "one", expected "1": invalid syntax`, "first on stdout",
		},
		{
			accept("3|6|unix|/x|grpc||true"),
			`handshake line: core version (field 1) is "3", expected "1"`, "rebuild",
		},
		{
			accept("1|v6|unix|/x|grpc||true"),
			`handshake line: app version (field 2) is "v6", expected a whole number, such as "6": invalid syntax`, "bare number",
		},
		{
			accept("1|4|unix|/x|grpc||true"),
			`handshake line: app version (field 2) is "4", expected "5" or "6"`, "update the older",
		},
		{
			accept("1|6|udp|/x|grpc||true"),
			`handshake line: network (field 3) is "udp", expected "unix" or "tcp"`, "socket",
		},
		{
			accept("1|6|tcp|127.0.0.1|grpc||true"),
			`handshake line: address (field 4) is "127.0.0.1", expected host:port with a port from 1 to 65535: missing port in address`, "127.0.0.1:10000",
		},
		{
			accept("1|6|unix|/x|soap||true"),
			`handshake line: protocol (field 5) is "soap", expected "grpc"`, "lower case",
		},
		{
			accept("1|6|unix|/x|grpc|" + strings.Repeat("!", 51) + "|true"),
			`handshake line: certificate (field 6) is "` + strings.Repeat("!", 51) + `", expected DER in unpadded standard base64: illegal base64 data at input byte 0`, "b64encode",
		},
		{
			accept("1|6|unix|/x|grpc|" + long + "|true"),
			`handshake line: certificate (field 6) is "45 bytes that are no certificate", expected the DER of an X.509 certificate: x509: malformed certificate`, "content is not",
		},
		{
			accept("1|6|unix|/x|grpc|"),
			`handshake line: multiplexing (field 7) is missing, expected "true"`, "1.6",
		},
		{
			accept("1|6|unix|/x|grpc||false"),
			`handshake line: multiplexing (field 7) is "false", expected "true"`, "PLUGIN_MULTIPLEX_GRPC",
		},
		{
			accept("1|6|unix|/x|grpc||maybe"),
			`handshake line: multiplexing (field 7) is "maybe", expected "true": no boolean`, "field 7",
		},
		{
			formatErr(handshake.Line{Address: "/a|b"}),
			`handshake line: address (field 4) is "/a|b", expected text without "|" and control characters: byte 2 cannot be written`, "socket path",
		},
		{
			envErr("PLUGIN_MIN_PORT=70000"),
			`environment: PLUGIN_MIN_PORT is "70000", expected a port from 0 to 65535: value out of range`, "unset",
		},
		{
			envErr("PLUGIN_MIN_PORT=20", "PLUGIN_MAX_PORT=10"),
			`environment: PLUGIN_MIN_PORT is "20", expected at most "10", the value of PLUGIN_MAX_PORT`, "lower port",
		},
		{
			envErr("PLUGIN_MIN_PORT=20"),
			`environment: PLUGIN_MIN_PORT is "20", expected PLUGIN_MAX_PORT to be set, too`, "both",
		},
		{
			testCookie.Check(none),
			`magic cookie: HANDSHAKE_TEST_COOKIE is not set, expected the value that the plugin's host sets`, "by hand",
		},
		{
			reattachErr("nonsense"),
			`reattach: configuration is "nonsense", expected a JSON object such as {"Protocol":"grpc","ProtocolVersion":6,"Pid":1,"Test":true,"Addr":{…}}: invalid character 'o' in literal null (expecting 'u')`, "quotes",
		},
		{
			reattachErr(`{"Protocol":"grpc","Pid":"7"}`),
			`reattach: Pid is a JSON string, expected a whole number`, "copy",
		},
		{
			reattachErr(`{"Protocol":"soap","Addr":{"Network":"unix","String":"/x"}}`),
			`reattach: Protocol is "soap", expected "grpc" or "netrpc"`, "copy",
		},
		{
			reattachErr(`{"Protocol":"grpc"}`),
			`reattach: Addr is missing, expected the address at which the plugin listens`, `"String"`,
		},
	}
}

func TestMessages(t *testing.T) {
	for _, m := range messages() {
		if m.err == nil {
			t.Errorf("no error, want %s", m.text)
			continue
		}
		if got := m.err.Error(); got != m.text {
			t.Errorf("got  %s\nwant %s", got, m.text)
		}
		var e *handshake.Error
		if !errors.As(m.err, &e) {
			t.Fatalf("%v is no *handshake.Error", m.err)
		}
		if e.Field == "" || e.Expected == "" {
			t.Errorf("field %q, expected %q: neither may be empty (%v)", e.Field, e.Expected, e)
		}
		hint := e.Hint()
		if !strings.Contains(hint, m.hint) {
			t.Errorf("hint %q of %v lacks %q", hint, e, m.hint)
		}
		for _, s := range []string{e.Error(), hint} {
			if strings.HasSuffix(s, ".") || strings.ContainsRune(s, '\n') {
				t.Errorf("%q ends in a full stop or has more than one line", s)
			}
		}
	}
}
