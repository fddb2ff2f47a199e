//go:build e2e && linux

package e2e

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// process is one that was found in /proc.
type process struct {
	pid     int
	command []string
	exe     string // the file that it runs
}

func (p process) String() string { return fmt.Sprintf("process %d: %q", p.pid, p.command) }

// kill ends it at once.
func (p process) kill() { _ = syscall.Kill(p.pid, syscall.SIGKILL) }

// residentKB returns how much memory it has, in kilobytes.
func (p process) residentKB() (int, error) {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.pid))
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(status)) {
		if value, found := strings.CutPrefix(line, "VmRSS:"); found {
			return strconv.Atoi(strings.TrimSuffix(strings.TrimSpace(value), " kB"))
		}
	}
	return 0, fmt.Errorf("process %d has no VmRSS", p.pid)
}

// processes lists those that were started in the sandbox and live: its root is
// in their environment, or, for a guardian, which has none, in their arguments.
func (s *sandbox) processes() []process {
	files, _ := filepath.Glob("/proc/[0-9]*/environ")
	var found []process
	for _, file := range files {
		dir := filepath.Dir(file)
		environ, err := os.ReadFile(file) // empty for a zombie
		command, _ := os.ReadFile(filepath.Join(dir, "cmdline"))
		if err != nil || !bytes.Contains(append(environ, command...), []byte(s.root+"/")) {
			continue
		}
		pid, _ := strconv.Atoi(filepath.Base(dir))
		exe, _ := os.Readlink(filepath.Join(dir, "exe"))
		words := strings.Split(strings.TrimSuffix(string(command), "\x00"), "\x00")
		found = append(found, process{pid: pid, command: words, exe: exe})
	}
	return found
}

// cast are the processes of one running provider.
type cast struct{ bridge, child, guardian process }

// provider returns the processes of the one provider that runs now.
func (s *sandbox) provider() cast {
	s.Helper()
	var found cast
	complete := until(patience, func() bool {
		found = cast{}
		for _, p := range s.processes() {
			name := filepath.Base(p.exe)
			switch {
			case strings.HasPrefix(name, "terraform-provider-notes") || name == "rpcplugin":
				found.bridge = p
			case strings.HasPrefix(name, "python"):
				found.child = p
			case len(p.command) > 3 && p.command[3] == "rpcplugin-guardian":
				found.guardian = p
			}
		}
		return found.bridge.pid != 0 && found.child.pid != 0 && found.guardian.pid != 0
	})
	if !complete {
		s.Fatalf("not all processes of a provider run: %+v", found)
	}
	return found
}

// killAll ends what a failed test has left.
func (s *sandbox) killAll() {
	for _, p := range s.processes() {
		p.kill()
	}
}

// behind returns the process of the bridge that is started as name, and of the
// program behind it.
func (s *sandbox) behind(name, program string) (bridge, child process) {
	s.Helper()
	if !until(patience, func() bool {
		bridge, child = process{}, process{}
		for _, p := range s.processes() {
			switch base := filepath.Base(p.exe); {
			case base == name:
				bridge = p
			case strings.HasPrefix(base, program):
				child = p
			}
		}
		return bridge.pid != 0 && child.pid != 0
	}) {
		s.Fatalf("not all processes of the plugin run: %v", s.processes())
	}
	return bridge, child
}
