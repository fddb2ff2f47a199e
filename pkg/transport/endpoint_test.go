package transport

import (
	"errors"
	"strings"
	"testing"
)

func TestParseEndpoint(t *testing.T) {
	unix := func(path string) Endpoint { return Endpoint{Network: "unix", Address: path} }
	tcp := func(address string) Endpoint { return Endpoint{Network: "tcp", Address: address} }
	tests := []struct {
		in     string
		want   Endpoint
		target string
	}{
		{"/run/p.sock", unix("/run/p.sock"), "unix:/run/p.sock"},
		{" /run/p.sock\n", unix("/run/p.sock"), "unix:/run/p.sock"},
		{"unix:/run/p.sock", unix("/run/p.sock"), "unix:/run/p.sock"},
		{"unix:///run/p.sock", unix("/run/p.sock"), "unix:/run/p.sock"},
		{"unix:p.sock", unix("./p.sock"), "unix:./p.sock"},
		{"./p.sock", unix("./p.sock"), "unix:./p.sock"},
		{"../p.sock", unix("../p.sock"), "unix:../p.sock"},
		{"/a b/100%?#", unix("/a b/100%?#"), "unix:/a%20b/100%25%3F%23"},
		{"unix:/a%20b", unix("/a b"), "unix:/a%20b"},
		{"./a%20b?", unix("./a%20b?"), "unix:./a%20b?"},
		{"//a", unix("//a"), "unix:////a"},
		{"unix:%41", unix("./%41"), "unix:./%41"},
		{"/with:colon:1", unix("/with:colon:1"), "unix:/with:colon:1"},
		{"127.0.0.1:1234", tcp("127.0.0.1:1234"), "127.0.0.1:1234"},
		{"127.0.0.1:0080", tcp("127.0.0.1:80"), "127.0.0.1:80"},
		{"[::1]:1", tcp("[::1]:1"), "[::1]:1"},
		{"[fe80::1%eth0]:1", tcp("[fe80::1%eth0]:1"), "[fe80::1%eth0]:1"},
		{"localhost:65535", tcp("localhost:65535"), "localhost:65535"},
		{"tcp:127.0.0.1:1", tcp("127.0.0.1:1"), "127.0.0.1:1"},
		{"tcp://[::1]:1", tcp("[::1]:1"), "[::1]:1"},
	}
	for _, tt := range tests {
		t.Run(tt.in, func(t *testing.T) {
			got, err := ParseEndpoint(tt.in)
			if err != nil || got != tt.want {
				t.Fatalf("got %+v, %v; want %+v", got, err, tt.want)
			}
			if got.Target() != tt.target {
				t.Errorf("target %q, want %q", got.Target(), tt.target)
			}
			if again, err := ParseEndpoint(got.String()); err != nil || again != got {
				t.Errorf("String %q reads as %+v, %v", got.String(), again, err)
			}
			if again, err := ParseEndpoint(got.Target()); err != nil || again != got {
				t.Errorf("Target %q reads as %+v, %v", got.Target(), again, err)
			}
		})
	}
}

func TestParseEndpointRefuses(t *testing.T) {
	for _, in := range []string{
		"", " ", "x", "unix:", "unix://", "unix://host/a", "unix:/100%", "unix:/a%00b", "/a\nb", "/a\x00b",
		":1234", "host", "host:", "host:0", "host:65536", "host:-1", "host:+1", "host:http",
		"::1:80x", "::1", "[::1]", "[host:name]:1", "http://host:1", "a|b:1", "a/b:1", "user@host:1",
		"tcp:", "tcp://", "tcp:/a", "tcp://host",
	} {
		t.Run(in, func(t *testing.T) {
			got, err := ParseEndpoint(in)
			e := wantReason(t, err, ReasonAddress)
			if got != (Endpoint{}) {
				t.Errorf("got %+v beside an error", got)
			}
			if e.Hint() == "" || !strings.Contains(e.Error(), "expected ") {
				t.Errorf("error says too little: %q, hint %q", e.Error(), e.Hint())
			}
		})
	}
}

func TestEndpointCheck(t *testing.T) {
	long := "/" + strings.Repeat("x", maxSocketPath()-1)
	tests := []struct {
		name, network string
		endpoint      Endpoint
		want          Reason // empty: fine
	}{
		{"unix", NetworkUnix, Endpoint{"unix", "/a"}, ""},
		{"longest", NetworkUnix, Endpoint{"unix", long}, ""},
		{"too long", NetworkUnix, Endpoint{"unix", long + "x"}, ReasonPathTooLong},
		{"empty path", NetworkUnix, Endpoint{"unix", ""}, ReasonAddress},
		{"zero byte", NetworkUnix, Endpoint{"unix", "/a\x00"}, ReasonAddress},
		{"other network", NetworkUnix, Endpoint{"tcp", "127.0.0.1:1"}, ReasonAddress},
		{"tcp", NetworkTCP, Endpoint{"tcp", "127.0.0.1:1"}, ""},
		{"no port", NetworkTCP, Endpoint{"tcp", "127.0.0.1"}, ReasonAddress},
		{"zero value", NetworkTCP, Endpoint{}, ReasonAddress},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			err := tt.endpoint.check(tt.network)
			if tt.want == "" {
				if err != nil {
					t.Fatalf("refused: %v", err)
				}
				return
			}
			wantReason(t, err, tt.want)
		})
	}
}

func FuzzParseEndpoint(f *testing.F) {
	for _, seed := range []string{"/a", "unix:/a%20b", "unix:///a", "unix:@x", "tcp://[::1]:1", "h:1", "./a?b#c", "[fe80::1%e]:9"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got, err := ParseEndpoint(s)
		if err != nil {
			var e *Error
			if !errors.As(err, &e) || e.Reason != ReasonAddress {
				t.Fatalf("%q: untyped error %v", s, err)
			}
			return
		}
		if got.Network == NetworkTCP && strings.ContainsAny(got.Address, "|\n\x00 ") {
			t.Fatalf("%q: address %q cannot be in a handshake line", s, got.Address)
		}
		if strings.TrimSpace(got.Address) != got.Address {
			return // only percent-encoding can say that; the bare form is trimmed
		}
		for _, form := range []string{got.String(), got.Target()} {
			if again, err := ParseEndpoint(form); err != nil || again != got {
				t.Fatalf("%q is %+v, but its form %q is %+v, %v", s, got, form, again, err)
			}
		}
	})
}
