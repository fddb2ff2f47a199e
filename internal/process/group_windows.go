package process

import (
	"errors"
	"os"
	"os/exec"
	"syscall"
	"unsafe"

	"golang.org/x/sys/windows"
)

// killedExitCode is what members of a job that is ended exit with.
const killedExitCode = 1

// group is the job object that a child and its descendants belong to. The
// system ends them all when the last handle of the job is closed, and ours is
// closed when this process ends.
type group struct {
	job   windows.Handle
	child windows.Handle
	id    uint32
}

func newGroup() (*group, error) {
	job, err := windows.CreateJobObject(nil, nil)
	if err != nil {
		return nil, err
	}
	info := windows.JOBOBJECT_EXTENDED_LIMIT_INFORMATION{}
	info.BasicLimitInformation.LimitFlags = windows.JOB_OBJECT_LIMIT_KILL_ON_JOB_CLOSE
	_, err = windows.SetInformationJobObject(job, windows.JobObjectExtendedLimitInformation,
		uintptr(unsafe.Pointer(&info)), uint32(unsafe.Sizeof(info)))
	if err != nil {
		windows.CloseHandle(job)
		return nil, err
	}
	return &group{job: job}, nil
}

// prepare makes the command start suspended, so that it can start nothing
// before it belongs to the job.
func (g *group) prepare(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{
		CreationFlags: windows.CREATE_SUSPENDED | windows.CREATE_NEW_PROCESS_GROUP,
	}
}

// adopt puts the child into the job and lets it run.
func (g *group) adopt(child *os.Process) error {
	const access = windows.PROCESS_SET_QUOTA | windows.PROCESS_TERMINATE | windows.SYNCHRONIZE
	g.id = uint32(child.Pid)
	var err error
	if g.child, err = windows.OpenProcess(access, false, g.id); err != nil {
		return err
	}
	if err := windows.AssignProcessToJobObject(g.job, g.child); err != nil {
		return err
	}
	return resume(g.id)
}

// signal ends the job for [os.Kill] and sends a console break for
// [os.Interrupt]; there are no other signals.
func (g *group) signal(sig os.Signal) error {
	switch sig {
	case os.Kill:
		return g.kill()
	case os.Interrupt:
		return g.terminate()
	}
	return errors.ErrUnsupported
}

// terminate asks the child to end. It fails without a console.
func (g *group) terminate() error {
	return windows.GenerateConsoleCtrlEvent(windows.CTRL_BREAK_EVENT, g.id)
}

func (g *group) kill() error { return windows.TerminateJobObject(g.job, killedExitCode) }

// awaitExit blocks until the child has exited.
func (g *group) awaitExit() error {
	_, err := windows.WaitForSingleObject(g.child, windows.INFINITE)
	return err
}

// killRest ends what is left of the job when the child has exited.
func (g *group) killRest() { _ = g.kill() }

// release closes the handles; that of the job ends whoever is still in it.
func (g *group) release() {
	windows.CloseHandle(g.job)
	if g.child != 0 {
		windows.CloseHandle(g.child)
	}
}

// resume lets the threads of a process run that was started suspended. It has
// exactly one, whose handle os/exec does not give out.
func resume(pid uint32) error {
	snapshot, err := windows.CreateToolhelp32Snapshot(windows.TH32CS_SNAPTHREAD, 0)
	if err != nil {
		return err
	}
	defer windows.CloseHandle(snapshot)
	entry := windows.ThreadEntry32{}
	entry.Size = uint32(unsafe.Sizeof(entry))
	for err = windows.Thread32First(snapshot, &entry); err == nil; err = windows.Thread32Next(snapshot, &entry) {
		if entry.OwnerProcessID != pid {
			continue
		}
		thread, err := windows.OpenThread(windows.THREAD_SUSPEND_RESUME, false, entry.ThreadID)
		if err != nil {
			return err
		}
		defer windows.CloseHandle(thread)
		_, err = windows.ResumeThread(thread)
		return err
	}
	return err
}
