package bridge_test

import (
	"bytes"
	"fmt"
	"os"
)

// alive reports whether the process runs; one that nobody has reaped does not.
func alive(pid int) bool {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return false
	}
	after := bytes.LastIndexByte(stat, ')') // of a name that may contain anything
	return after >= 0 && !bytes.HasPrefix(stat[after:], []byte(") Z")) && !bytes.HasPrefix(stat[after:], []byte(") X"))
}
