package client

import (
	"runtime"
	"slices"
	"strings"
)

// Inherit says which variables of [Config.Environ] a plugin gets.
type Inherit string

// The values of Inherit. PLUGIN_* variables and the cookie are never inherited.
const (
	// InheritAll passes on all of them. It is the zero value.
	InheritAll Inherit = ""
	// InheritMinimal passes on what programs need to run at all: where programs,
	// the home and temporary files are, who the user is, language and time
	// zone, and on Windows what its libraries look for.
	InheritMinimal Inherit = "minimal"
	// InheritNone passes on nothing.
	InheritNone Inherit = "none"
)

// minimal are the variables of InheritMinimal. A star stands for the rest.
var minimal = []string{
	"PATH", "HOME", "USER", "LOGNAME", "SHELL", "TMPDIR", "LANG", "LANGUAGE", "LC_*", "TZ",
	"XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_RUNTIME_DIR", "XDG_STATE_HOME",
	"APPDATA", "COMSPEC", "HOMEDRIVE", "HOMEPATH", "LOCALAPPDATA", "NUMBER_OF_PROCESSORS", "OS", "PATHEXT",
	"PROCESSOR_ARCHITECTURE", "PROGRAMDATA", "PROGRAMFILES", "SYSTEMDRIVE", "SYSTEMROOT", "TEMP", "TMP", "USERNAME",
	"USERPROFILE", "WINDIR",
}

// passed is what the policy lets through of environ, in its order.
func (c Config) passed(environ []string) []string {
	if c.Inherit == InheritAll {
		return environ
	}
	names := slices.Clone(c.InheritNames)
	if c.Inherit == InheritMinimal {
		names = append(names, minimal...)
	}
	return pass(environ, names, runtime.GOOS == "windows")
}

// pass returns the entries of those names; on Windows case says nothing.
func pass(environ, names []string, foldCase bool) []string {
	var passed []string
	for _, entry := range environ {
		name, _, _ := strings.Cut(entry, "=")
		if foldCase {
			name = strings.ToUpper(name)
		}
		if slices.ContainsFunc(names, func(known string) bool {
			if foldCase {
				known = strings.ToUpper(known)
			}
			start, rest := strings.CutSuffix(known, "*")
			return name == known || rest && strings.HasPrefix(name, start)
		}) {
			passed = append(passed, entry)
		}
	}
	return passed
}
