package certs_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/pyvider/rpcplugin/pkg/pki/certs"
)

// wantFiles wants a directory to hold these files and nothing else.
func wantFiles(t *testing.T, dir string, want ...string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	noError(t, err)
	var got []string
	for _, entry := range entries {
		got = append(got, entry.Name())
	}
	if strings.Join(got, " ") != strings.Join(want, " ") {
		t.Errorf("the directory holds %q, expected %q", got, want)
	}
}

func wantMode(t *testing.T, name string, want fs.FileMode) {
	t.Helper()
	info, err := os.Stat(name)
	noError(t, err)
	if runtime.GOOS != "windows" && info.Mode().Perm() != want {
		t.Errorf("%s has mode %v, expected %v", name, info.Mode(), want)
	}
}

func TestWriteIdentity(t *testing.T) {
	dir := t.TempDir()
	_, _, leaf := tower(t)
	c, k := filepath.Join(dir, "c.pem"), filepath.Join(dir, "k.pem")
	noError(t, certs.WriteIdentity(c, k, leaf, certs.WriteOptions{}))
	wantFiles(t, dir, "c.pem", "k.pem")
	wantMode(t, c, 0o644)
	wantMode(t, k, 0o600)
	before, err := os.ReadFile(k)
	noError(t, err)
	if !strings.HasPrefix(string(before), "-----BEGIN PRIVATE KEY-----") {
		t.Errorf("the key begins with %.30q", before)
	}

	other := root(t)
	wantReason(t, certs.WriteIdentity(c, k, other, certs.WriteOptions{}), certs.ReasonExists)
	wantReason(t, certs.WriteIdentity(c, filepath.Join(dir, "new"), other, certs.WriteOptions{}), certs.ReasonExists)
	wantFiles(t, dir, "c.pem", "k.pem")
	after, err := os.ReadFile(k)
	noError(t, err)
	if string(after) != string(before) {
		t.Error("the key was overwritten")
	}

	noError(t, certs.WriteIdentity(c, k, other, certs.WriteOptions{Replace: true, Password: []byte("secret")}))
	wantFiles(t, dir, "c.pem", "k.pem")
	wantMode(t, k, 0o600)
	got, err := certs.ReadIdentity(c, k, []byte("secret"))
	noError(t, err)
	if !got.Certificate().Equal(other.Certificate()) {
		t.Error("it was not replaced")
	}

	one := filepath.Join(dir, "one.pem")
	noError(t, certs.WriteIdentity(one, "file://"+dir+"/./one.pem", leaf, certs.WriteOptions{}))
	wantMode(t, one, 0o600)
	_, err = certs.ReadIdentity(one, one, nil)
	noError(t, err)
}

func TestWriteRequest(t *testing.T) {
	dir := t.TempDir()
	key := keyOf(t, certs.KeyP256)
	request, err := certs.NewRequest(certs.Spec{}, key)
	noError(t, err)
	r, k := filepath.Join(dir, "r.pem"), filepath.Join(dir, "k.pem")
	noError(t, certs.WriteRequest(r, k, request, key, certs.WriteOptions{}))
	wantMode(t, r, 0o644)
	wantMode(t, k, 0o600)
	one := filepath.Join(dir, "one.pem")
	for _, options := range []certs.WriteOptions{{}, {Replace: true}} {
		noError(t, certs.WriteRequest(one, one, request, key, options))
		wantMode(t, one, 0o600)
		_, err = certs.ReadRequest(one)
		noError(t, err)
		if got, err := certs.ReadKey(one, nil); err != nil || !equal(got, key) {
			t.Errorf("another key, %v", err)
		}
	}
	wantReason(t, certs.WriteRequest(filepath.Join(dir, "new"), k, request, key, certs.WriteOptions{}), certs.ReasonExists)
	wantFiles(t, dir, "k.pem", "one.pem", "r.pem")
}

func TestWritingLeavesNothingBehind(t *testing.T) {
	dir := t.TempDir()
	ca := root(t)
	for name, test := range map[string]struct {
		certificate, key string
		options          certs.WriteOptions
		want             certs.Reason
	}{
		"the certificate's directory is missing": {"none/c", "k", certs.WriteOptions{}, certs.ReasonWrite},
		"the key's directory is missing":         {"c", "none/k", certs.WriteOptions{Replace: true}, certs.ReasonWrite},
		"a directory is in the way":              {".", "k", certs.WriteOptions{Replace: true}, certs.ReasonDirectory},
	} {
		t.Run(name, func(t *testing.T) {
			err := certs.WriteIdentity(filepath.Join(dir, test.certificate), filepath.Join(dir, test.key), ca, test.options)
			if failed := wantReason(t, err, test.want); failed.Path == "" || failed.Hint() == "" {
				t.Errorf("error %v without path or hint", err)
			}
			wantFiles(t, dir)
		})
	}
	wantReason(t, certs.WriteCertificates("", ca.Chain, certs.WriteOptions{}), certs.ReasonUnset)
	wantReason(t, certs.WriteIdentity("", "", ca, certs.WriteOptions{}), certs.ReasonUnset)
}

func TestReplaceDoesNotFollowLinks(t *testing.T) {
	dir := t.TempDir()
	target := put(t, dir, "target", []byte("kept"))
	link := filepath.Join(dir, "link")
	if err := os.Symlink(target, link); err != nil {
		t.Skipf("no symbolic links here: %v", err)
	}
	wantReason(t, certs.WriteSecret(link, []byte("new"), certs.WriteOptions{}), certs.ReasonExists)
	noError(t, certs.WriteSecret(link, []byte("new"), certs.WriteOptions{Replace: true}))
	if data, err := os.ReadFile(target); err != nil || string(data) != "kept" {
		t.Errorf("the target holds %q, %v", data, err)
	}
	if data, err := os.ReadFile(link); err != nil || string(data) != "new" {
		t.Errorf("the link holds %q, %v", data, err)
	}
	wantMode(t, link, 0o600)
	if runtime.GOOS != "windows" {
		wantReason(t, certs.WriteSecret(os.DevNull, nil, certs.WriteOptions{Replace: true}), certs.ReasonDirectory)
	}
}
