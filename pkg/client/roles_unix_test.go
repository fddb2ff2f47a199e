//go:build unix

package client_test

import (
	"os/exec"
	"syscall"
)

// leaveGroup makes a command start in a session of its own.
func leaveGroup(command *exec.Cmd) { command.SysProcAttr = &syscall.SysProcAttr{Setsid: true} }
