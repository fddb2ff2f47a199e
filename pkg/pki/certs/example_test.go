package certs_test

import (
	"fmt"
	"log"
	"os"
	"path/filepath"
	"time"

	"github.com/pyvider/rpcplugin/pkg/pki/certs"
)

// An authority signs a certificate for a plugin, and both are written to files.
func ExampleNew() {
	dir, err := os.MkdirTemp("", "certs")
	if err != nil {
		log.Fatal(err)
	}
	defer func() { _ = os.RemoveAll(dir) }()

	root, err := certs.New(certs.Spec{Profile: certs.ProfileRoot, CommonName: "acme root"}, nil)
	if err != nil {
		log.Fatal(err)
	}
	plugin, err := certs.New(certs.Spec{Profile: certs.ProfilePeer, Names: []string{"localhost"}, Lifetime: 30 * 24 * time.Hour}, root)
	if err != nil {
		log.Fatal(err)
	}
	if err := certs.WriteIdentity(filepath.Join(dir, "plugin.pem"), filepath.Join(dir, "plugin.key"), plugin, certs.WriteOptions{}); err != nil {
		log.Fatal(err)
	}

	read, err := certs.ReadIdentity(filepath.Join(dir, "plugin.pem"), filepath.Join(dir, "plugin.key"), nil)
	if err != nil {
		log.Fatal(err)
	}
	err = certs.Verify(read.Chain, certs.Check{Roots: root.Chain, Name: "localhost", Purpose: certs.PurposePeer, Key: read.Key})
	fmt.Println(err, certs.Describe(read.Chain...)[0].Issuer)
	// Output: <nil> CN=acme root
}

// A key stays where it is, and only a request for its certificate travels.
func ExampleSignRequest() {
	key, err := certs.NewKey(certs.KeyP256)
	if err != nil {
		log.Fatal(err)
	}
	request, err := certs.NewRequest(certs.Spec{Names: []string{"localhost"}}, key)
	if err != nil {
		log.Fatal(err)
	}

	root, err := certs.New(certs.Spec{Profile: certs.ProfileRoot}, nil)
	if err != nil {
		log.Fatal(err)
	}
	chain, err := certs.SignRequest(request, certs.Spec{Profile: certs.ProfileServer}, root)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(chain[0].DNSNames, certs.Describe(chain...)[0].ExtendedUsages)
	// Output: [localhost] [serverAuth]
}

// A certificate is looked at before a host or a plugin stumbles over it.
func ExampleDiagnose() {
	identity, err := certs.New(certs.Spec{Profile: certs.ProfileGoPlugin, Key: certs.KeyP521, Names: []string{"plugin.example"}}, nil)
	if err != nil {
		log.Fatal(err)
	}
	for _, finding := range certs.Diagnose(certs.Patient{Chain: identity.Chain}) {
		fmt.Printf("%s: %s (%s)\n", finding.Severity, finding.Problem, finding.Evidence)
	}
	// Output:
	// error: wrong name (alternative names ["plugin.example"])
	// warning: p-521 (the key is ECDSA on P-521)
}
