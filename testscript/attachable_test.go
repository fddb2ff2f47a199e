package testscript_test

import (
	"os"
	"regexp"
	"strconv"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/pyvider/rpcplugin/pkg/handshake"
)

// attachable FILE waits until a plugin that serves by itself has said in FILE,
// its stderr, how to attach to it, and takes that into the environment: ADDRESS,
// PID, GO_REATTACH and TF_REATTACH_PROVIDERS.
func attachable(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: attachable FILE")
	}
	said := map[string]*regexp.Regexp{
		"ADDRESS":                      regexp.MustCompile(`(?m)^To look at it: rpcplugin connect --attach (\S+)$`),
		"GO_REATTACH":                  regexp.MustCompile(`(?m)^  (\{"Protocol".*\})$`),
		handshake.EnvReattachProviders: regexp.MustCompile(`(?m)^  export TF_REATTACH_PROVIDERS='(.*)'$`),
	}
	deadline := time.Now().Add(30 * time.Second)
	for name, pattern := range said {
		for {
			text, err := os.ReadFile(ts.MkAbs(args[0]))
			if found := pattern.FindSubmatch(text); found != nil {
				ts.Setenv(name, string(found[1]))
				break
			}
			if time.Now().After(deadline) {
				ts.Fatalf("no %s in %q, %v", name, text, err)
			}
			time.Sleep(5 * time.Millisecond)
		}
	}
	at, err := handshake.ParseReattach([]byte(ts.Getenv("GO_REATTACH")))
	ts.Check(err)
	ts.Setenv("PID", strconv.Itoa(at.Pid))
}
