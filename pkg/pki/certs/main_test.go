package certs_test

import (
	"crypto"
	"crypto/x509"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/pyvider/rpcplugin/pkg/pki/certs"
)

const (
	roleVariable = "CERTS_TEST_ROLE"
	dirVariable  = "CERTS_TEST_DIR"
	// patience is for what must happen but may take a while on a busy machine.
	patience = 20 * time.Second
)

// TestMain plays the part of a plugin, or of a host of go-plugin, when it finds
// a role in its environment.
func TestMain(m *testing.M) {
	play, found := map[string]func(string) error{
		"our plugin": playOurPlugin, "their plugin": playTheirPlugin, "their host": playTheirHost,
	}[os.Getenv(roleVariable)]
	if !found {
		flag.Parse()
		goleak.VerifyTestMain(m)
		return
	}
	if err := play(os.Getenv(dirVariable)); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(3)
	}
}

func noError(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// wantReason wants an error of the package, with something to do about it.
func wantReason(t testing.TB, err error, want certs.Reason) *certs.Error {
	t.Helper()
	var failed *certs.Error
	if !errors.As(err, &failed) || failed.Reason != want {
		t.Fatalf("error %v, expected reason %q", err, want)
	}
	return failed
}

// keyRing makes each kind of key once: RSA takes its time.
type keyRing struct {
	mu   sync.Mutex
	keys map[certs.KeyKind]crypto.Signer
}

var ring keyRing

func keyOf(t testing.TB, kind certs.KeyKind) crypto.Signer {
	t.Helper()
	ring.mu.Lock()
	defer ring.mu.Unlock()
	if key := ring.keys[kind]; key != nil {
		return key
	}
	key, err := certs.NewKey(kind)
	noError(t, err)
	if ring.keys == nil {
		ring.keys = make(map[certs.KeyKind]crypto.Signer)
	}
	ring.keys[kind] = key
	return key
}

// issue makes an identity with the shared key of the kind.
func issue(t testing.TB, spec certs.Spec, issuer *certs.Identity) *certs.Identity {
	t.Helper()
	identity, err := certs.Issue(spec, keyOf(t, spec.Key), issuer)
	noError(t, err)
	return identity
}

// fresh makes an identity with a key of its own.
func fresh(t testing.TB, spec certs.Spec, issuer *certs.Identity) *certs.Identity {
	t.Helper()
	identity, err := certs.New(spec, issuer)
	noError(t, err)
	return identity
}

func root(t testing.TB) *certs.Identity {
	t.Helper()
	return fresh(t, certs.Spec{Profile: certs.ProfileRoot, CommonName: "test root"}, nil)
}

// tower is a leaf under an intermediate under a root.
func tower(t testing.TB) (root, intermediate, leaf *certs.Identity) {
	t.Helper()
	root = fresh(t, certs.Spec{Profile: certs.ProfileRoot, CommonName: "test root"}, nil)
	intermediate = fresh(t, certs.Spec{Profile: certs.ProfileIntermediate, CommonName: "test intermediate"}, root)
	leaf = fresh(t, certs.Spec{Profile: certs.ProfilePeer}, intermediate)
	return root, intermediate, leaf
}

// list is certificates one after the other.
func list(chain ...*x509.Certificate) []*x509.Certificate { return chain }

// put writes a file for a test.
func put(t testing.TB, dir, name string, data []byte) string {
	t.Helper()
	name = filepath.Join(dir, name)
	noError(t, os.WriteFile(name, data, 0o600))
	return name
}

func pemOf(t testing.TB, key crypto.Signer, password string) []byte {
	t.Helper()
	text, err := certs.EncodeKey(key, []byte(password))
	noError(t, err)
	return text
}
