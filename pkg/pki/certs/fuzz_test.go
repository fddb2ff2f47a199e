package certs_test

import (
	"bytes"
	"encoding/pem"
	"errors"
	"testing"
	"time"

	"github.com/pyvider/rpcplugin/pkg/pki/certs"
)

// seeds are whole files of each form, of one key that is made for it.
func seeds(f *testing.F) [][]byte {
	f.Helper()
	identity, err := certs.New(certs.Spec{Profile: certs.ProfileGoPlugin}, nil)
	if err != nil {
		f.Fatal(err)
	}
	request, err := certs.NewRequest(certs.Spec{}, identity.Key)
	if err != nil {
		f.Fatal(err)
	}
	p12, err := certs.EncodePKCS12(identity, []byte("secret"), false)
	if err != nil {
		f.Fatal(err)
	}
	text := certs.EncodeCertificates(identity.Chain...)
	block, _ := pem.Decode(pemOf(f, identity.Key, "secret"))
	quick := bytes.Replace(block.Bytes, []byte{2, 3, 9, 0x27, 0xc0}, []byte{2, 3, 0, 0x80, 0}, 1) // fewer iterations
	return [][]byte{
		text, identity.Certificate().Raw, certs.EncodeRequest(request), request.Raw, pemOf(f, identity.Key, ""), quick, encode("ENCRYPTED PRIVATE KEY", quick),
		mustPKCS8(f, identity.Key), utf16le(text), p12, append([]byte("\xef\xbb\xbfx\r\n"), text[:len(text)-9]...),
		{0x30, 0x84},
		nil,
	}
}

// wantTyped wants an error of the package, or a value.
func wantTyped(t *testing.T, found bool, err error) {
	t.Helper()
	var own *certs.Error
	switch {
	case err == nil && !found:
		t.Error("neither a value nor an error")
	case err != nil && found:
		t.Errorf("a value and the error %v", err)
	case err != nil && (!errors.As(err, &own) || own.Reason == "" || len(own.Found) > 200):
		t.Errorf("error %#v", err)
	}
}

func FuzzParseCertificates(f *testing.F) {
	for _, seed := range seeds(f) {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		chain, err := certs.ParseCertificates(data)
		wantTyped(t, len(chain) > 0, err)
		if err != nil {
			return
		}
		again, err := certs.ParseCertificates(certs.EncodeCertificates(chain...))
		if err != nil || len(again) != len(chain) || !again[0].Equal(chain[0]) {
			t.Errorf("%d certificates came back as %d, %v", len(chain), len(again), err)
		}
		certs.Describe(chain...)
		certs.SortChain(chain)
		certs.Diagnose(certs.Patient{Chain: chain})
		certs.Diagnose(certs.Patient{Chain: chain, Roots: chain})
		_ = certs.Verify(chain, certs.Check{Roots: chain, Name: "localhost"})
		certs.NeedsRenewal(chain[0], time.Now(), certs.Threshold{})
	})
}

func FuzzParseKey(f *testing.F) {
	for _, seed := range seeds(f) {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		key, err := certs.ParseKey(data, []byte("secret"))
		wantTyped(t, key != nil, err)
		_, err = certs.ParseKey(data, nil)
		wantTyped(t, err == nil, err)
	})
}

func FuzzParseRequest(f *testing.F) {
	for _, seed := range seeds(f) {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		request, err := certs.ParseRequest(data)
		wantTyped(t, request != nil, err)
		if err == nil {
			certs.DescribeRequest(request)
		}
	})
}

func FuzzParsePKCS12(f *testing.F) {
	for _, seed := range seeds(f) {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		identity, err := certs.ParsePKCS12(data, []byte("secret"))
		wantTyped(t, identity != nil, err)
	})
}

func FuzzDiagnoseField(f *testing.F) {
	f.Add("")
	f.Add("LS0tLS1CRUdJTiBDRVJUSUZJQ0FURS0tLS0tLS0tLS0tLS0tLS0tLS0tLS0tLS0tLS0tLS0t")
	f.Fuzz(func(t *testing.T, field string) {
		for _, finding := range certs.Diagnose(certs.Patient{Field: field}) {
			if finding.What == "" || finding.Fix == "" || finding.Evidence == "" {
				t.Errorf("got %+v", finding)
			}
		}
	})
}

func FuzzParseNames(f *testing.F) {
	for _, seed := range []string{"localhost", "127.0.0.1", "[::1]", "a@b.c", "urn:x:y", "uri:a://b", "dns:*.x"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, name string) {
		names, err := certs.ParseNames(name)
		wantTyped(t, len(names.DNS)+len(names.IP)+len(names.Email)+len(names.URI) == 1, err)
		if err != nil {
			return
		}
		if _, err := certs.Issue(certs.Spec{Profile: certs.ProfileSelfSigned, Names: []string{name}}, keyOf(t, certs.KeyP256), nil); err != nil {
			t.Errorf("%q is a name and not issued: %v", name, err)
		}
	})
}
