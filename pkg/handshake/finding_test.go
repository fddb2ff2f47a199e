package handshake_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pyvider/rpcplugin/pkg/handshake"
)

func pemOf(kind string, der []byte) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))
}

func p521(t *testing.T) []byte {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P521(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	return der
}

func TestCheckEnv(t *testing.T) {
	der := certificate(t)
	good := pemOf("CERTIFICATE", der)
	soon, later := time.Now(), time.Now().Add(100*365*24*time.Hour)
	for _, test := range []struct {
		name    string
		environ []string
		now     time.Time
		reason  handshake.Reason
		text    string
	}{
		{"nothing", nil, soon, "", ""},
		{"all", []string{"PLUGIN_MIN_PORT=10000", "PLUGIN_MAX_PORT=25000", "PLUGIN_PROTOCOL_VERSIONS=5,6", "PLUGIN_MULTIPLEX_GRPC=true", "PLUGIN_TRANSPORTS=unix,tcp", "PLUGIN_CLIENT_CERT=" + good}, soon, "", ""},
		{"port", []string{"PLUGIN_MIN_PORT=x"}, soon, handshake.ReasonEnvPort, `"x"`},
		{"ports", []string{"PLUGIN_MIN_PORT=2", "PLUGIN_MAX_PORT=1"}, soon, handshake.ReasonEnvPortRange, "PLUGIN_MAX_PORT"},
		{"versions", []string{"PLUGIN_PROTOCOL_VERSIONS=5,v6"}, soon, handshake.ReasonEnvVersions, `"v6"`},
		{"multiplexing", []string{"PLUGIN_MULTIPLEX_GRPC=yes"}, soon, handshake.ReasonEnvMultiplex, `"yes"`},
		{"networks", []string{"PLUGIN_TRANSPORTS=unix,vsock"}, soon, handshake.ReasonEnvTransports, `"vsock"`},
		{"no PEM", []string{"PLUGIN_CLIENT_CERT=hello"}, soon, handshake.ReasonEnvCertificate, "no PEM"},
		{"one line", []string{"PLUGIN_CLIENT_CERT=" + strings.ReplaceAll(good, "\n", " ")}, soon, handshake.ReasonEnvCertificate, "line breaks"},
		{"a key", []string{"PLUGIN_CLIENT_CERT=" + pemOf("PRIVATE KEY", der)}, soon, handshake.ReasonEnvCertificate, "PRIVATE KEY"},
		{"no certificate", []string{"PLUGIN_CLIENT_CERT=" + pemOf("CERTIFICATE", []byte("x"))}, soon, handshake.ReasonEnvCertificate, "x509"},
		{"expired", []string{"PLUGIN_CLIENT_CERT=" + good}, later, handshake.ReasonEnvCertificate, "expired"},
		{"early", []string{"PLUGIN_CLIENT_CERT=" + good}, soon.Add(-time.Hour), handshake.ReasonEnvCertificate, "not valid yet"},
	} {
		found := handshake.CheckEnv(lookupIn(test.environ), test.now)
		if test.reason == "" {
			if len(found) > 0 {
				t.Errorf("%s: %+v", test.name, found)
			}
			continue
		}
		if len(found) != 1 || found[0].Err == nil || found[0].Err.Reason != test.reason || !strings.Contains(found[0].Err.Error(), test.text) {
			t.Errorf("%s: got %+v, want one finding %q with %q", test.name, found, test.reason, test.text)
			continue
		}
		if found[0].Variable == "" || found[0].Err.Hint() == "" {
			t.Errorf("%s: %+v has no variable or no fix", test.name, found[0])
		}
	}
	found := handshake.CheckEnv(lookupIn([]string{"PLUGIN_CLIENT_CERT=" + pemOf("CERTIFICATE", p521(t))}), soon)
	if len(found) != 1 || found[0].Err != nil || !strings.Contains(found[0].Note, "P-521") {
		t.Errorf("of P-521: %+v, want a note", found)
	}
}

func TestCheckLeaks(t *testing.T) {
	if found := handshake.CheckLeaks(lookupIn([]string{"PLUGIN_DIR=/x", "PLUGIN_MIN_PORT="})); len(found) > 0 {
		t.Errorf("somebody else's variable, and an empty one: %+v", found)
	}
	found := handshake.CheckLeaks(lookupIn([]string{"PLUGIN_MIN_PORT=1", "PLUGIN_CLIENT_CERT=x"}))
	if len(found) != 1 || found[0].Err.Reason != handshake.ReasonEnvLeaked ||
		!strings.HasSuffix(found[0].Err.Hint(), "unset PLUGIN_CLIENT_CERT PLUGIN_MIN_PORT") {
		t.Errorf("got %+v", found)
	}
	names := handshake.EnvNames()
	for name, value := range constants(t, "Env") {
		if strings.HasPrefix(value, "PLUGIN_") && !slices.Contains(names, value) {
			t.Errorf("%s is not among the names", name)
		}
	}
	if !slices.IsSorted(names) {
		t.Error("the names are not sorted")
	}
}

func TestCheckReattach(t *testing.T) {
	entry := func(test string) string {
		return `{"registry.terraform.io/a/b":{"Protocol":"grpc","ProtocolVersion":6,"Pid":1,"Test":` + test + `,"Addr":{"Network":"unix","String":"/x"}}}`
	}
	for value, want := range map[string]handshake.Reason{
		"": "", entry("true"): "",
		"nonsense":     handshake.ReasonReattachSyntax,
		entry("false"): handshake.ReasonReattachValue,
		strings.Replace(entry("true"), "unix", "udp", 1): handshake.ReasonReattachAddress,
	} {
		found := handshake.CheckReattach(lookupIn([]string{"TF_REATTACH_PROVIDERS=" + value}))
		switch {
		case want == "" && len(found) == 0:
		case want == "" || len(found) != 1 || found[0].Err.Reason != want || found[0].Err.Hint() == "":
			t.Errorf("%s: got %+v, want %q", value, found, want)
		}
	}
}
