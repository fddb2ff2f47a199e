package server_test

import (
	"bufio"
	"io"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/pyvider/rpcplugin/internal/kv"
	"github.com/pyvider/rpcplugin/internal/testpb"
	"github.com/pyvider/rpcplugin/pkg/client"
	"github.com/pyvider/rpcplugin/pkg/handshake"
	"github.com/pyvider/rpcplugin/pkg/server"
	"github.com/pyvider/rpcplugin/pkg/services"
)

func TestCapture(t *testing.T) {
	var stdout, stderr shared
	c, err := client.Start(soon(t), client.Config{
		Command: []string{self(t)}, Env: role("plugin", part{Capture: true}), Cookie: kv.Cookie(), Stdout: &stdout, Stderr: &stderr,
	})
	noError(t, err)
	defer c.Close(t.Context())
	_, err = testpb.NewEchoClient(c.Conn()).Unary(soon(t), &testpb.Message{Payload: []byte("write")})
	noError(t, err)
	noError(t, c.Close(soon(t))) // what was written before has arrived, however short the time
	if stdout.String() != "out\n" || stderr.String() != "err\n" {
		t.Errorf("stdio brought %q and %q", stdout.String(), stderr.String())
	}
}

// Nobody takes what is written, and nobody who writes waits.
func TestCaptureWithoutAReader(t *testing.T) {
	p, line := started(t, part{Capture: true})
	conn := (&running{line: line}).dial(t)
	for range 2 {
		_, err := testpb.NewEchoClient(conn).Unary(soon(t), &testpb.Message{Payload: []byte("flood")})
		noError(t, err)
	}
	noError(t, services.Shutdown(soon(t), conn))
	noError(t, p.wait(t))
}

// The variables are as before when Run has ended, and one Server has them.
func TestCaptureIsUndone(t *testing.T) {
	stdout, stderr := os.Stdout, os.Stderr
	line := make(lines, 1)
	cfg := server.Config{Capture: true, Stdout: line, LookupEnv: environment{handshake.EnvUnixSocketDir: t.TempDir()}.lookup}
	s, err := server.New(t.Context(), cfg)
	noError(t, err)
	ended := make(chan error, 1)
	go func() { ended <- s.Run(t.Context()) }()
	receive(t, "the line", line)
	captured := os.Stdout
	if captured == stdout || os.Stderr == stderr {
		t.Error("nothing is captured")
	}
	cfg.Stdout = make(lines, 1)
	wantReason(t, server.Serve(t.Context(), cfg), server.ReasonCapture)
	if os.Stdout != captured {
		t.Error("the second Server has replaced what the first put there")
	}
	_, err = io.WriteString(captured, "before the end")
	noError(t, err)
	s.Stop()
	noError(t, receive(t, "the end of Run", ended))
	if os.Stdout != stdout || os.Stderr != stderr {
		t.Error("the variables are not as they were")
	}
	if _, err := io.WriteString(captured, "after the end"); err == nil {
		t.Error("the pipe was left open")
	}
	if n := s.Stdio().Dropped(); n > 0 {
		t.Errorf("%d bytes were dropped", n)
	}
}

// process is a plugin in a process of its own, whose host is the test.
type process struct {
	*exec.Cmd

	ended chan error
}

// started starts a plugin and reads its line.
func started(t *testing.T, as part) (*process, handshake.Line) {
	t.Helper()
	command := exec.Command(self(t))
	command.Env = append(os.Environ(), append(role("plugin", as), "BASIC_PLUGIN=hello", handshake.EnvUnixSocketDir+"="+t.TempDir())...)
	read, write, err := os.Pipe()
	noError(t, err)
	t.Cleanup(func() { _ = read.Close() })
	command.Stdout, command.Stderr = write, os.Stderr
	noError(t, command.Start())
	_ = write.Close()
	p := &process{Cmd: command, ended: make(chan error, 1)}
	go func() { p.ended <- command.Wait() }()
	t.Cleanup(func() { _ = command.Process.Kill() })
	text, err := bufio.NewReader(read).ReadString('\n')
	noError(t, err)
	line, err := handshake.ParseLine(strings.TrimSpace(text))
	noError(t, err)
	return p, line
}

func (p *process) wait(t *testing.T) error {
	t.Helper()
	return receive(t, "the plugin's end", p.ended)
}

func TestSignals(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("signals are sent on Unix only")
	}
	p, line := started(t, part{Signals: true})
	conn := (&running{line: line}).dial(t)
	for range 3 {
		noError(t, p.Process.Signal(os.Interrupt))
		noError(t, services.Ping(soon(t), conn))
	}
	noError(t, p.Process.Signal(syscall.SIGTERM))
	noError(t, p.wait(t))
	gone(t, line.Address)

	p, line = started(t, part{}) // by default they do what they always do
	noError(t, p.Process.Signal(syscall.SIGTERM))
	if err := p.wait(t); err == nil {
		t.Error("SIGTERM was caught")
	}
	_ = os.RemoveAll(line.Address)
}

// The second SIGTERM does not wait for calls.
func TestSecondSignalHurries(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("signals are sent on Unix only")
	}
	e := newEcho()
	r := run(t, server.Config{Register: e.register, Grace: time.Hour, Signals: true})
	call := held(t, e, r.dial(t))
	self, err := os.FindProcess(os.Getpid())
	noError(t, err)
	noError(t, self.Signal(os.Interrupt))
	noError(t, self.Signal(syscall.SIGTERM))
	receive(t, "Stopping", r.Stopping())
	select {
	case err := <-r.ended:
		t.Fatalf("ended with %v, while a call was running", err)
	default:
	}
	noError(t, self.Signal(syscall.SIGTERM))
	if err := receive(t, "the call's end", call); err == nil {
		t.Error("the call succeeded")
	}
	noError(t, receive(t, "the end of Run", r.ended))
}
