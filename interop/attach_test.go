//go:build unix

package interop

import (
	"bufio"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"

	"github.com/pyvider/rpcplugin/internal/kv"
	"github.com/pyvider/rpcplugin/internal/process"
)

// Hosts attach to plugins that run already, one after the other, and leave them
// running.
func TestAttach(t *testing.T) {
	cells := makes()
	cells = append(cells, pairing{Host: ours, Plugin: ours, Network: "tcp"}, pairing{Host: theirs, Plugin: ours, Network: "tcp"})
	for _, p := range cells {
		if p.Network == "" {
			p.Network = "unix"
		}
		p.Offered, p.Served = []int{5}, []int{5}
		t.Run(p.name(), func(t *testing.T) {
			t.Parallel()
			plugin := p.runAlone(t)
			p.Attach = plugin.description
			for range 2 {
				r := p.run(t)
				r.wantDone(t, map[bool]int{false: 10, true: 5}[p.Again])
				r.wantFacts(t, facts{Version: 5, Network: p.Network})
				if r.Facts.Pid != plugin.pid || !process.Alive(plugin.pid) {
					t.Errorf("attached to %d; %d is alive: %t", r.Facts.Pid, plugin.pid, process.Alive(plugin.pid))
				}
				p.Again = true
			}
		})
	}
}

// lonely is a plugin that runs by itself.
type lonely struct {
	description string // how to attach to it, as JSON
	pid         int
}

// runAlone starts the plugin without a host, for the time of the test, and
// checks its end.
func (p pairing) runAlone(t *testing.T) lonely {
	t.Helper()
	p.Attach = "here"
	path, err := os.Executable()
	noError(t, err)
	tmp := tempDir(t)
	command := exec.CommandContext(soon(t), path)
	command.Env = append(os.Environ(), append(p.environ("plugin"), "TMPDIR="+tmp, kv.Cookie().Key+"=")...)
	command.Stderr = io.Discard // go-plugin's in its test mode prints there what it prints
	stdin, err := command.StdinPipe()
	noError(t, err)
	reader, writer, err := os.Pipe() // not Wait's, which would close it under its reader
	noError(t, err)
	command.Stdout = writer
	noError(t, command.Start())
	noError(t, writer.Close())
	stdout := bufio.NewReader(reader)
	line, err := stdout.ReadString('\n')
	var draining sync.WaitGroup
	draining.Go(func() { _, _ = io.Copy(io.Discard, stdout) })
	t.Cleanup(func() {
		_ = stdin.Close()
		if err := command.Wait(); err != nil {
			t.Errorf("the plugin ended badly: %v", err)
		}
		draining.Wait()
		if p.Plugin == ours {
			wantNoSockets(t, tmp)
		}
		_ = reader.Close()
	})
	noError(t, err)
	return lonely{strings.TrimSpace(line), command.Process.Pid}
}
