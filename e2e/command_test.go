//go:build e2e && linux

package e2e

import (
	"bytes"
	"context"
	"errors"
	"os/exec"
	"strings"
	"sync"
	"syscall"
)

// result is what a program has written and how it ended.
type result struct {
	s              *sandbox
	command        string
	stdout, stderr string
	code           int
}

// running is a program that has not ended yet, leader of a process group as
// under a shell.
type running struct {
	s              *sandbox
	cmd            *exec.Cmd
	stdout, stderr *transcript
	ended          chan error
}

// run runs a program in the project.
func (s *sandbox) run(program string, args ...string) result {
	s.Helper()
	return s.start(program, args...).wait()
}

// start starts a program in the project.
func (s *sandbox) start(program string, args ...string) *running {
	s.Helper()
	r := &running{
		s: s, cmd: exec.Command(program, args...), stdout: new(transcript), stderr: new(transcript), ended: make(chan error, 1),
	}
	r.cmd.Dir, r.cmd.Env = s.project, s.environ
	r.cmd.Stdout, r.cmd.Stderr = r.stdout, r.stderr
	r.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	r.cmd.WaitDelay = prompt
	s.try(r.cmd.Start())
	go func() { r.ended <- r.cmd.Wait() }()
	return r
}

// signal sends a signal to the whole group, as Ctrl-C at a terminal does.
func (r *running) signal(signal syscall.Signal) {
	r.s.Helper()
	r.s.try(syscall.Kill(-r.cmd.Process.Pid, signal))
}

// kill kills the program alone.
func (r *running) kill() {
	r.s.Helper()
	r.s.try(r.cmd.Process.Kill())
}

// alive reports whether the program runs.
func (r *running) alive() bool {
	select {
	case err := <-r.ended:
		r.ended <- err
		return false
	default:
		return true
	}
}

// wait returns when the program has ended, and fails if it does not.
func (r *running) wait() result {
	r.s.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	var err error
	select {
	case err = <-r.ended:
	case <-ctx.Done():
		r.signal(syscall.SIGKILL)
		<-r.ended
		r.s.Fatalf("%q had not ended after %s; it wrote\n%s%s", r.cmd.Args, patience, r.stdout, r.stderr)
	}
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		r.s.Fatalf("%q: %v; it wrote\n%s%s", r.cmd.Args, err, r.stdout, r.stderr)
	}
	return result{
		s: r.s, command: strings.Join(r.cmd.Args, " "),
		stdout: r.stdout.String(), stderr: r.stderr.String(), code: r.cmd.ProcessState.ExitCode(),
	}
}

// ok fails unless the program has succeeded.
func (r result) ok() result { r.s.Helper(); return r.exited(0) }

// exited fails unless the program has ended with that status.
func (r result) exited(code int) result {
	r.s.Helper()
	if r.code != code {
		r.s.Fatalf("%s: exited with status %d, expected %d; it wrote\n%s%s", r.command, r.code, code, r.stdout, r.stderr)
	}
	return r
}

// says fails unless all texts are in what the program has written, however
// its lines are broken and framed.
func (r result) says(texts ...string) result {
	r.s.Helper()
	written := plain(r.stdout + "\n" + r.stderr)
	for _, text := range texts {
		if !strings.Contains(written, text) {
			r.s.Errorf("%s: did not say %q; it wrote\n%s%s", r.command, text, r.stdout, r.stderr)
		}
	}
	return r
}

// doesNotSay fails if a text is in what the program has written.
func (r result) doesNotSay(texts ...string) {
	r.s.Helper()
	written := plain(r.stdout + "\n" + r.stderr)
	for _, text := range texts {
		if strings.Contains(written, text) {
			r.s.Errorf("%s: said %q; it wrote\n%s%s", r.command, text, r.stdout, r.stderr)
		}
	}
}

// plain takes Terraform's frames and line breaks out.
func plain(text string) string {
	return strings.Join(strings.Fields(strings.NewReplacer("│", " ", "╷", " ", "╵", " ").Replace(text)), " ")
}

// transcript is a buffer that can be read while it is written.
type transcript struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (t *transcript) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.text.Write(p)
}

func (t *transcript) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.text.String()
}

// expect waits until a text has been written.
func (t *transcript) expect(s *sandbox, text string) {
	s.Helper()
	if !until(patience, func() bool { return strings.Contains(t.String(), text) }) {
		s.Fatalf("%q was not written within %s, but\n%s", text, patience, t)
	}
}
