//go:build e2e && linux

package e2e

import (
	"path/filepath"
	"strings"
	"testing"
)

// What goes wrong in the provider's own code: Terraform's users read why, and
// the state is what it was.
func TestFailureInApply(t *testing.T) {
	for _, test := range []struct {
		name    string
		content string
		says    []string
		not     []string
	}{
		{
			name: "exception", content: "raise",
			says: []string{"Plugin error", "Exception calling application: the note asked for it"},
			not:  []string{"crashed", "did not respond"},
		},
		{
			name: "status", content: "abort",
			says: []string{"Plugin error", "code = FailedPrecondition desc = quota is used up"},
			not:  []string{"crashed", "did not respond"},
		},
		{
			name: "exit", content: "exit",
			says: []string{
				"Plugin error", "misbehave.py", "exited with status 3", "its last lines on stderr:", "these are my last words",
				"The " + binary + " plugin crashed!",
			},
			not: []string{"did not respond"},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := newSandbox(t)
			s.configure("milk")
			s.install(s.misbehave())
			s.terraform("apply").ok()

			s.configure(test.content)
			s.terraform("apply").exited(1).says(test.says...).doesNotSay(test.not...)
			s.expectNote("milk")

			s.configure("bread")
			s.terraform("apply").ok().says(`"milk" -> "bread"`)
			s.expectNote("bread")
		})
	}
}

// A traceback is one entry of Terraform's log, not one for each of its lines.
func TestTracebackIsOneErrorOfTheLog(t *testing.T) {
	s := newSandbox(t)
	s.configure("raise")
	s.install(s.misbehave())
	log := s.logged()
	s.terraform("apply").exited(1)
	entries := s.entries(log, "Traceback (most recent call last):")
	if len(entries) != 1 {
		t.Fatalf("the log has %d entries with a traceback, expected one: %+v", len(entries), entries)
	}
	entry := entries[0]
	if entry.Level != "error" || entry.Message != "RuntimeError: the note asked for it" ||
		!strings.Contains(entry.Traceback, `raise RuntimeError("the note asked for it")`) {
		t.Errorf("the traceback's entry is %+v", entry)
	}
	if lines := s.entries(log, "in ApplyResourceChange"); len(lines) != 1 {
		t.Errorf("a line of the traceback is in %d entries, expected one: %+v", len(lines), lines)
	}
	if told := s.entries(log, "notes are kept in"); len(told) == 0 || told[0].Level != "info" {
		t.Errorf("what Python logs with INFO is in the log as %+v", told)
	}
}

// What goes wrong before the provider serves.
func TestProviderThatDoesNotServe(t *testing.T) {
	for _, test := range []struct {
		name    string
		command func(*sandbox) []string
		says    []string
	}{
		{
			name:    "dies",
			command: func(s *sandbox) []string { return s.misbehave("--die") },
			says: []string{
				"exited with status 1 before it accepted a connection",
				"its last lines on stderr:", "RuntimeError: cannot reach the database",
			},
		},
		{
			name:    "missing command",
			command: func(s *sandbox) []string { return []string{"pyhton3", "${dir}/provider.py"} },
			says:    []string{"Unrecognized remote plugin message: rpcplugin:", `"pyhton3"`, "PATH"},
		},
		{
			name:    "missing script",
			command: func(s *sandbox) []string { return []string{python(s.TB), "${dir}/porvider.py"} },
			says:    []string{"exited with status 2", "porvider.py", "No such file or directory"},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := newSandbox(t)
			s.configure("milk")
			s.install(test.command(s))
			s.terraform("plan").exited(1).says(test.says...).doesNotSay("did not respond")
			s.expectNothingLeft()
		})
	}
}

// A package without settings says what is missing.
func TestPackageWithoutSettings(t *testing.T) {
	s := newSandbox(t)
	s.configure("milk")
	s.copy(rpcplugin(t), s.path("mirror", address, version, platform, binary))
	s.mirrored()
	s.terraform("init").ok()
	s.terraform("plan").exited(1).says("no rpcplugin.yaml beside", binary)
}

// A directory of somebody else's project decides nothing.
func TestSettingsOfTheProjectAreIgnored(t *testing.T) {
	s := newSandbox(t)
	s.configure("milk")
	s.write(filepath.Join(s.project, "rpcplugin.yaml"), settings([]string{"false"}))
	s.set("RPCPLUGIN_EXEC=false", "RPCPLUGIN_LOG_LEVEL=nonsense")
	s.install(s.notes())
	s.terraform("apply").ok()
	s.expectNote("milk")
}

// Two seconds of imports are waited for.
func TestSlowStart(t *testing.T) {
	s := newSandbox(t)
	s.configure("milk")
	s.install(s.misbehave("--delay", "2"))
	s.terraform("apply").ok()
	s.expectNote("milk")
}

// What a provider prints on stdout is no handshake.
func TestPrintingProvider(t *testing.T) {
	s := newSandbox(t)
	s.configure("milk")
	s.install(s.misbehave("--chatter"))
	log := s.logged()
	s.terraform("apply").ok()
	s.expectNote("milk")
	if printed := s.entries(log, "applying a change"); len(printed) != 1 || printed[0].Level != "warn" {
		t.Errorf("what Python printed is in the log as %+v", printed)
	}
}
