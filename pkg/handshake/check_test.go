package handshake_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"math/big"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/pyvider/rpcplugin/pkg/handshake"
)

// certificate makes a real self-signed certificate.
func certificate(t testing.TB) []byte {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1),
		Subject:      pkix.Name{CommonName: "localhost"},
		DNSNames:     []string{"localhost"},
		NotBefore:    time.Now().Add(-time.Minute),
		NotAfter:     time.Now().Add(time.Hour),
		IsCA:         true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	return der
}

// verdict is one line and what a host makes of it. The same table is put
// before the hosts of go-plugin.
type verdict struct {
	name, text string
	multiplex  bool // the host asks for it
	netrpc     bool // the host takes net/rpc as well
	reason     handshake.Reason
}

// verdicts are for a host that offers the app versions 5 and 6.
func verdicts(t testing.TB) []verdict {
	der := certificate(t)
	cert := base64.RawStdEncoding.EncodeToString(der)
	asPEM := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	long := strings.Repeat("!", 60)
	return []verdict{
		{"unix", "1|6|unix|/tmp/x|grpc|", false, false, ""},
		{"tcp", "1|5|tcp|127.0.0.1:10000|grpc|", false, false, ""},
		{"tcp, IPv6", "1|5|tcp|[::1]:10000|grpc|", false, false, ""},
		{"empty path", "1|6|unix||grpc|", false, false, ""},
		{"signs and zeros", "+1|06|unix|/tmp/x|grpc|", false, false, ""},
		{"certificate", "1|6|unix|/tmp/x|grpc|" + cert, false, false, ""},
		{"unused text", "1|6|unix|/tmp/x|grpc|whatever", false, false, ""},
		{"four fields, net/rpc host", "1|6|unix|/tmp/x", false, true, ""},
		{"multiplexing", "1|6|unix|/tmp/x|grpc||true", true, false, ""},
		{"multiplexing 1", "1|6|unix|/tmp/x|grpc||1", true, false, ""},
		{"multiplexing unasked", "1|6|unix|/tmp/x|grpc||maybe", false, false, ""},
		{"multiplexing of net/rpc", "1|6|unix|/tmp/x|netrpc|", true, true, ""},

		{"prose", "hello", false, false, handshake.ReasonFieldCount},
		{"three fields", "1|6|unix", false, false, handshake.ReasonFieldCount},
		{"core version no number", "one|x|udp|/tmp/x|grpc|", false, false, handshake.ReasonCoreNumber},
		{"core version with a space", "1 |6|unix|/tmp/x|grpc|", false, false, handshake.ReasonCoreNumber},
		{"core version 2, all else wrong", "2|x|udp|x|soap|" + long, true, false, handshake.ReasonCoreVersion},
		{"app version no number, all after wrong", "1|x|udp|x|soap|" + long, true, false, handshake.ReasonAppNumber},
		{"app version, all after wrong", "1|4|udp|x|soap|" + long, true, false, handshake.ReasonAppVersion},
		{"network, all after wrong", "1|6|udp|x|soap|" + long, true, false, handshake.ReasonNetwork},
		{"address without port, all after wrong", "1|6|tcp|127.0.0.1|soap|" + long, true, false, handshake.ReasonAddress},
		{"address, IPv6 without brackets", "1|6|tcp|::1:10000|grpc|", false, false, handshake.ReasonAddress},
		{"address with a scheme", "1|6|tcp|tcp://127.0.0.1:10000|grpc|", false, false, handshake.ReasonAddress},
		{"address with a port too high", "1|6|tcp|127.0.0.1:65536|grpc|", false, false, handshake.ReasonAddress},
		{"address that is a path", "1|6|tcp|/tmp/x|grpc|", false, false, handshake.ReasonAddress},
		{"protocol, all after wrong", "1|6|unix|/tmp/x|soap|" + long, true, false, handshake.ReasonProtocol},
		{"protocol missing", "1|6|unix|/tmp/x", false, false, handshake.ReasonProtocol},
		{"protocol empty", "1|6|unix|/tmp/x||", false, false, handshake.ReasonProtocol},
		{"certificate no base64, all after wrong", "1|6|unix|/tmp/x|grpc|" + long, true, false, handshake.ReasonCertificate},
		{"certificate no DER", "1|6|unix|/tmp/x|grpc|" + strings.Repeat("A", 60), true, false, handshake.ReasonCertificate},
		{"certificate of PEM", "1|6|unix|/tmp/x|grpc|" + base64.RawStdEncoding.EncodeToString(asPEM), false, false, handshake.ReasonCertificate},
		{"certificate cut", "1|6|unix|/tmp/x|grpc|" + cert[:len(cert)/2/4*4], false, false, handshake.ReasonCertificate},
		{"multiplexing missing", "1|6|unix|/tmp/x|grpc|", true, false, handshake.ReasonMultiplex},
		{"multiplexing false", "1|6|unix|/tmp/x|grpc||false", true, false, handshake.ReasonMultiplex},
		{"multiplexing no boolean", "1|6|unix|/tmp/x|grpc||maybe", true, false, handshake.ReasonMultiplex},
	}
}

