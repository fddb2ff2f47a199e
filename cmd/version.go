package cmd

import (
	"fmt"
	"runtime"

	"github.com/pyvider/rpcplugin/pkg/handshake"
)

// version is set when a release is built.
var version = "development" //nolint:gochecknoglobals // the linker sets it

// versionGrammar is its place on the command line.
type versionGrammar struct {
	Version versionCommand `cmd:"" help:"Print the version."`
}

// versionCommand prints the version.
type versionCommand struct {
	Output string `short:"o" enum:"text,json" default:"text" help:"Form of the output."`
}

// versionInfo is its JSON form.
type versionInfo struct {
	Version     string `json:"version"`
	CoreVersion int    `json:"core_version"`
	Go          string `json:"go"`
	Platform    string `json:"platform"`
}

// Run prints.
func (c versionCommand) Run(p *Program) error {
	info := versionInfo{
		Version: version, CoreVersion: handshake.CoreVersion,
		Go: runtime.Version(), Platform: runtime.GOOS + "/" + runtime.GOARCH,
	}
	if c.Output == "json" {
		return writeJSON(p.Stdout, info)
	}
	_, err := fmt.Fprintf(p.Stdout, "rpcplugin %s (go-plugin core protocol %d, %s, %s)\n", info.Version, info.CoreVersion, info.Go, info.Platform)
	return err
}
