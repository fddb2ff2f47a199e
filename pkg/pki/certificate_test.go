package pki_test

import (
	"bytes"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pyvider/rpcplugin/pkg/pki"
)

// wantReason fails the test unless err is an *Error of the reason.
func wantReason(t *testing.T, err error, want pki.Reason) *pki.Error {
	t.Helper()
	var typed *pki.Error
	if !errors.As(err, &typed) {
		t.Fatalf("got error %v (%T), want one of reason %q", err, err, want)
	}
	if typed.Reason != want {
		t.Fatalf("got reason %q (%v), want %q", typed.Reason, err, want)
	}
	return typed
}

func TestField(t *testing.T) {
	// Keys of several kinds, so that all three lengths of padding occur.
	paddings := map[int]bool{}
	for range 60 {
		der := newPair(t).DER()
		field := pki.EncodeField(der)
		padded := base64.StdEncoding.EncodeToString(der)
		if strings.ContainsAny(field, "=\n") || strings.TrimRight(padded, "=") != field {
			t.Fatalf("got field %q", field)
		}
		paddings[len(padded)-len(field)] = true
		for _, form := range []string{field, padded, " \t" + padded + "\r\n"} {
			certificate, err := pki.DecodeField(form)
			if err != nil {
				t.Fatalf("%q: %v", form, err)
			}
			if !bytes.Equal(certificate.Raw, der) {
				t.Fatalf("%q is another certificate", form)
			}
		}
		if len(paddings) == 3 {
			return
		}
	}
	t.Errorf("saw paddings %v only", paddings)
}

func TestDecodeFieldRefuses(t *testing.T) {
	field := pki.EncodeField(newPair(t).DER())
	tests := []struct {
		name, field string
		want        pki.Reason
	}{
		{"empty", "", pki.ReasonBase64},
		{"white space", " \n", pki.ReasonBase64},
		{"PEM", newPair(t).PEM(), pki.ReasonBase64},
		{"url alphabet", "-_-_", pki.ReasonBase64},
		{"too much padding", field + "===", pki.ReasonBase64},
		{"padding inside", field[:8] + "=" + field[8:], pki.ReasonBase64},
		{"some text", base64.RawStdEncoding.EncodeToString([]byte("no certificate")), pki.ReasonCertificate},
		{"cut short", field[:len(field)/8*4], pki.ReasonCertificate},
		{"doubled", pki.EncodeField(append(newPair(t).DER(), newPair(t).DER()...)), pki.ReasonCertificate},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			certificate, err := pki.DecodeField(tt.field)
			typed := wantReason(t, err, tt.want)
			if certificate != nil || typed.Hint() == "" || len(typed.Found) > 200 {
				t.Errorf("got %v, %d bytes found, hint %q", certificate, len(typed.Found), typed.Hint())
			}
		})
	}
}

func TestParsePEM(t *testing.T) {
	pair := newPair(t)
	text := pair.PEM()
	other := newPair(t).PEM()
	secret := string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: []byte("secret key")}))
	damaged := string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: []byte("no certificate")}))
	good := []struct{ name, text string }{
		{"as it is", text},
		{"no last newline", strings.TrimSpace(text)},
		{"carriage returns and newlines", strings.ReplaceAll(text, "\n", "\r\n")},
		{"carriage returns", strings.ReplaceAll(text, "\n", "\r")},
		{"indented", "  " + strings.ReplaceAll(text, "\n", "\n\t")},
		{"text around", "subject=localhost\n" + text + "the end\n"},
		{"key before", secret + text},
		{"first of two", text + other},
	}
	for _, tt := range good {
		t.Run(tt.name, func(t *testing.T) {
			certificate, err := pki.ParsePEM(tt.text)
			if err != nil {
				t.Fatal(err)
			}
			if !certificate.Equal(pair.Certificate()) {
				t.Error("got another certificate")
			}
		})
	}
	bad := []struct {
		name, text string
		want       pki.Reason
		found      string
	}{
		{"empty", "", pki.ReasonPEM, ""},
		{"field", pki.EncodeField(pair.DER()), pki.ReasonPEM, ""},
		{"key only", secret, pki.ReasonPEM, "PRIVATE KEY"},
		{"no end", text[:len(text)-20], pki.ReasonPEM, ""},
		{"damaged", damaged + text, pki.ReasonCertificate, ""},
	}
	for _, tt := range bad {
		t.Run(tt.name, func(t *testing.T) {
			certificate, err := pki.ParsePEM(tt.text)
			typed := wantReason(t, err, tt.want)
			if certificate != nil || typed.Found != tt.found || typed.Hint() == "" {
				t.Errorf("got %v, found %q, hint %q", certificate, typed.Found, typed.Hint())
			}
		})
	}
}

