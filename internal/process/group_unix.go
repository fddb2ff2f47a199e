//go:build unix

package process

import (
	"errors"
	"os"
	"os/exec"
	"syscall"
)

// group is the process group that a child leads. Its methods other than adopt
// may be called only between adopt and the moment the child is reaped: later
// the id may be somebody else's.
type group struct {
	id int // of the group and of its leader
}

func newGroup() (*group, error) { return &group{}, nil }

// prepare makes the command start as the leader of a new group.
func (g *group) prepare(cmd *exec.Cmd) { cmd.SysProcAttr = childAttributes() }

// adopt takes over the child that was started. The group exists by then: a
// child enters it before it executes the program.
func (g *group) adopt(child *os.Process) error {
	g.id = child.Pid
	return nil
}

// signal sends a signal to every member.
func (g *group) signal(sig os.Signal) error {
	number, ok := sig.(syscall.Signal)
	if !ok {
		return syscall.EINVAL
	}
	err := syscall.Kill(-g.id, number)
	if err == nil {
		return nil
	}
	// No member, if the child moved to another group, or none that we may
	// signal, which is also said of a group of zombies on some systems.
	if direct := syscall.Kill(g.id, number); direct == nil || errors.Is(direct, syscall.ESRCH) {
		return nil
	}
	return err
}

// terminate asks every member to end.
func (g *group) terminate() error { return g.signal(syscall.SIGTERM) }

// kill ends every member, and the child even if it left its group.
func (g *group) kill() error {
	_ = syscall.Kill(-g.id, syscall.SIGKILL)
	if err := syscall.Kill(g.id, syscall.SIGKILL); err != nil && !errors.Is(err, syscall.ESRCH) {
		return err
	}
	return nil
}

func (g *group) release() {}
