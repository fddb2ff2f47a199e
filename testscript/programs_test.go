package testscript_test

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"syscall"
)

// recorded FILE CMD ARGS… runs a plugin and keeps a copy of its stdout.
func recorded() {
	file, err := os.Create(os.Args[1])
	if err != nil {
		fail(err)
	}
	command := exec.Command(os.Args[2], os.Args[3:]...)
	command.Stdin, command.Stderr = os.Stdin, os.Stderr
	command.Stdout = io.MultiWriter(file, os.Stdout)
	err = command.Run()
	if closeErr := file.Close(); closeErr != nil {
		fail(closeErr)
	}
	exitLike(command, err)
}

// signalled SIGNAL CMD ARGS… sends a command INT or TERM as soon as its first
// line is on stdout, and passes everything on.
func signalled() {
	signal := map[string]os.Signal{"INT": os.Interrupt, "TERM": syscall.SIGTERM}[os.Args[1]]
	command := exec.Command(os.Args[2], os.Args[3:]...)
	command.Stderr = os.Stderr
	stdout, err := command.StdoutPipe()
	if err == nil {
		err = command.Start()
	}
	if err != nil {
		fail(err)
	}
	reader := bufio.NewReader(stdout)
	line, _ := reader.ReadString('\n')
	_, _ = io.WriteString(os.Stdout, line)
	if err := command.Process.Signal(signal); err != nil {
		fail(err)
	}
	_, _ = io.Copy(os.Stdout, reader)
	exitLike(command, command.Wait())
}

// leaving CMD ARGS… is a host that is killed: once the first line of its plugin
// is on stdout, Ctrl-C reaches the plugin, and then the host's end of the pipe
// goes away.
func leaving() {
	command := exec.Command(os.Args[1], os.Args[2:]...)
	command.Stderr = os.Stderr
	stdout, err := command.StdoutPipe()
	if err == nil {
		err = command.Start()
	}
	if err != nil {
		fail(err)
	}
	if _, err := bufio.NewReader(stdout).ReadString('\n'); err != nil {
		fail(err)
	}
	if err := command.Process.Signal(os.Interrupt); err != nil {
		fail(err)
	}
	if err := stdout.Close(); err != nil {
		fail(err)
	}
	exitLike(command, command.Wait())
}

func exitLike(command *exec.Cmd, err error) {
	if command.ProcessState == nil {
		fail(err)
	}
	os.Exit(command.ProcessState.ExitCode())
}

// fail ends a program of a scenario that cannot do its part.
func fail(err error) {
	fmt.Fprintln(os.Stderr, "scenario:", err)
	os.Exit(125)
}