func TestErrorText(t *testing.T) {
	cause := errors.New("cause")
	err := &pki.Error{Reason: pki.ReasonBase64, Found: "x\ny", Expected: "base64", Err: cause}
	const want = `certificate field is not base64: found "x\ny", expected base64: cause`
	if err.Error() != want {
		t.Errorf("got  %s\nwant %s", err, want)
	}
	if !errors.Is(err, cause) {
		t.Error("the cause is lost")
	}
	reasons := []pki.Reason{
		pki.ReasonGenerate, pki.ReasonBase64, pki.ReasonPEM, pki.ReasonCertificate, pki.ReasonPeer,
		pki.ReasonNoPeer, pki.ReasonUnusable, pki.ReasonNotTLS, pki.ReasonRefused,
	}
	seen := map[string]bool{}
	for _, reason := range reasons {
		err := &pki.Error{Reason: reason}
		if seen[err.Error()] || err.Error() == string(reason) {
			t.Errorf("reason %q reads %q", reason, err)
		}
		seen[err.Error()] = true
		if (err.Hint() == "") != (reason == pki.ReasonGenerate) {
			t.Errorf("reason %q has the hint %q", reason, err.Hint())
		}
	}
}

// seedPEM returns a certificate that is the same in every process, as seeds of
// fuzzing have to be.
func seedPEM(f *testing.F) string {
	f.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", "seed.pem"))
	if err != nil {
		f.Fatal(err)
	}
	return string(text)
}

func FuzzDecodeField(f *testing.F) {
	certificate, err := pki.ParsePEM(seedPEM(f))
	if err != nil {
		f.Fatal(err)
	}
	der := certificate.Raw
	f.Add(pki.EncodeField(der))
	f.Add(" " + base64.StdEncoding.EncodeToString(der) + "\n")
	f.Add("=")
	f.Add("====")
	f.Add("MII")
	f.Add("\xff")
	f.Fuzz(func(t *testing.T, field string) {
		certificate, err := pki.DecodeField(field)
		if err != nil {
			if typed := new(pki.Error); !errors.As(err, &typed) {
				t.Fatalf("got an untyped error %v", err)
			}
			return
		}
		again, err := pki.DecodeField(pki.EncodeField(certificate.Raw))
		if err != nil || !again.Equal(certificate) {
			t.Errorf("it does not survive the way back: %v", err)
		}
	})
}

func FuzzParsePEM(f *testing.F) {
	text := seedPEM(f)
	f.Add(text)
	f.Add(strings.ReplaceAll(text, "\n", "\r\n"))
	f.Add("-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n")
	f.Add("-----BEGIN A-----\nk: v\n\n-----END A-----\n" + text)
	f.Add("-----BEGIN \xff-----")
	f.Fuzz(func(t *testing.T, text string) {
		certificate, err := pki.ParsePEM(text)
		if err != nil {
			if typed := new(pki.Error); !errors.As(err, &typed) {
				t.Fatalf("got an untyped error %v", err)
			}
			return
		}
		written := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: certificate.Raw})
		again, err := pki.ParsePEM(string(written))
		if err != nil || !again.Equal(certificate) {
			t.Errorf("it does not survive the way back: %v", err)
		}
	})
}
