package transport

import (
	"runtime"
	"strconv"
)

// maxSocketPath is the longest path of a socket in bytes: the field of the
// system's address structure less its closing zero (go-plugin contract,
// section 7).
func maxSocketPath() int {
	switch runtime.GOOS {
	case "linux", "android", "windows", "solaris", "illumos":
		return 107
	default:
		return 103
	}
}

// checkPathLength refuses a path no socket can have.
func checkPathLength(path string) error {
	if len(path) <= maxSocketPath() {
		return nil
	}
	return &Error{
		Reason: ReasonPathTooLong, Found: path,
		Expected: "at most " + strconv.Itoa(maxSocketPath()) + " bytes, not " + strconv.Itoa(len(path)),
	}
}
