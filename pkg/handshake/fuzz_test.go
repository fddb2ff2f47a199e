package handshake_test

import (
	"bytes"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/pyvider/rpcplugin/pkg/handshake"
)

// What parses and can be written reads back as the same line, and neither way
// of reading panics or fails without a reason.
func FuzzParseLine(f *testing.F) {
	for _, v := range verdicts(f) {
		f.Add(v.text, v.multiplex)
	}
	f.Fuzz(func(t *testing.T, text string, multiplex bool) {
		e := handshake.Expectation{AppVersions: []int{5, 6}, Multiplex: multiplex}
		accepted, acceptErr := handshake.AcceptLine(text, e)
		if acceptErr != nil && (reasonOf(t, acceptErr) == "" || len(acceptErr.Error()) > 1000) {
			t.Fatalf("error %q", acceptErr)
		}
		l, err := handshake.ParseLine(text)
		if err != nil {
			reasonOf(t, err)
			return
		}
		if acceptErr == nil && !reflect.DeepEqual(l, accepted) {
			t.Fatalf("parsed %+v, accepted %+v", l, accepted)
		}
		if (l.Check(e) == nil) != (acceptErr == nil) {
			t.Fatalf("Check and AcceptLine disagree: %v, %v", l.Check(e), acceptErr)
		}
		written, err := l.Format()
		if err != nil {
			// Hosts read more than plugins may write; the two lengths differ by
			// the fields that a short line leaves out.
			if r := reasonOf(t, err); r != handshake.ReasonCharacter && r != handshake.ReasonLineLength {
				t.Fatalf("cannot write what was read: %v", err)
			}
			return
		}
		back, err := handshake.ParseLine(written + "\n")
		if err != nil || !reflect.DeepEqual(back, l) {
			t.Fatalf("read %+v, %v\nfrom %q, written from %+v", back, err, written, l)
		}
	})
}

func FuzzReadEnv(f *testing.F) {
	f.Add("10000", "25000", "5,6", "true", "unix,tcp")
	f.Add("25000", "10000", "x,5,,5", "maybe", " ,unix,")
	f.Add("", "", "", "", "")
	f.Add("-1", "65536", "99999999999999999999", "0", "\xff")
	f.Fuzz(func(t *testing.T, lowest, highest, versions, multiplex, transports string) {
		env, err := handshake.ReadEnv(lookupIn([]string{
			handshake.EnvMinPort + "=" + lowest, handshake.EnvMaxPort + "=" + highest,
			handshake.EnvProtocolVersions + "=" + versions, handshake.EnvMultiplexGRPC + "=" + multiplex,
			handshake.EnvTransports + "=" + transports,
		}))
		if err != nil {
			if r := reasonOf(t, err); r != handshake.ReasonEnvPort && r != handshake.ReasonEnvPortRange {
				t.Fatalf("got reason %s", r)
			}
		}
		if env.MinPort > env.MaxPort || env.MinPort < 0 || env.MaxPort > 65535 {
			t.Fatalf("got ports %d to %d", env.MinPort, env.MaxPort)
		}
		environ := env.Environ()
		if !slices.IsSorted(environ) {
			t.Fatalf("not sorted: %q", environ)
		}
		back, err := handshake.ReadEnv(lookupIn(environ))
		if err != nil {
			t.Fatalf("cannot read what was written: %v", err)
		}
		if env.MaxPort == 0 { // any port is written as the default range
			env.MinPort, env.MaxPort = handshake.DefaultMinPort, handshake.DefaultMaxPort
		}
		env.Skipped = nil
		if !reflect.DeepEqual(back, env) {
			t.Fatalf("read back %+v\nwant %+v", back, env)
		}
		if left := handshake.StripEnv(environ, ""); len(left) != 0 {
			t.Fatalf("left: %q", left)
		}
	})
}

func FuzzParseReattach(f *testing.F) {
	for _, address := range []string{"127.0.0.1:1", "[::1]:65535", "[fe80::1%eth0]:1", ":1"} {
		text, err := tcpReattach(address).GoJSON()
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	text, err := unixReattach().TerraformJSON()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(text)
	f.Add([]byte(`{"Addr":{"IP":"::ffff:1.2.3.4","Port":1,"Zone":"a]b"}}`))
	f.Add([]byte(`{"a/b":{"Addr":{"Name":"/x","Net":"unix"}}}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		if _, err := handshake.ParseReattachProviders(string(data)); err != nil {
			reasonOf(t, err)
		}
		r, err := handshake.ParseReattach(data)
		if err != nil {
			if reasonOf(t, err) == "" || len(err.Error()) > 2000 {
				t.Fatalf("error %q", err)
			}
			return
		}
		written, err := r.TerraformJSON()
		if err != nil {
			t.Fatalf("cannot write %+v: %v", r, err)
		}
		if back, err := handshake.ParseReattach(written); err != nil || back != r {
			t.Fatalf("read %+v, %v\nfrom %s, written from %+v", back, err, written, r)
		}
		// Go's spelling knows no host names and one form of each address.
		inGo, err := r.GoJSON()
		if err != nil {
			if !strings.Contains(err.Error(), "a host name") {
				t.Fatalf("cannot write %+v: %v", r, err)
			}
			return
		}
		back, err := handshake.ParseReattach(inGo)
		if err != nil {
			t.Fatalf("cannot read %s: %v", inGo, err)
		}
		if again, err := back.GoJSON(); err != nil || !bytes.Equal(again, inGo) {
			t.Fatalf("got %s, %v\nfrom %s", again, err, inGo)
		}
	})
}
