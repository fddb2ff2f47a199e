package process

import (
	"encoding/json"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"strconv"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"
)

const (
	roleVariable   = "PROCESS_TEST_ROLE"
	tetherVariable = "PROCESS_TEST_TETHER"
	// suiteVariable is set in the environment of whatever the tests start.
	suiteVariable = "PROCESS_TEST_SUITE"
	// patience is for what must happen but may take a while on a busy machine.
	patience = 20 * time.Second
)

// The test binary plays the parts of child, grandchild and middle process when
// it finds a role in its environment.
func TestMain(m *testing.M) {
	if role := os.Getenv(roleVariable); role != "" {
		os.Exit(play(role, os.Args[1:]))
	}
	// A child that lost its role must not run the tests, and start more of them.
	if os.Getenv(suiteVariable) != "" {
		fmt.Fprintln(os.Stderr, "started by its own tests, without a role")
		os.Exit(2)
	}
	os.Setenv(suiteVariable, "yes")
	goleak.VerifyTestMain(m)
}

// play returns the exit code of a role, if the role ends at all.
func play(role string, args []string) int {
	terminated := make(chan os.Signal, 1)
	switch role {
	case "exit": // code, text for stdout, text for stderr
		_, _ = io.WriteString(os.Stdout, args[1])
		_, _ = io.WriteString(os.Stderr, args[2])
		code, _ := strconv.Atoi(args[0])
		return code
	case "stdin": // ends when its input does
		report(role)
		_, _ = io.Copy(io.Discard, os.Stdin)
		return 5
	case "graceful": // ends by itself when asked to
		signal.Notify(terminated, syscall.SIGTERM)
		report(role)
		<-terminated
		return 7
	case "stubborn":
		signal.Ignore(syscall.SIGTERM, syscall.SIGINT, syscall.SIGHUP)
		report(role)
	case "deserter": // leaves its group for that of its parent
		if err := syscall.Setpgid(0, syscall.Getpgrp()); err != nil {
			return 1
		}
		parent, err := syscall.Getpgid(os.Getppid())
		if err != nil || syscall.Setpgid(0, parent) != nil {
			return 1
		}
		report(role)
	case "leader": // has a child in its own group, of the role given, and ends when asked to
		signal.Notify(terminated, syscall.SIGTERM)
		spawn(args[0], nil)
		report(role)
		<-terminated
		return 0
	case "loser": // has a child in another session that holds its pipes
		signal.Notify(terminated, syscall.SIGTERM)
		spawn("stubborn", &syscall.SysProcAttr{Setsid: true})
		report(role)
		<-terminated
		return 0
	case "middle": // has a child by way of this package
		var cfg Config
		if json.Unmarshal([]byte(args[0]), &cfg) != nil {
			return 1
		}
		p, err := Start(cfg)
		if err != nil {
			return 1
		}
		if p.guard != nil {
			awaitShell(p.guard)
		}
		report(role)
		<-p.Exited()
		return 1
	}
	signal.Notify(make(chan os.Signal, 1), syscall.SIGUSR1) // no deadlock is reported then
	select {}
}

// spawn starts a child that inherits the standard files.
func spawn(role string, attributes *syscall.SysProcAttr) {
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), roleVariable+"="+role)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	cmd.SysProcAttr = attributes
	if err := cmd.Start(); err != nil {
		panic(err)
	}
}

// report says which role this process plays, on a connection that breaks when
// the process ends.
func report(role string) {
	conn, err := net.Dial("unix", os.Getenv(tetherVariable))
	if err != nil {
		panic(err)
	}
	fmt.Fprintln(conn, role, os.Getpid())
}

// awaitShell polls until the guardian has its shell running.
func awaitShell(g *guardian) int {
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); {
		g.mu.Lock()
		running := g.running
		g.mu.Unlock()
		if running != nil {
			return running.Pid
		}
		<-time.After(time.Millisecond)
	}
	panic("guardian has not started")
}