func (v verdict) expectation() handshake.Expectation {
	e := handshake.Expectation{AppVersions: []int{5, 6}, Multiplex: v.multiplex}
	if v.netrpc {
		e.Protocols = []string{handshake.ProtocolGRPC, handshake.ProtocolNetRPC}
	}
	return e
}

func TestAcceptLine(t *testing.T) {
	for _, v := range verdicts(t) {
		t.Run(v.name, func(t *testing.T) {
			l, err := handshake.AcceptLine(v.text, v.expectation())
			if got := reasonOf(t, err); got != v.reason {
				t.Fatalf("got reason %q (%v), want %q", got, err, v.reason)
			}
			if zero := reflect.DeepEqual(l, handshake.Line{}); zero != (v.reason != "") {
				t.Errorf("got %+v beside error %v", l, err)
			}
		})
	}
}

// Parse and check in two steps come to the same verdict; only the order of
// two faults at once may differ.
func TestParseAndCheckAgreeWithAcceptLine(t *testing.T) {
	for _, v := range verdicts(t) {
		if v.name == "multiplexing unasked" {
			continue // ParseLine is strict there
		}
		l, err := handshake.ParseLine(v.text)
		if err == nil {
			err = l.Check(v.expectation())
		}
		if (err == nil) != (v.reason == "") {
			t.Errorf("%s: got %v, want reason %q", v.name, err, v.reason)
		}
	}
}

func TestCheckZeroExpectation(t *testing.T) {
	l := handshake.Line{CoreVersion: 1, AppVersion: 99, Network: "tcp", Address: "localhost:1", Protocol: "grpc"}
	if err := l.Check(handshake.Expectation{}); err != nil {
		t.Errorf("any app version and either network must pass: %v", err)
	}
	l.Protocol = "netrpc"
	if err := l.Check(handshake.Expectation{}); reasonOf(t, err) != handshake.ReasonProtocol {
		t.Errorf("got %v, want net/rpc refused", err)
	}
}

func TestCheckNarrowNetworks(t *testing.T) {
	l := handshake.Line{CoreVersion: 1, AppVersion: 1, Network: "tcp", Address: "127.0.0.1:1", Protocol: "grpc"}
	err := l.Check(handshake.Expectation{Networks: []string{"unix"}})
	var e *handshake.Error
	if !errors.As(err, &e) || e.Reason != handshake.ReasonNetwork || e.Expected != `"unix"` {
		t.Fatalf("got %v, want tcp refused", err)
	}
	if !strings.Contains(e.Hint(), "PLUGIN_TRANSPORTS") {
		t.Errorf("hint %q does not say how a plugin learns of networks", e.Hint())
	}
	l.Network = "udp"
	if err := l.Check(handshake.Expectation{Networks: []string{"udp"}}); reasonOf(t, err) != handshake.ReasonNetwork {
		t.Errorf("an unknown network passed: %v", err)
	}
}

// Stricter than go-plugin, which fails later, at the first call.
func TestCheckPorts(t *testing.T) {
	for address, want := range map[string]bool{
		":10000": true, "localhost:65535": true, "0.0.0.0:1": true,
		"127.0.0.1:0": false, "127.0.0.1:http": false, "127.0.0.1:": false, "my host:1": false, "127.0.0.1:-1": false,
	} {
		l := handshake.Line{CoreVersion: 1, Network: "tcp", Address: address, Protocol: "grpc"}
		if err := l.Check(handshake.Expectation{}); (err == nil) != want {
			t.Errorf("%s: got %v, want accepted %v", address, err, want)
		}
	}
}
