//go:build unix

package interop

import (
	"fmt"
	"strings"
	"testing"
)

// Both take the highest version in common, and both hosts refuse a plugin with
// none: it then has answered with its lowest.
func TestVersions(t *testing.T) {
	for _, test := range []struct {
		name            string
		offered, served []int
		version         int
		refused         bool
	}{
		{"the highest in common", []int{5, 6, 7}, []int{4, 5, 6}, 6, false},
		{"one in common", []int{7, 5}, []int{5, 4}, 5, false},
		{"the plugin has version 1 alone", []int{5, 6, 7}, []int{1}, 1, true},
		{"the plugin is newer", []int{5, 6, 7}, []int{9, 8}, 8, true},
		{"a gap", []int{5, 7}, []int{4, 6, 8}, 4, true},
	} {
		for _, p := range makes() {
			p.Offered, p.Served, p.Again = test.offered, test.served, true
			t.Run(fmt.Sprintf("%s, host %s, plugin %s", test.name, p.Host, p.Plugin), func(t *testing.T) {
				t.Parallel()
				r := p.run(t)
				if !test.refused {
					r.wantDone(t, 5)
					r.wantFacts(t, facts{Version: test.version, Network: "unix"})
					r.wantStopped(t)
					return
				}
				want := map[string]string{
					ours:   fmt.Sprintf(`app version (field 2) is "%d", expected`, test.version),
					theirs: fmt.Sprintf("incompatible API version with plugin. Plugin version: %d,", test.version),
				}[p.Host]
				if !strings.Contains(r.Refused, want) {
					t.Errorf("the host says %q, expected %q in it", r.Refused, want)
				}
			})
		}
	}
}

// A plugin that knows nothing of multiplexing is refused by a host that asks for
// it, and does its work for one that does not.
func TestOldPlugin(t *testing.T) {
	for _, host := range []string{ours, theirs} {
		for _, asked := range []bool{false, true} {
			p := pairing{Host: host, Plugin: ours, Old: true, Multiplex: asked, Offered: []int{1}, Served: []int{1}, Network: "unix"}
			t.Run(p.name(), func(t *testing.T) {
				t.Parallel()
				r := p.run(t)
				if !asked {
					r.wantDone(t, 10)
					r.wantStopped(t)
					return
				}
				want := map[string]string{
					ours:   "multiplexing (field 7) is missing",
					theirs: "client requested gRPC broker multiplexing but plugin does not support the feature",
				}[host]
				if !strings.Contains(r.Refused, want) {
					t.Errorf("the host says %q, expected %q in it", r.Refused, want)
				}
			})
		}
	}
}
