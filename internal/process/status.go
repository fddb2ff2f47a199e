package process

import "strconv"

// Status says how a process ended.
type Status struct {
	// Code is the exit code, -1 if the process was ended by a signal or if
	// how it ended is unknown.
	Code int
	// Signal is the name of the signal that ended it, such as "SIGKILL", or
	// "".
	Signal string
	// CoreDumped is true if the signal left a core file.
	CoreDumped bool
}

// unknownStatus is that of a process that still runs, or was reaped by
// somebody else in this process.
func unknownStatus() Status { return Status{Code: -1} }

// String returns "exited with status 3" or "was killed by SIGKILL", to follow
// the name of the process.
func (s Status) String() string {
	switch {
	case s.Signal != "" && s.CoreDumped:
		return "was killed by " + s.Signal + " (core dumped)"
	case s.Signal != "":
		return "was killed by " + s.Signal
	case s.Code < 0:
		return "ended with unknown status"
	default:
		return "exited with status " + strconv.Itoa(s.Code)
	}
}
