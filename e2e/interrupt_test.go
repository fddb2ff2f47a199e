//go:build e2e && linux

package e2e

import (
	"syscall"
	"testing"
)

// Ctrl-C at a terminal reaches Terraform, the bridge and whatever else is in
// the process group. Terraform tells the provider, waits for the running
// apply, and saves what it has done.
func TestInterruptedApplyKeepsItsState(t *testing.T) {
	s := newSandbox(t)
	s.configure("sleep 6")
	s.install(s.misbehave())
	log := s.logged()
	apply := s.startTerraform("apply")
	s.expectNoteWritten()
	before := s.provider()
	apply.signal(syscall.SIGINT)
	apply.stdout.expect(s, "Interrupt received")
	if after := s.provider(); before.child.pid != after.child.pid || before.bridge.pid != after.bridge.pid {
		t.Errorf("Ctrl-C has ended a process: before %+v, after %+v", before, after)
	}

	apply.wait().says("Stopping operation", "notes_note.it: Creation complete").
		doesNotSay("Plugin did not respond", "Plugin error", "crashed", "Request cancelled")
	s.expectNote("sleep 6")
	if asked := s.entries(log, "asked to stop"); len(asked) != 1 {
		t.Errorf("the provider was asked to stop %d times, expected once", len(asked))
	}
	if found := s.entries(log, "KeyboardInterrupt"); len(found) > 0 {
		t.Errorf("Python was interrupted: %+v", found)
	}
	s.terraform("plan", "-detailed-exitcode").ok().says("No changes")
}

// expectNoteWritten waits until an apply is under way: with "sleep", the note
// is there long before the answer.
func (s *sandbox) expectNoteWritten() {
	s.Helper()
	if !until(patience, func() bool { return s.exists(s.note()) }) {
		s.Fatalf("%s was not written within %s", s.note(), patience)
	}
}
