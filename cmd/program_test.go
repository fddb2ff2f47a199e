package cmd

import (
	"slices"
	"strings"
	"testing"
)

func TestOwnName(t *testing.T) {
	t.Parallel()
	for arg0, want := range map[string]bool{
		"rpcplugin":                            true,
		"/usr/bin/rpcplugin":                   true,
		"./rpcplugin":                          true,
		"rpcplugin.exe":                        true,
		"RPCPLUGIN.EXE":                        true,
		"rpcplugin_linux_amd64":                true,
		"rpcplugin-v1.2.3":                     true,
		"rpcplugin_v1.2.3":                     true,
		"rpcplugin_1.2.3_linux_amd64":          true,
		"rpcplugin-linux-amd64":                true,
		"rpcplugin-darwin-arm64":               true,
		"rpcplugin_windows_amd64.exe":          true,
		"rpcplugin-tflint-ruleset":             false,
		"rpcplugin-tflint-ruleset.exe":         false,
		"rpcplugin_notes":                      false,
		"rpcplugins":                           false,
		"terraform-provider-notes":             false,
		"./terraform-provider-rpcplugin":       false,
		"/rpcplugin/terraform-provider-notes":  false,
		"tflint-ruleset-notes":                 false,
		"../rpcplugin/terraform-provider_v1.0": false,
		"":                                     false,
	} {
		if got := ownName(arg0); got != want {
			t.Errorf("ownName(%q) = %t, want %t", arg0, got, want)
		}
	}
}

func TestSplitCommand(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name             string
		args, own, after []string
	}{
		{"nothing", nil, nil, nil},
		{"no command", []string{"version"}, []string{"version"}, nil},
		{"a plugin", []string{"connect", "--", "a", "-x"}, []string{"connect"}, []string{"a", "-x"}},
		{"the first -- counts", []string{"connect", "--", "a", "--", "b"}, []string{"connect"}, []string{"a", "--", "b"}},
		{"--exec of the plugin", []string{"connect", "--", "a", "--exec", "b"}, []string{"connect"}, []string{"a", "--exec", "b"}},
		{"--exec= of the plugin", []string{"connect", "--", "a", "--exec=b"}, []string{"connect"}, []string{"a", "--exec=b"}},
		{"a program", []string{"serve", "--exec", "a", "-x"}, []string{"serve", "--exec=a", "--exec=-x"}, nil},
		{"a program after =", []string{"serve", "--exec=a", "b"}, []string{"serve", "--exec=a", "--exec=b"}, nil},
		{"-- of the program", []string{"serve", "--exec", "a", "--", "b"}, []string{"serve", "--exec=a", "--exec=--", "--exec=b"}, nil},
		{"--exec of the program", []string{"serve", "--exec", "a", "--exec", "b"}, []string{"serve", "--exec=a", "--exec=--exec", "--exec=b"}, nil},
		{"an empty word", []string{"serve", "--exec", "a", ""}, []string{"serve", "--exec=a", "--exec="}, nil},
		{"no program", []string{"serve", "--exec"}, []string{"serve", "--exec"}, nil},
		{"no plugin", []string{"connect", "--"}, []string{"connect"}, nil},
	} {
		own, after := splitCommand(tc.args)
		if !slices.Equal(own, tc.own) || !slices.Equal(after, tc.after) {
			t.Errorf("%s: splitCommand(%q) = %q, %q, want %q, %q", tc.name, tc.args, own, after, tc.own, tc.after)
		}
	}
}

// Settings files are somebody else's where a command does not serve or connect.
func TestTakesSettings(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		args string
		want bool
	}{
		{"", false},
		{"serve", true},
		{"connect list", true},
		{"--log-level=debug serve", true},
		{"--log-level debug serve", true},
		{"--color never connect", true},
		{"version", false},
		{"--color never version", false},
		{"handshake parse", false},
		{"handshake parse serve", false},
		{"descriptors export tfplugin6", false},
	} {
		if got := takesSettings(strings.Fields(tc.args)); got != tc.want {
			t.Errorf("takesSettings(%q) = %t, want %t", tc.args, got, tc.want)
		}
	}
}

func TestAsFlags(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ args, want []string }{
		{nil, nil},
		{[]string{"help"}, []string{"--help"}},
		{[]string{"help", "connect", "call"}, []string{"connect", "call", "--help"}},
		{[]string{"--version"}, []string{"version"}},
		{[]string{"serve", "--exec", "a", "--version"}, []string{"serve", "--exec", "a", "--version"}},
		{[]string{"connect", "help"}, []string{"connect", "help"}},
	} {
		if got := asFlags(tc.args); !slices.Equal(got, tc.want) {
			t.Errorf("asFlags(%q) = %q, want %q", tc.args, got, tc.want)
		}
	}
}
