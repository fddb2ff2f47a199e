//go:build unix

package docs_test

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// loop is what the shell runs. A command comes on file 3, after the name of the
// file for its output; status and folder go back on file 4. So what a command
// reads, prints or leaves running meets neither.
const loop = `_page_status=0
while IFS= read -r -d '' -u 3 _page_output && IFS= read -r -d '' -u 3 _page_command; do
	(exit $_page_status)
	eval "$_page_command" </dev/null >"$_page_output" 2>&1 3<&- 4>&-
	_page_status=$?
	printf '%d %s\0' $_page_status "$PWD" >&4
done`

// session is a shell in which a page is run, with a home and a folder of its own.
// Its root stands in the environment or the arguments of all that it starts.
type session struct {
	root    string
	folder  string // where the reader is
	timeout time.Duration

	shell    *exec.Cmd // what it says itself is in output/shell
	commands *os.File
	replies  chan string // closed with the shell's end
	count    int
}

// startSession starts one, in empty folders below root.
func startSession(root string, timeout time.Duration, environ []string) (*session, error) {
	s := &session{root: root, folder: filepath.Join(root, "page"), timeout: timeout, replies: make(chan string)}
	for _, name := range []string{"page", "home", "tmp", "output"} {
		if err := os.Mkdir(filepath.Join(root, name), 0o700); err != nil {
			return nil, err
		}
	}
	theirs, commands, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	replies, answers, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	s.commands = commands
	complaints, err := os.Create(filepath.Join(root, "output", "shell"))
	if err != nil {
		return nil, err
	}
	defer complaints.Close()
	s.shell = exec.Command("bash", "--noprofile", "--norc", "-c", loop, "bash")
	s.shell.Dir = s.folder
	s.shell.Env = append(environ,
		"HOME="+filepath.Join(root, "home"), "TMPDIR="+filepath.Join(root, "tmp"), "PWD="+s.folder)
	s.shell.Stderr = complaints
	s.shell.ExtraFiles = []*os.File{theirs, answers}
	s.shell.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	err = s.shell.Start()
	theirs.Close()
	answers.Close()
	if err != nil {
		return nil, err
	}
	go func() {
		defer close(s.replies)
		defer replies.Close()
		for reader := bufio.NewReader(replies); ; {
			reply, err := reader.ReadString(0)
			if err != nil {
				return
			}
			s.replies <- strings.TrimSuffix(reply, "\x00")
		}
	}()
	return s, nil
}

// run runs a command and returns its status. What it prints is in the file, at
// once: a command in the background may go on to write there.
func (s *session) run(command string) (status int, output string, err error) {
	s.count++
	output = filepath.Join(s.root, "output", strconv.Itoa(s.count))
	if _, err := s.commands.WriteString(output + "\x00" + command + "\x00"); err != nil {
		return 0, output, err
	}
	select {
	case reply, open := <-s.replies:
		if !open {
			return 0, output, errors.New("the shell has ended")
		}
		code, folder, _ := strings.Cut(reply, " ")
		s.folder = folder
		status, err = strconv.Atoi(code)
		return status, output, err
	case <-time.After(s.timeout):
		return 0, output, fmt.Errorf("has not ended within %s", s.timeout)
	}
}

// close ends the shell and all that was started in it, and returns an error if
// something is left.
func (s *session) close() error {
	s.commands.Close()
	group := -s.shell.Process.Pid
	_ = syscall.Kill(group, syscall.SIGTERM) // programs take their children and their sockets with them
	poll(2*time.Second, func() bool { return len(s.processes()) == 0 })
	_ = syscall.Kill(group, syscall.SIGKILL)
	for _, pid := range s.processes() {
		_ = syscall.Kill(pid, syscall.SIGKILL)
	}
	for range s.replies { // until its end
	}
	_ = s.shell.Wait() // killed
	if !poll(10*time.Second, func() bool { return len(s.processes()) == 0 }) {
		return fmt.Errorf("processes are left: %v", s.processes())
	}
	return nil
}

// processes lists those that were started in the session and live, on systems
// with /proc.
func (s *session) processes() []int {
	files, _ := filepath.Glob("/proc/[0-9]*/environ")
	var found []int
	for _, file := range files {
		environ, err := os.ReadFile(file) // empty for a zombie
		arguments, _ := os.ReadFile(filepath.Join(filepath.Dir(file), "cmdline"))
		if err != nil || !bytes.Contains(append(environ, arguments...), []byte(s.root+"/")) {
			continue
		}
		pid, err := strconv.Atoi(filepath.Base(filepath.Dir(file)))
		if err == nil && pid != os.Getpid() {
			found = append(found, pid)
		}
	}
	return found
}

// poll waits for a condition and reports whether it came true in time.
func poll(timeout time.Duration, condition func() bool) bool {
	deadline := time.NewTimer(timeout)
	defer deadline.Stop()
	look := time.NewTicker(20 * time.Millisecond)
	defer look.Stop()
	for !condition() {
		select {
		case <-look.C:
		case <-deadline.C:
			return condition()
		}
	}
	return true
}
