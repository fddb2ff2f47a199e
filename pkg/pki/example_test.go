package pki_test

import (
	"fmt"

	"github.com/pyvider/rpcplugin/pkg/pki"
)

// Both sides of AutoMTLS, in the order of things.
func Example() {
	host, err := pki.NewPair()
	if err != nil {
		fmt.Println(err)
		return
	}
	environment := host.PEM() // becomes PLUGIN_CLIENT_CERT

	plugin, err := pki.NewPair()
	if err != nil {
		fmt.Println(err)
		return
	}
	announced, err := pki.ParsePEM(environment)
	if err != nil {
		fmt.Println(err)
		return
	}
	server := plugin.ServerTLS(announced)
	field := pki.EncodeField(plugin.DER()) // goes into the handshake line

	answered, err := pki.DecodeField(field)
	if err != nil {
		fmt.Println(err)
		return
	}
	client := host.ClientTLS(answered)
	fmt.Println(server.NextProtos, client.NextProtos, client.ServerName)
	// Output: [h2] [h2] localhost
}
