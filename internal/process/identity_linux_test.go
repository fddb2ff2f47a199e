package process

import (
	"bufio"
	"log/slog"
	"os"
	"os/exec"
	"syscall"
	"testing"
)

// The tests here guard against signals to a group whose id was reused.

func TestExitIsSeenBeforeReaping(t *testing.T) {
	cmd := exec.Command("true")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	g := &group{}
	if err := g.adopt(cmd.Process); err != nil {
		t.Fatal(err)
	}
	if err := g.awaitExit(); err != nil {
		t.Fatal(err)
	}
	if got := state(cmd.Process.Pid); got != 'Z' {
		t.Errorf("state of the child is %q, want a zombie", got)
	}
	if err := cmd.Wait(); err != nil {
		t.Error(err)
	}
}

func TestNoSignalAfterReaping(t *testing.T) {
	p := start(t, Config{Command: []string{"true"}})
	awaitExit(t, p)
	bystander := newWard(t)
	p.group.id = bystander.cmd.Process.Pid // as if the id had been reused
	if err := p.Signal(syscall.SIGKILL); err != nil {
		t.Error(err)
	}
	if err := p.Kill(); err != nil {
		t.Error(err)
	}
	p.Stop(t.Context(), 0)
	p.Close()
	if !alive(bystander.cmd.Process.Pid) {
		t.Error("a group was killed that is not ours")
	}
}

func TestGuardianForgetsReapedGroup(t *testing.T) {
	guard := newGuardian(Config{Guard: true, Logger: slog.New(slog.DiscardHandler)})
	defer guard.discard()
	_, stdin, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, _ := newOutput(t)
	stderr, _ := newOutput(t)
	p := &Process{
		logger: guard.logger, group: &group{}, guard: guard,
		stdin: stdin, stdout: stdout, stderr: stderr,
		exited: make(chan struct{}), closing: make(chan struct{}), ended: make(chan struct{}),
	}
	close(p.closing) // outputs need not wait
	go p.run(exec.Command("true"), make(chan error, 1))
	<-p.Exited()
	guard.ours.Close()
	line, err := bufio.NewReader(guard.theirs).ReadString('\n')
	if line != lineGone {
		t.Errorf("guardian was told %q, %v, want %q", line, err, lineGone)
	}
	<-p.ended
}
