package handshake_test

import (
	"encoding/base64"
	"errors"
	"reflect"
	"strings"
	"testing"

	"github.com/pyvider/rpcplugin/pkg/handshake"
)

// reasonOf returns the reason of an error of the package, or "" for none.
func reasonOf(t *testing.T, err error) handshake.Reason {
	t.Helper()
	if err == nil {
		return ""
	}
	var e *handshake.Error
	if !errors.As(err, &e) {
		t.Fatalf("error %v is a %T, want *handshake.Error", err, err)
	}
	return e.Reason
}

func TestParseLine(t *testing.T) {
	der := []byte(strings.Repeat("\x00\xff\xfe", 13) + "x") // 40 bytes: padded text differs
	raw := base64.RawStdEncoding.EncodeToString(der)
	padded := base64.StdEncoding.EncodeToString(der)
	if raw == padded {
		t.Fatal("the sample needs padding")
	}
	base := handshake.Line{CoreVersion: 1, AppVersion: 6, Network: "unix", Address: "/tmp/x", Protocol: "grpc"}
	with := func(change func(*handshake.Line)) handshake.Line {
		l := base
		change(&l)
		return l
	}
	tests := []struct {
		name, text string
		want       handshake.Line
	}{
		{"six fields", "1|6|unix|/tmp/x|grpc|", base},
		{"newline and spaces around", " \t1|6|unix|/tmp/x|grpc|\r\n", base},
		{"five fields", "1|6|unix|/tmp/x|grpc", base},
		{"four fields", "1|6|unix|/tmp/x", with(func(l *handshake.Line) { l.Protocol = "netrpc" })},
		{"empty protocol is kept", "1|6|unix|/tmp/x|", with(func(l *handshake.Line) { l.Protocol = "" })},
		{"unpadded certificate", "1|6|unix|/tmp/x|grpc|" + raw, with(func(l *handshake.Line) { l.Certificate = der })},
		{"padded certificate", "1|6|unix|/tmp/x|grpc|" + padded, with(func(l *handshake.Line) { l.Certificate = der })},
		{"50 characters are not read", "1|6|unix|/tmp/x|grpc|" + strings.Repeat("!", 50), base},
		{"multiplexing true", "1|6|unix|/tmp/x|grpc||true", with(func(l *handshake.Line) { l.Multiplex = handshake.MultiplexYes })},
		{"multiplexing 0", "1|6|unix|/tmp/x|grpc||0", with(func(l *handshake.Line) { l.Multiplex = handshake.MultiplexNo })},
		{"later fields are ignored", "1|6|unix|/tmp/x|grpc||true|a|b", with(func(l *handshake.Line) { l.Multiplex = handshake.MultiplexYes })},
		{"empty address", "1|6|unix||grpc|", with(func(l *handshake.Line) { l.Address = "" })},
		{"other versions are read", "2|-7|unix|/tmp/x|grpc|", with(func(l *handshake.Line) { l.CoreVersion, l.AppVersion = 2, -7 })},
		{"bytes that are no UTF-8", "1|6|unix|/tmp/\xff|grpc|", with(func(l *handshake.Line) { l.Address = "/tmp/\xff" })},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := handshake.ParseLine(tt.text)
			if err != nil {
				t.Fatal(err)
			}
			if !reflect.DeepEqual(got, tt.want) {
				t.Errorf("got %+v\nwant %+v", got, tt.want)
			}
		})
	}
}

func TestParseLineErrors(t *testing.T) {
	tests := []struct {
		name, text string
		reason     handshake.Reason
		field      string
		found      string
	}{
		{"empty", "\n", handshake.ReasonFieldCount, "line", ""},
		{"prose", "hello, world", handshake.ReasonFieldCount, "line", "hello, world"},
		{"three fields", "1|6|unix", handshake.ReasonFieldCount, "line", "1|6|unix"},
		{"two lines", "1|6|unix|/x|grpc|\nhello", handshake.ReasonFieldCount, "line", "1|6|unix|/x|grpc|\nhello"},
		{"core version", "one|6|unix|/x|grpc|", handshake.ReasonCoreNumber, "core version", "one"},
		{"core version with a space", "1 |6|unix|/x|grpc|", handshake.ReasonCoreNumber, "core version", "1 "},
		{"app version", "1|v6|unix|/x|grpc|", handshake.ReasonAppNumber, "app version", "v6"},
		{"app version too large", "1|99999999999999999999|unix|/x", handshake.ReasonAppNumber, "app version", "99999999999999999999"},
		{"certificate", "1|6|unix|/x|grpc|" + strings.Repeat("!", 51), handshake.ReasonCertificate, "certificate", strings.Repeat("!", 51)},
		{"certificate of line breaks", "1|6|unix|/x|grpc|" + strings.Repeat("\r", 51) + "|true", handshake.ReasonCertificate, "certificate", strings.Repeat("\r", 51)},
		{"multiplexing", "1|6|unix|/x|grpc||maybe", handshake.ReasonMultiplex, "multiplexing", "maybe"},
		{"multiplexing empty", "1|6|unix|/x|grpc||", handshake.ReasonMultiplex, "multiplexing", ""},
		{"the first of several", "one|two|unix|/x|grpc||maybe", handshake.ReasonCoreNumber, "core version", "one"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			l, err := handshake.ParseLine(tt.text)
			var e *handshake.Error
			if !errors.As(err, &e) {
				t.Fatalf("got %v, want a *handshake.Error", err)
			}
			if e.Reason != tt.reason || e.Field != tt.field || e.Found != tt.found {
				t.Errorf("got %s, %q, %q; want %s, %q, %q", e.Reason, e.Field, e.Found, tt.reason, tt.field, tt.found)
			}
			if !reflect.DeepEqual(l, handshake.Line{}) {
				t.Errorf("got %+v beside the error, want a zero Line", l)
			}
		})
	}
}

