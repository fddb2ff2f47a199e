//go:build unix

package bridge_test

import (
	"bufio"
	"context"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/pyvider/rpcplugin/internal/testpb"
	"github.com/pyvider/rpcplugin/pkg/handshake"
)

// runLauncher starts a bridge, whose stdout is descriptor 3, and does nothing
// more until it is killed.
func runLauncher() int {
	stdout := os.NewFile(3, "stdout")
	bridged := exec.CommandContext(context.Background(), self())
	bridged.Env = append(os.Environ(), roleKey+"=bridge")
	bridged.Stdout, bridged.Stderr = stdout, os.Stderr
	if err := bridged.Start(); err != nil {
		return 96
	}
	_ = bridged.Wait() // killed before that
	return 0
}

// socketPair is a connected pair of sockets.
func socketPair(t *testing.T) (ours, theirs *os.File) {
	t.Helper()
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM, 0)
	if err != nil {
		t.Fatal(err)
	}
	unix.CloseOnExec(pair[0])
	unix.CloseOnExec(pair[1])
	return os.NewFile(uintptr(pair[0]), "ours"), os.NewFile(uintptr(pair[1]), "theirs")
}

// A host that asks for no cookie, or reads its plugin's line by other means than
// a pipe, is missed as soon as any other.
func TestBridgeMissesItsHost(t *testing.T) {
	for name, open := range map[string]func(t *testing.T) (ours, theirs *os.File){
		"stdout is a pipe": func(t *testing.T) (*os.File, *os.File) {
			t.Helper()
			ours, theirs, err := os.Pipe()
			if err != nil {
				t.Fatal(err)
			}
			return ours, theirs
		},
		"stdout is a socket": socketPair,
		"stdout is a file": func(t *testing.T) (*os.File, *os.File) {
			t.Helper()
			path := filepath.Join(t.TempDir(), "stdout")
			theirs, err := os.Create(path)
			if err != nil {
				t.Fatal(err)
			}
			ours, err := os.Open(path)
			if err != nil {
				t.Fatal(err)
			}
			return ours, theirs
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tmp := shortTemp(t)
			ours, theirs := open(t)
			defer ours.Close()
			launcher := exec.CommandContext(t.Context(), self())
			launcher.Env = append(os.Environ(), as("launcher", bridgeKey, bridgeConfig{Open: true, Child: childConfig{IgnoreTerm: true}})...)
			launcher.Env = append(launcher.Env, "TMPDIR="+tmp)
			launcher.ExtraFiles = []*os.File{theirs}
			if err := launcher.Start(); err != nil {
				t.Fatal(err)
			}
			_ = theirs.Close()
			defer func() {
				_ = launcher.Process.Kill()
				_ = launcher.Wait()
			}()
			line := lineFrom(t, ours)
			conn := dial(t, line.Network, line.Address)
			defer conn.Close()
			who := reportOf(t, testpb.NewEchoClient(conn))
			defer func() {
				if t.Failed() { // they may have missed it
					_ = syscall.Kill(who.Parent, syscall.SIGKILL)
					_ = syscall.Kill(who.Pid, syscall.SIGKILL)
				}
			}()
			if err := launcher.Process.Signal(syscall.SIGKILL); err != nil {
				t.Fatal(err)
			}
			t.Logf("all gone after %s", isGone(t, hostWait, tmp, who.Parent, who.Pid))
		})
	}
}

// lineFrom reads the handshake line from what may be a file that grows.
func lineFrom(t *testing.T, from io.Reader) handshake.Line {
	t.Helper()
	var text strings.Builder
	reader := bufio.NewReader(from)
	eventually(t, patience, "the line is printed", func() bool {
		part, err := reader.ReadString('\n')
		text.WriteString(part)
		return err == nil
	})
	line, err := handshake.ParseLine(text.String())
	if err != nil {
		t.Fatal(err)
	}
	return line
}
