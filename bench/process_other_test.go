//go:build !linux

package bench

import (
	"testing"
	"time"
)

func processorTime(b *testing.B, _ int) time.Duration {
	b.Helper()
	b.Skip("this system does not tell")
	return 0
}

func peakMemory(b *testing.B, _ int) int64 {
	b.Helper()
	b.Skip("this system does not tell")
	return 0
}
