package server

import (
	"os"
	"time"

	"golang.org/x/sys/windows"
)

// hostPoll is how often the parent process is looked at.
const hostPoll = 250 * time.Millisecond

// waitHost returns true when our parent has ended, false when ended is closed
// first. The pipe tells nothing before it is written to, so only the process
// is watched.
func waitHost(parentID int, _ *os.File, ended <-chan struct{}) bool {
	parent, err := windows.OpenProcess(windows.SYNCHRONIZE, false, uint32(parentID))
	if err != nil {
		<-ended
		return false
	}
	defer func() { _ = windows.CloseHandle(parent) }()
	for {
		event, err := windows.WaitForSingleObject(parent, uint32(hostPoll.Milliseconds()))
		if err != nil {
			<-ended
			return false
		}
		if event == windows.WAIT_OBJECT_0 {
			return true
		}
		select {
		case <-ended:
			return false
		default:
		}
	}
}
