//go:build e2e && linux

package e2e

import (
	"syscall"
	"testing"
	"time"
)

// idleKB is what a bridge may hold once it has served a plan.
const idleKB = 25_000

func TestMemoryOfIdleBridge(t *testing.T) {
	s := newSandbox(t)
	s.configure("milk")
	s.mirrored()
	serving, attach := s.standalone(s.misbehave()...)
	s.set("TF_REATTACH_PROVIDERS=" + attach)
	s.terraform("plan").ok().says("1 to add")

	bridge := s.provider().bridge
	var resident int
	until(3*time.Second, func() bool { // it gives back what it does not need any more
		var err error
		resident, err = bridge.residentKB()
		s.try(err)
		return resident <= idleKB
	})
	t.Logf("the bridge holds %.1f MB after the first plan", float64(resident)/1000)
	if resident > idleKB {
		t.Errorf("the bridge holds %d kB after the first plan, expected %d at most", resident, idleKB)
	}
	serving.signal(syscall.SIGTERM)
	serving.wait().ok()
}
