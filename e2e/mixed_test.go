//go:build e2e && linux

package e2e

import (
	"context"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// mixedSetting is a number in the environment.
func mixedSetting(t testing.TB, name string, usual uint64) uint64 {
	t.Helper()
	number := usual
	if text := os.Getenv(name); text != "" {
		var err error
		if number, err = strconv.ParseUint(text, 10, 64); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
	}
	t.Logf("%s=%d", name, number)
	return number
}

// Ten thousand calls of all kinds, on several connections, with a child of each
// library: each ends as it should, and child and host count the same to the last
// byte.
func TestMixedCalls(t *testing.T) {
	for _, test := range []struct {
		child  mixedLanguage
		secure bool
	}{
		{mixedGo, false},
		{mixedPython, false},
		{mixedNode, true},
	} {
		t.Run(test.child.name, func(t *testing.T) {
			r := newMixedRig(t, test.child, test.secure, 4)
			r.mixed(int(mixedSetting(t, "E2E_CALLS", 10_000)))
			r.stop()
		})
	}
}

// mixed makes calls, 50 at a time, and compares what both sides have counted.
func (r *mixedRig) mixed(calls int) {
	r.Helper()
	const workers = 50
	seed := mixedSetting(r, "E2E_SEED", uint64(time.Now().UnixNano()))
	r.totals() // the child serves
	noise := make([]byte, 4<<20)
	_, _ = rand.NewChaCha8([32]byte{byte(seed)}).Read(noise)
	var mu sync.Mutex
	want, made := mixedTotals{}, make(map[string]int)
	ctx, cancel := context.WithTimeout(r.Context(), patience)
	defer cancel()
	began := time.Now()
	var calling sync.WaitGroup
	var refused atomic.Int64
	for worker := range workers {
		calling.Go(func() {
			c := mixedCaller{
				EchoClient: r.echo[worker%len(r.echo)], random: rand.New(rand.NewPCG(seed, uint64(worker))),
				noise: noise, header: 30 << 10, mu: &mu, totals: &want, made: made,
			}
			for n := range calls / workers {
				err := c.one(ctx)
				if r.refuses && err != nil && strings.Contains(err.Error(), "REFUSED_STREAM") {
					refused.Add(1)
					continue
				}
				if err != nil {
					r.Errorf("worker %d, call %d: %v", worker, n, err)
					return
				}
			}
		})
	}
	calling.Wait()
	r.Logf("%d calls in %s: %v", calls, time.Since(began).Round(time.Millisecond), made)
	r.Logf("refused: %d; counted: %+v", refused.Load(), want)
	if refused.Load() > int64(calls/10) {
		r.Error("too many calls were refused")
	}
	r.agrees(want)
}

// agrees waits until no call runs in the child, and compares its totals.
func (r *mixedRig) agrees(want mixedTotals) {
	r.Helper()
	var got mixedTotals
	if !until(patience/9, func() bool { got = r.totals(); return got.Open == 0 }) {
		r.Errorf("%d calls still run in the child", got.Open)
	}
	got.Pid, got.Open = 0, 0
	if got != want {
		r.Errorf("the child has counted\n%+v, the host\n%+v", got, want)
	}
}