// A host reads a line only if it and its newline fit into 64 KiB.
func TestLineLength(t *testing.T) {
	frame := len("1|6|unix||grpc|")
	l := handshake.Line{
		CoreVersion: 1, AppVersion: 6, Network: "unix", Protocol: "grpc",
		Address: strings.Repeat("a", handshake.MaxLineBytes-frame-1),
	}
	text, err := l.Format()
	if err != nil || len(text) != handshake.MaxLineBytes-1 {
		t.Fatalf("got %d bytes, %v; want %d", len(text), err, handshake.MaxLineBytes-1)
	}
	if _, err := handshake.ParseLine(text + "\n"); err != nil {
		t.Errorf("the longest line is refused: %v", err)
	}
	l.Address += "a"
	if _, err := l.Format(); reasonOf(t, err) != handshake.ReasonLineLength {
		t.Errorf("Format of one byte more: got %v", err)
	}
	if _, err := handshake.ParseLine(text + "x"); reasonOf(t, err) != handshake.ReasonLineLength {
		t.Errorf("ParseLine of one byte more: got %v", err)
	}
}

func TestFormat(t *testing.T) {
	l := handshake.Line{CoreVersion: 1, AppVersion: 6, Network: "unix", Address: "/tmp/x", Protocol: "grpc"}
	der := []byte(strings.Repeat("\xfb\xff", 20))
	tests := []struct {
		name   string
		change func(*handshake.Line)
		want   string
	}{
		{"six fields", func(*handshake.Line) {}, "1|6|unix|/tmp/x|grpc|"},
		{"multiplexing", func(l *handshake.Line) { l.Multiplex = handshake.MultiplexYes }, "1|6|unix|/tmp/x|grpc||true"},
		{"no multiplexing", func(l *handshake.Line) { l.Multiplex = handshake.MultiplexNo }, "1|6|unix|/tmp/x|grpc||false"},
		{
			"certificate", func(l *handshake.Line) { l.Certificate = der },
			"1|6|unix|/tmp/x|grpc|" + strings.TrimRight(base64.StdEncoding.EncodeToString(der), "="),
		},
		{
			"tcp", func(l *handshake.Line) { l.Network, l.Address = "tcp", "[::1]:10000" },
			"1|6|tcp|[::1]:10000|grpc|",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			l := l
			tt.change(&l)
			got, err := l.Format()
			if err != nil || got != tt.want {
				t.Errorf("got %q, %v; want %q", got, err, tt.want)
			}
		})
	}
}

func TestFormatErrors(t *testing.T) {
	tests := []struct {
		name   string
		line   handshake.Line
		reason handshake.Reason
		field  string
	}{
		{"separator", handshake.Line{Address: "/tmp/a|b"}, handshake.ReasonCharacter, "address"},
		{"newline", handshake.Line{Network: "unix\n"}, handshake.ReasonCharacter, "network"},
		{"carriage return", handshake.Line{Protocol: "grpc\r"}, handshake.ReasonCharacter, "protocol"},
		{"escape", handshake.Line{Address: "\x1b[0m"}, handshake.ReasonCharacter, "address"},
		{"next line", handshake.Line{Address: "a\u0085b"}, handshake.ReasonCharacter, "address"},
		{"short certificate", handshake.Line{Certificate: make([]byte, 37)}, handshake.ReasonCertificate, "certificate"},
		{"multiplex", handshake.Line{Multiplex: 3}, handshake.ReasonMultiplex, "multiplexing"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			text, err := tt.line.Format()
			var e *handshake.Error
			if !errors.As(err, &e) || e.Reason != tt.reason || e.Field != tt.field || text != "" {
				t.Errorf("got %q, %v; want reason %s for %s", text, err, tt.reason, tt.field)
			}
		})
	}
}

func TestMultiplexString(t *testing.T) {
	for m, want := range map[handshake.Multiplex]string{
		handshake.MultiplexAbsent: "absent", handshake.MultiplexNo: "false", handshake.MultiplexYes: "true", 9: "multiplex(9)",
	} {
		if got := m.String(); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}
