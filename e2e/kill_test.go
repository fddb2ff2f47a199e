//go:build e2e && linux

package e2e

import (
	"strings"
	"syscall"
	"testing"
)

// applying starts an apply that takes a minute, and returns it with the
// processes behind it once it is under way.
func (s *sandbox) applying() (*running, cast) {
	s.Helper()
	s.configure("milk")
	s.install(s.misbehave())
	s.terraform("apply").ok()
	s.configure("sleep 60")
	apply := s.startTerraform("apply")
	if !until(patience, func() bool { return s.read(s.note()) == "sleep 60" }) {
		apply.signal(syscall.SIGKILL)
		s.Fatalf("the apply did not begin; it wrote\n%s%s", apply.wait().stdout, apply.stderr)
	}
	provider := s.provider()
	if left := strings.Join(s.leftOvers(), "\n"); !strings.Contains(left, s.path("tmp", "rpcplugin-")) {
		s.Errorf("no directory of a running provider is found, but\n%s", left)
	}
	return apply, provider
}

func TestKilledTerraformLeavesNothing(t *testing.T) {
	s := newSandbox(t)
	apply, _ := s.applying()
	apply.kill()
	s.expectNothingLeft()
	apply.wait()
}

func TestKilledBridgeLeavesNothing(t *testing.T) {
	s := newSandbox(t)
	apply, provider := s.applying()
	provider.bridge.kill()
	told := plain(apply.wait().exited(1).stderr)
	// Terraform sees a broken connection, or the end of the process first.
	if !strings.Contains(told, "Error: Plugin did not respond") && !strings.Contains(told, "Error: Request cancelled") {
		t.Errorf("Terraform does not tell that its plugin is gone, but %s", told)
	}
	s.expectNothingLeft()
	s.expectUnharmed()
}

func TestKilledChildIsReported(t *testing.T) {
	s := newSandbox(t)
	apply, provider := s.applying()
	provider.child.kill()
	apply.wait().exited(1).says("Plugin error", "misbehave.py", "was killed by SIGKILL").doesNotSay("did not respond")
	s.expectNothingLeft()
	s.expectUnharmed()
}

// expectUnharmed fails unless the state can be worked with, and still has what
// it had before the apply.
func (s *sandbox) expectUnharmed() {
	s.Helper()
	s.expectNote("milk")
	s.configure("bread")
	s.terraform("apply").ok().says("1 changed")
	s.expectNote("bread")
}
