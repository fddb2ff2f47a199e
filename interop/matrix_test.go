//go:build unix

package interop

import (
	"strings"
	"testing"

	"github.com/pyvider/rpcplugin/internal/process"
	"github.com/pyvider/rpcplugin/pkg/client"
)

// name tells all of a cell.
func (p pairing) name() string {
	parts := []string{"host " + p.Host, "plugin " + p.Plugin, "no TLS", "not multiplexed", p.Network}
	if p.AutoMTLS {
		parts[2] = "AutoMTLS"
	}
	if p.Multiplex {
		parts[3] = "multiplexed"
	}
	return strings.Join(parts, ", ")
}

// makes are all hosts with all plugins.
func makes() []pairing {
	var all []pairing
	for _, host := range []string{ours, theirs} {
		for _, plugin := range []string{ours, theirs} {
			all = append(all, pairing{Host: host, Plugin: plugin})
		}
	}
	return all
}

// matrix are all cells. go-plugin's plugin speaks tcp on Windows only, with no way
// to choose, so it has none of tcp.
func matrix() []pairing {
	var cells []pairing
	for _, cell := range makes() {
		for _, cell.AutoMTLS = range []bool{false, true} {
			for _, cell.Multiplex = range []bool{false, true} {
				for _, cell.Network = range []string{"unix", "tcp"} {
					if cell.Plugin == ours || cell.Network == "unix" {
						cells = append(cells, cell)
					}
				}
			}
		}
	}
	return cells
}

func TestMatrix(t *testing.T) {
	for _, cell := range matrix() {
		cell.Offered, cell.Served = []int{3, 4, 5}, []int{2, 4}
		t.Run(cell.name(), func(t *testing.T) {
			t.Parallel()
			r := cell.run(t)
			r.wantDone(t, 10)
			r.wantFacts(t, facts{Version: 4, Network: cell.Network, Certificate: cell.AutoMTLS, Multiplexed: cell.Multiplex})
			r.wantStopped(t)
		})
	}
}

// wantDone checks that so many deeds were done, and all of them well.
func (r report) wantDone(t *testing.T, count int) {
	t.Helper()
	if r.Refused != "" || r.Crashed != "" || len(r.Done) != count {
		t.Fatalf("refused: %q, crashed: %q, did %v", r.Refused, r.Crashed, r.Done)
	}
	for name, result := range r.Done {
		if result != "ok" {
			t.Errorf("%s: %s", name, result)
		}
	}
}

// wantFacts checks what the host has read in the handshake line.
func (r report) wantFacts(t *testing.T, want facts) {
	t.Helper()
	got := r.Facts
	if isPath := strings.ContainsAny(got.Address, `/\`); isPath != (want.Network == "unix") {
		t.Errorf("address is %q, of network %s", got.Address, got.Network)
	}
	got.Pid, got.Address = 0, ""
	if got != want {
		t.Errorf("the host tells %+v, expected %+v", got, want)
	}
}

// wantStopped checks that the plugin ended by itself, as asked, and is gone.
func (r report) wantStopped(t *testing.T) {
	t.Helper()
	// After the grace hosts kill.
	if !r.Ending.Exited || r.Ending.Status != cleanly || r.Ending.Took > client.DefaultStopGrace {
		t.Errorf("the plugin's end: %+v, expected it to have %s", r.Ending, cleanly)
	}
	if r.Facts.Pid == 0 || process.Alive(r.Facts.Pid) {
		t.Errorf("process %d is still there", r.Facts.Pid)
	}
}
