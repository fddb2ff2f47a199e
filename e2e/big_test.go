//go:build e2e && linux

package e2e

import "testing"

// size is that of the attribute which the note "big" has.
const size = 70_000_000

func TestBigAttribute(t *testing.T) {
	s := newSandbox(t)
	s.configure("big")
	s.install(s.misbehave())
	s.terraform("plan", "-detailed-exitcode").exited(2).says("1 to add")
	s.terraform("apply").ok().says("1 added")
	s.expectNote("big")
	if got := len(s.stateOfNotes()["it"]["sha256"]); got != size {
		t.Errorf("the attribute has %d bytes in the state, expected %d", got, size)
	}
	s.terraform("plan", "-detailed-exitcode").ok().says("No changes")
}

// A provider that left gRPC's own limit in place: the error tells of the limit,
// and nobody is said to have crashed.
func TestBigAttributeWithDefaultLimits(t *testing.T) {
	s := newSandbox(t)
	s.configure("big")
	s.install(s.misbehave("--default-limits"))
	s.terraform("apply").ok() // to answer with much is no matter
	s.expectNote("big")
	s.terraform("plan").exited(1).
		says("code = ResourceExhausted", "Received message larger than max (7000", "vs. 4194304)", "grpc.max_receive_message_length").
		doesNotSay("did not respond", "crashed")
	s.expectNote("big")
}
