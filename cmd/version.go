package cmd

import (
	"fmt"
	"runtime"
	"runtime/debug"
	"strings"

	"github.com/pyvider/rpcplugin/pkg/handshake"
)

// version is set when a release is built. Else the version is that of the module.
var version string //nolint:gochecknoglobals // the linker sets it

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
	Commit      string `json:"commit,omitempty"`   // of which it was built
	Time        string `json:"time,omitempty"`     // of the commit, RFC 3339
	Modified    bool   `json:"modified,omitempty"` // there were changes since
	CoreVersion int    `json:"core_version"`
	Go          string `json:"go"`
	Platform    string `json:"platform"`
}

// Run prints.
func (c versionCommand) Run(p *Program) error {
	build, _ := debug.ReadBuildInfo()
	info := versionOf(version, build)
	if c.Output == "json" {
		return writeJSON(p.Stdout, info)
	}
	_, err := fmt.Fprintln(p.Stdout, info)
	return err
}

// versionOf tells the version by what the linker has set, else by what Go has
// noted in the binary; build is nil if it has not.
func versionOf(linked string, build *debug.BuildInfo) versionInfo {
	info := versionInfo{
		Version: linked, CoreVersion: handshake.CoreVersion,
		Go: runtime.Version(), Platform: runtime.GOOS + "/" + runtime.GOARCH,
	}
	if build == nil {
		build = new(debug.BuildInfo)
	}
	if info.Version == "" && build.Main.Version != "(devel)" {
		info.Version = build.Main.Version
	}
	if info.Version == "" {
		info.Version = "development"
	}
	for _, setting := range build.Settings {
		switch setting.Key {
		case "vcs.revision":
			info.Commit = setting.Value
		case "vcs.time":
			info.Time = setting.Value
		case "vcs.modified":
			info.Modified = setting.Value == "true"
		}
	}
	return info
}

// String is the text form.
func (i versionInfo) String() string {
	facts := []string{fmt.Sprintf("go-plugin core protocol %d", i.CoreVersion), i.Go, i.Platform}
	if i.Commit != "" {
		commit := fmt.Sprintf("commit %.12s of %s", i.Commit, i.date())
		if i.Modified {
			commit += " with changes"
		}
		facts = append(facts, commit)
	}
	return "rpcplugin " + i.Version + " (" + strings.Join(facts, ", ") + ")"
}

// date is the day of the commit, "" if it is not known.
func (i versionInfo) date() string {
	day, _, _ := strings.Cut(i.Time, "T")
	return day
}
