package cmd

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"
)

// clockTick is the unit of CPU times in /proc, the same on every Linux.
const clockTick = 10 * time.Millisecond

// usageOfTree is the CPU time and the resident memory of a process and of all
// that it has started; false if it cannot be told.
func usageOfTree(pid int) (cpu time.Duration, memory int64, known bool) {
	if pid <= 0 {
		return 0, 0, false
	}
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0, 0, false
	}
	_, rest, _ := strings.Cut(string(text), ") ") // what the program's name may have in it is past
	fields := strings.Fields(rest)
	if len(fields) < 22 {
		return 0, 0, false
	}
	number := func(i int) int64 { n, _ := strconv.ParseInt(fields[i], 10, 64); return n }
	cpu = time.Duration(number(11)+number(12)) * clockTick
	memory = number(21) * int64(os.Getpagesize())
	threads, _ := os.ReadDir(fmt.Sprintf("/proc/%d/task", pid))
	for _, thread := range threads {
		children, _ := os.ReadFile(fmt.Sprintf("/proc/%d/task/%s/children", pid, thread.Name()))
		for child := range strings.FieldsSeq(string(children)) {
			id, _ := strconv.Atoi(child)
			its, bytes, _ := usageOfTree(id)
			cpu, memory = cpu+its, memory+bytes
		}
	}
	return cpu, memory, true
}
