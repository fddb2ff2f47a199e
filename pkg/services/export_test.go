package services

import (
	"runtime"
	"time"
)

// SetKnockWait changes how long b holds knocks, before it is used.
func SetKnockWait(b *Broker, wait time.Duration) { b.knocks.wait = wait }

// AwaitEarly returns once b holds a knock for id, or can hold none any more.
func AwaitEarly(b *Broker, id uint32) {
	for !b.closed.fired() {
		b.mu.Lock()
		held := b.knocks.early[id] != nil
		b.mu.Unlock()
		if held {
			return
		}
		runtime.Gosched()
	}
}
