// Package pki makes and reads the certificates of AutoMTLS, the mutual TLS that
// a host and a plugin of the go-plugin protocol set up for one run.
//
// Each side makes a [Pair], a key that lives in memory only and a certificate
// signed with it. The host hands its certificate down as PEM in the plugin's
// environment, and the plugin answers with its own as a field of the handshake
// line (see the go-plugin contract, section 3). From then on each side trusts
// exactly the other's certificate and nothing else:
//
//	pair, err := pki.NewPair()                  // host
//	environ = append(environ, "PLUGIN_CLIENT_CERT="+pair.PEM())
//	…
//	plugin, err := pki.DecodeField(field)       // from the handshake line
//	config := pair.ClientTLS(plugin)
//
//	host, err := pki.ParsePEM(environment)      // plugin
//	pair, err := pki.NewPair()
//	config := pair.ServerTLS(host)
//	field := pki.EncodeField(pair.DER())
//
// Connections made later, by the broker, take configurations of the same pair.
//
// The go-plugin contract that comments refer to is docs/protocol.md, by sections.
package pki
