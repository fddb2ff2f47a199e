//go:build unix

package process

import (
	"fmt"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

func statusOf(state *os.ProcessState) Status {
	if state == nil {
		return unknownStatus()
	}
	wait, ok := state.Sys().(syscall.WaitStatus)
	if !ok || !wait.Signaled() {
		return Status{Code: state.ExitCode()}
	}
	name := unix.SignalName(wait.Signal())
	if name == "" { // a real-time signal
		name = fmt.Sprintf("signal %d", int(wait.Signal()))
	}
	return Status{Code: -1, Signal: name, CoreDumped: wait.CoreDump()}
}
