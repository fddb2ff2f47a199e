// Command rpcplugin makes any program a plugin of Terraform, OpenTofu, Vault,
// Nomad and every other host of the go-plugin protocol, and is a host itself.
package main

import (
	"os"

	"github.com/pyvider/rpcplugin/cmd"
)

func main() {
	os.Exit(cmd.Main(os.Args))
}
