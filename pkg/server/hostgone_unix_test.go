//go:build unix

package server_test

import (
	"bufio"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/pyvider/rpcplugin/pkg/handshake"
)

// The launcher's descriptors beside the standard ones.
const (
	tether  = 3 // held open by launcher and plugin, as long as they live
	forward = 4 // the plugin's stdout, whose other end the test has, if it is set so
)

const forwardVariable = "SERVER_TEST_FORWARD"

// playLauncher starts a plugin, tells its line, and does nothing more until
// its own stdin ends; then it closes the plugin's stdout and lives on.
func playLauncher() int {
	command := exec.Command(os.Args[0])
	command.Env = append(os.Environ(), role("plugin", part{})...)
	command.ExtraFiles = []*os.File{os.NewFile(tether, "tether")}
	var stdout, write *os.File
	if os.Getenv(forwardVariable) != "" {
		write = os.NewFile(forward, "forward")
	} else {
		var err error
		if stdout, write, err = os.Pipe(); err != nil {
			return 97
		}
	}
	command.Stdout = write
	if err := command.Start(); err != nil {
		return 96
	}
	_ = write.Close()
	if stdout != nil {
		line, _ := bufio.NewReader(stdout).ReadString('\n')
		_, _ = io.WriteString(os.Stdout, line)
	}
	_, _ = io.Copy(io.Discard, os.Stdin)
	_ = os.NewFile(tether, "tether").Close()
	if stdout != nil {
		_ = stdout.Close()
	}
	_, _ = io.WriteString(os.Stdout, "closed\n")
	_ = command.Wait()
	select {}
}

// launched is a plugin whose host can vanish.
type launched struct {
	launcher *exec.Cmd
	stdin    io.WriteCloser
	stdout   *bufio.Reader
	sockets  string
	socket   string
	ended    chan struct{} // closed when nobody holds the tether any more
}

// launch starts a plugin by way of a launcher. If through is true, its stdout
// is a pipe that the launcher's end does not break.
func launch(t *testing.T, through bool) *launched {
	t.Helper()
	held, tied, err := os.Pipe()
	noError(t, err)
	t.Cleanup(func() { _ = held.Close() })
	l := &launched{launcher: exec.Command(self(t)), sockets: t.TempDir(), ended: make(chan struct{})}
	l.launcher.Env = append(os.Environ(), append(role("launcher", part{}), "BASIC_PLUGIN=hello", handshake.EnvUnixSocketDir+"="+l.sockets)...)
	l.launcher.ExtraFiles = []*os.File{tied}
	l.launcher.Stderr = os.Stderr
	l.stdin, err = l.launcher.StdinPipe()
	noError(t, err)
	stdout, err := l.launcher.StdoutPipe()
	noError(t, err)
	l.stdout = bufio.NewReader(stdout)
	if through {
		read, write, err := os.Pipe()
		noError(t, err)
		t.Cleanup(func() { _ = read.Close() })
		l.launcher.ExtraFiles = append(l.launcher.ExtraFiles, write)
		l.launcher.Env = append(l.launcher.Env, forwardVariable+"=1")
		l.stdout = bufio.NewReader(read)
		defer write.Close()
	}
	noError(t, l.launcher.Start())
	_ = tied.Close()
	t.Cleanup(func() {
		_ = l.launcher.Process.Kill()
		_ = l.launcher.Wait()
	})
	go func() {
		_, _ = io.Copy(io.Discard, held)
		close(l.ended)
	}()
	text, err := l.stdout.ReadString('\n')
	noError(t, err)
	line, err := handshake.ParseLine(text)
	noError(t, err)
	l.socket = line.Address
	if !strings.HasPrefix(l.socket, l.sockets) {
		t.Fatalf("the socket is at %q, expected it in %q", l.socket, l.sockets)
	}
	return l
}

func TestHostKilled(t *testing.T) {
	for name, through := range map[string]bool{"its pipe breaks": false, "its pipe is held by another": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := launch(t, through)
			noError(t, l.launcher.Process.Signal(syscall.SIGKILL))
			receive(t, "the plugin's end", l.ended)
			gone(t, filepath.Dir(l.socket))
		})
	}
}

func TestHostClosesStdout(t *testing.T) {
	t.Parallel()
	l := launch(t, false)
	noError(t, l.stdin.Close())
	receive(t, "the plugin's end", l.ended)
	empty(t, l.sockets)
	if text, err := l.stdout.ReadString('\n'); err != nil || text != "closed\n" {
		t.Errorf("the host said %q, %v, expected it to live", text, err)
	}
}
