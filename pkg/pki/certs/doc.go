// Package certs makes, reads, checks and explains the keys and certificates of a
// connection whose TLS was agreed on beforehand, and of AutoMTLS when it fails.
// The one-use pairs of AutoMTLS itself are in package pki, which every plugin
// links; this package is for whoever manages files of certificates, and nothing
// of it ends up in a plugin that does not import it.
//
// An [Identity] is a private key with its chain of certificates, leaf first.
// [New] makes one from a [Spec], signed by an issuer or by itself:
//
//	root, err := certs.New(certs.Spec{Profile: certs.ProfileRoot, CommonName: "acme root"}, nil)
//	plugin, err := certs.New(certs.Spec{Profile: certs.ProfileServer, Names: []string{"localhost"}}, root)
//	err = certs.WriteIdentity("plugin.pem", "plugin.key", plugin, certs.WriteOptions{})
//
// [NewRequest] and [SignRequest] do the same for a key that stays elsewhere.
// [ReadIdentity], [ReadCertificates], [ReadKey], [ReadRequest] and [ReadPKCS12]
// take what other tools write. [Verify] gives one reason, [Diagnose] a list of
// findings with advice; [Describe] gives facts. A [Follower] has connections
// follow files that are replaced while the program runs.
//
// Beside the standard library go.step.sm/crypto makes and encrypts keys, and
// go-pkcs12 reads and writes PKCS #12.
package certs
