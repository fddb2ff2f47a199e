package testscript_test

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"time"
)

// interrupted TEXT CMD ARGS… sends a command Ctrl-C as soon as TEXT is on its
// stderr.
func interrupted() {
	command := exec.Command(os.Args[2], os.Args[3:]...)
	command.Stdout = os.Stdout
	stderr, err := command.StderrPipe()
	if err == nil {
		err = command.Start()
	}
	if err != nil {
		fail(err)
	}
	reader := bufio.NewReader(stderr)
	for {
		line, err := reader.ReadString('\n')
		_, _ = io.WriteString(os.Stderr, line)
		if err != nil {
			fail(fmt.Errorf("%q never came", os.Args[1]))
		}
		if strings.Contains(line, os.Args[1]) {
			break
		}
	}
	if err := command.Process.Signal(os.Interrupt); err != nil {
		fail(err)
	}
	_, _ = io.Copy(os.Stderr, reader)
	exitLike(command, command.Wait())
}

// mortal is a good plugin that dies by itself soon after its start.
func mortal() {
	time.AfterFunc(1500*time.Millisecond, func() {
		fmt.Fprintln(os.Stderr, "these are my last words")
		os.Exit(9)
	})
	servePlugin("good")
}
