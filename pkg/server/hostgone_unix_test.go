//go:build unix

package server_test

import (
	"bufio"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/pyvider/rpcplugin/internal/testpb"
	"github.com/pyvider/rpcplugin/pkg/handshake"
	"github.com/pyvider/rpcplugin/pkg/server"
	"github.com/pyvider/rpcplugin/pkg/services"
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
	command.Env = append(os.Environ(), roleVariable+"=plugin") // the part is inherited
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

// launch starts a plugin by way of a launcher. Its stdout is a pipe of the
// launcher's, or what open returns.
func launch(t *testing.T, p part, open outlet) *launched {
	t.Helper()
	held, tied, err := os.Pipe()
	noError(t, err)
	t.Cleanup(func() { _ = held.Close() })
	sockets, err := os.MkdirTemp("", "s") // a test's own is too long a name for a socket
	noError(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(sockets) })
	l := &launched{launcher: exec.Command(self(t)), sockets: sockets, ended: make(chan struct{})}
	l.launcher.Env = append(os.Environ(), append(role("launcher", p), "BASIC_PLUGIN=hello", handshake.EnvUnixSocketDir+"="+l.sockets)...)
	l.launcher.ExtraFiles = []*os.File{tied}
	l.launcher.Stderr = os.Stderr
	l.stdin, err = l.launcher.StdinPipe()
	noError(t, err)
	stdout, err := l.launcher.StdoutPipe()
	noError(t, err)
	l.stdout = bufio.NewReader(stdout)
	if open != nil {
		read, write := open(t)
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
	line, err := handshake.ParseLine(l.readLine(t))
	noError(t, err)
	l.socket = line.Address
	if !strings.HasPrefix(l.socket, l.sockets) {
		t.Fatalf("the socket is at %q, expected it in %q", l.socket, l.sockets)
	}
	return l
}

// readLine reads the first line of what may be a file that grows.
func (l *launched) readLine(t *testing.T) string {
	t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	text := ""
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); <-tick.C {
		more, err := l.stdout.ReadString('\n')
		if text += more; err == nil {
			return text
		}
	}
	t.Fatalf("no line came, but %q", text)
	return ""
}

// outlet opens both ends of a plugin's stdout.
type outlet func(t *testing.T) (read, write *os.File)

func pipe(t *testing.T) (read, write *os.File) {
	t.Helper()
	read, write, err := os.Pipe()
	noError(t, err)
	return read, write
}

func socketPair(t *testing.T) (read, write *os.File) {
	t.Helper()
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM, 0)
	noError(t, err)
	unix.CloseOnExec(pair[0])
	unix.CloseOnExec(pair[1])
	return os.NewFile(uintptr(pair[0]), "read"), os.NewFile(uintptr(pair[1]), "write")
}

func file(t *testing.T) (read, write *os.File) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "stdout")
	write, err := os.Create(path)
	noError(t, err)
	read, err = os.Open(path)
	noError(t, err)
	return read, write
}

// hostWait is how long a plugin may outlive its host (go-plugin contract,
// section 4).
const hostWait = 2 * time.Second

// A host that has been killed is missed, whatever it asked for and whatever our
// stdout is. The test holds the other end of those that it opens.
func TestHostKilled(t *testing.T) {
	for name, open := range map[string]outlet{
		"its pipe breaks": nil, "its pipe is held by another": pipe,
		"stdout is a socket": socketPair, "stdout is a file": file,
	} {
		for cookie, p := range map[string]part{"with a cookie": {}, "without a cookie": {Open: true}} {
			t.Run(name+", "+cookie, func(t *testing.T) {
				t.Parallel()
				l := launch(t, p, open)
				began := time.Now()
				noError(t, l.launcher.Process.Signal(syscall.SIGKILL))
				receive(t, "the plugin's end", l.ended)
				if took := time.Since(began); took >= hostWait {
					t.Errorf("the plugin ended after %s", took)
				}
				gone(t, filepath.Dir(l.socket))
			})
		}
	}
}

// The other end of a socket is watched as that of a pipe is.
func TestHostHangsUp(t *testing.T) {
	t.Parallel()
	read, write := socketPair(t)
	defer write.Close()
	s, err := server.New(t.Context(), server.Config{
		Stdout: write, LookupEnv: environment{handshake.EnvUnixSocketDir: t.TempDir()}.lookup,
	})
	noError(t, err)
	ended := make(chan error, 1)
	go func() { ended <- s.Run(t.Context()) }()
	if _, err := bufio.NewReader(read).ReadString('\n'); err != nil {
		t.Error(err)
	}
	noError(t, read.Close())
	noError(t, receive(t, "the end of Run", ended))
}

// A plugin that serves by itself outlives who started it, and its stdout.
func TestHostIsIgnored(t *testing.T) {
	t.Parallel()
	l := launch(t, part{Open: true, IgnoreHost: true, KeepSocket: true}, nil)
	conn := (&running{line: handshake.Line{Network: handshake.NetworkUnix, Address: l.socket}}).dial(t)
	reply, err := testpb.NewEchoClient(conn).Unary(soon(t), &testpb.Message{Payload: []byte("pid")})
	noError(t, err)
	pid, err := strconv.Atoi(string(reply.GetPayload()))
	noError(t, err)
	noError(t, l.launcher.Process.Signal(syscall.SIGKILL))
	_ = l.launcher.Wait()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	// Longer than a plugin that watches its host takes to miss it.
	for until := time.Now().Add(750 * time.Millisecond); time.Now().Before(until); <-tick.C {
		if err := services.Ping(soon(t), conn); err != nil {
			t.Fatalf("it does not serve any more: %v", err)
		}
	}
	noError(t, syscall.Kill(pid, syscall.SIGKILL))
	receive(t, "the plugin's end", l.ended)
}

func TestHostClosesStdout(t *testing.T) {
	t.Parallel()
	l := launch(t, part{}, nil)
	noError(t, l.stdin.Close())
	receive(t, "the plugin's end", l.ended)
	empty(t, l.sockets)
	if text, err := l.stdout.ReadString('\n'); err != nil || text != "closed\n" {
		t.Errorf("the host said %q, %v, expected it to live", text, err)
	}
}
