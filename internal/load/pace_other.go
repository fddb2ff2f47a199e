//go:build !linux

package load

import "time"

// pause sleeps, as exactly as the run time does.
func pause(span time.Duration) { time.Sleep(span) }
