//go:build unix

package transport

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// playRole is the main of a child. "hold DIR" listens in a private directory
// below DIR and says where; "umask OCTAL DIR [GID]" does so under that umask
// and says what access came out. Both wait for the end of standard input.
// "bind PATH" makes a socket without a umask and says what access it has before
// anything else is done to it.
func playRole(role string, args []string) int {
	var config UnixConfig
	switch role {
	case "hold":
		config.Dir = args[0]
	case "bind":
		syscall.Umask(0)
		listen := net.ListenConfig{Control: narrowSocket}
		l, err := listen.Listen(context.Background(), "unix", args[0])
		fmt.Println(modeOf(args[0]), err)
		if err != nil || l.Close() != nil {
			return 8
		}
		return 0
	case "umask":
		mask, err := strconv.ParseInt(args[0], 8, 32)
		if err != nil {
			return 9
		}
		syscall.Umask(int(mask))
		config.Dir = args[1]
		if len(args) > 2 {
			config.Group = args[2]
		}
	default:
		return 9
	}
	l, err := NewUnix(config).Listen(context.Background())
	if err != nil {
		fmt.Println(err)
		return 8
	}
	path := l.Endpoint().Address
	dirMode, sockMode := modeOf(filepath.Dir(path)), modeOf(path)
	fmt.Println(path, dirMode, sockMode)
	_, _ = io.Copy(io.Discard, os.Stdin)
	if l.Close() != nil {
		return 7
	}
	return 0
}

func modeOf(path string) string {
	found, err := os.Lstat(path)
	if err != nil {
		return err.Error()
	}
	return fmt.Sprintf("%04o", found.Mode().Perm())
}

// child is a running role.
type child struct {
	cmd   *exec.Cmd
	stdin io.WriteCloser
	words []string // of its first line
}

func startRole(t *testing.T, role string, args ...string) *child {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0], args...)
	cmd.Env = append(os.Environ(), roleKey+"="+role, "GORACE=atexit_sleep_ms=0")
	cmd.Stderr = os.Stderr
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	c := &child{cmd: cmd, stdin: stdin}
	t.Cleanup(c.kill)
	line, err := bufio.NewReader(stdout).ReadString('\n')
	if err != nil {
		t.Fatalf("child said %q: %v", line, err)
	}
	c.words = strings.Fields(line)
	return c
}

// kill kills and reaps the child.
func (c *child) kill() {
	_ = c.cmd.Process.Kill()
	_ = c.cmd.Wait()
}

// finish ends the child's input and expects it to end well.
func (c *child) finish(t *testing.T) {
	t.Helper()
	_ = c.stdin.Close()
	if err := c.cmd.Wait(); err != nil {
		t.Fatalf("child: %v", err)
	}
}
