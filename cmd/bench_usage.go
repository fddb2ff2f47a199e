package cmd

import (
	"sync"
	"time"
)

// benchUsage is what a plugin's processes use at one moment.
type benchUsage struct {
	Seconds float64 `json:"seconds"` // since the load began
	CPU     float64 `json:"cpu"`     // cores, since the moment before
	Memory  int64   `json:"memory_bytes"`
}

// usageEvery is how often it is looked at.
const usageEvery = 250 * time.Millisecond

// watchUsage looks at a plugin until the function that it returns is called,
// which returns what was seen: nothing where the system does not tell.
func watchUsage(pid int) func() []benchUsage {
	began := time.Now()
	last, _, known := usageOfTree(pid)
	if !known {
		return func() []benchUsage { return nil }
	}
	var seen []benchUsage
	lastAt := began
	look := func() {
		cpu, memory, known := usageOfTree(pid)
		if now := time.Now(); known && now.Sub(lastAt) >= usageEvery/2 {
			seen = append(seen, benchUsage{
				Seconds: now.Sub(began).Seconds(), CPU: max(0, (cpu-last).Seconds()/now.Sub(lastAt).Seconds()), Memory: memory,
			})
			last, lastAt = cpu, now
		}
	}
	done := make(chan struct{})
	var watching sync.WaitGroup
	watching.Go(func() {
		ticker := time.NewTicker(usageEvery)
		defer ticker.Stop()
		for {
			select {
			case <-ticker.C:
				look()
			case <-done:
				look()
				return
			}
		}
	})
	return func() []benchUsage {
		close(done)
		watching.Wait()
		return seen
	}
}
