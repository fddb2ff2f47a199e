package cmd

import (
	"github.com/pyvider/rpcplugin/pkg/client"
	"github.com/pyvider/rpcplugin/pkg/pki"
)

// tlsFlags name the files of --tls files.
type tlsFlags struct {
	Cert       string `placeholder:"FILE" help:"Certificate to show, in PEM, with those that lead to its authority."`
	Key        string `placeholder:"FILE" help:"Its private key."`
	CA         string `name:"ca" placeholder:"FILE" help:"Certificates of the authorities that the plugin's must come from; default: those of the system."`
	ServerName string `placeholder:"NAME" help:"Name that the plugin's certificate must have; default: localhost."`
}

// protect sets the TLS of a configuration.
func (f *connectFlags) protect(config *client.Config, hostWithout bool) error {
	named := f.Cert != "" || f.Key != "" || f.CA != "" || f.ServerName != ""
	if f.TLS != "files" && !named {
		if f.TLS == "off" || hostWithout {
			config.TLS = client.TLSOff
		}
		return nil
	}
	if f.TLS == "off" {
		return usagef("leave out --tls off, or --cert, --key, --ca and --server-name", "--tls is \"off\", expected \"files\" with certificates")
	}
	var err error
	config.TLSConfig, err = pki.Files{Certificate: f.Cert, Key: f.Key, CA: f.CA}.ClientTLS(f.ServerName)
	if err != nil {
		return &usageError{err: err, hint: hintOf(err)}
	}
	return nil
}
