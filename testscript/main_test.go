// Package testscript_test runs the scenarios of this directory: whole commands
// against real plugins, good ones and bad ones. The file AREA_TOPIC.txtar is one
// story.
package testscript_test

import (
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/pyvider/rpcplugin/cmd"
)

func TestMain(m *testing.M) {
	arg0 := os.Args[0] // testscript shortens it to the base name
	program := func() { os.Exit(cmd.Main(append([]string{arg0}, os.Args[1:]...))) }
	testscript.Main(m, map[string]func(){
		"rpcplugin":                program,
		"terraform-provider-notes": program, // a name that a host starts
		"fakeplugin":               fakePlugin,
		"child":                    child,
		"recorded":                 recorded,
		"signalled":                signalled,
		"leaving":                  leaving,
		"interrupted":              interrupted,
		"mortal":                   mortal,
	})
}

func TestScenarios(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("the scenarios speak of unix sockets, signals and links")
	}
	t.Parallel()
	testscript.Run(t, testscript.Params{
		Dir:                 ".",
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"status":     wantStatus,
			"linkas":     linkAs,
			"copyas":     copyAs,
			"lines":      lines,
			"narrow":     narrow,
			"json":       jsonField,
			"atleast":    atLeast,
			"attachable": attachable,
			"payload":    payload,
		},
		Setup: func(env *testscript.Env) error {
			env.Setenv("GORACE", "atexit_sleep_ms=10") // each process sleeps a second by default
			// What the machine has set must not leak in.
			home := filepath.Join(env.WorkDir, "home")
			env.Setenv("HOME", home)
			env.Setenv("XDG_CONFIG_HOME", filepath.Join(home, "config"))
			env.Setenv("XDG_CACHE_HOME", filepath.Join(home, "cache"))
			return os.MkdirAll(home, 0o700)
		},
	})
}
