package process

import "os"

func statusOf(state *os.ProcessState) Status {
	if state == nil {
		return unknownStatus()
	}
	return Status{Code: state.ExitCode()}
}
