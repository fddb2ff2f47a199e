package pack

import (
	"path/filepath"
)

// InstallDir is the mirror that Terraform and OpenTofu look into without being
// told, for one user: ~/.terraform.d/plugins, and %APPDATA%\terraform.d\plugins
// on Windows. It reads HOME or APPDATA, as they do.
func InstallDir(lookup func(string) (string, bool)) (string, error) {
	variable, folder := "HOME", ".terraform.d"
	if Here().OS == "windows" {
		variable, folder = "APPDATA", "terraform.d"
	}
	home, _ := lookup(variable)
	if home == "" {
		return "", failf(ReasonArgument, "set "+variable+", or give --out DIR", "%s is not set, and so the plugin folder is not known", variable)
	}
	return filepath.Join(home, folder, "plugins"), nil
}
