package bench

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// processorTime is what a process has spent on processors.
func processorTime(b *testing.B, pid int) time.Duration {
	b.Helper()
	threads, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/schedstat", pid))
	noError(b, err)
	var sum time.Duration
	for _, thread := range threads {
		text, err := os.ReadFile(thread)
		noError(b, err)
		spent, err := strconv.ParseInt(strings.Fields(string(text) + " 0")[0], 10, 64)
		noError(b, err)
		sum += time.Duration(spent)
	}
	return sum
}

// peakMemory is the most that a process has held since the last such question.
func peakMemory(b *testing.B, pid int) int64 {
	b.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	noError(b, err)
	_, rest, _ := strings.Cut(string(text), "VmHWM:")
	kib, err := strconv.ParseInt(strings.Fields(rest + " 0")[0], 10, 64)
	noError(b, err)
	noError(b, os.WriteFile(fmt.Sprintf("/proc/%d/clear_refs", pid), []byte("5"), 0))
	return kib * 1024
}
