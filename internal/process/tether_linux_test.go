package process

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

// tether hears of processes when they are ready and when they end, whoever
// their parent is.
type tether struct {
	listener net.Listener
	members  map[string]*member
}

type member struct {
	pid  int
	conn net.Conn
}

func newTether(t *testing.T) *tether {
	t.Helper()
	dir, err := os.MkdirTemp("", "tether")
	if err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("unix", filepath.Join(dir, "s"))
	if err != nil {
		t.Fatal(err)
	}
	tt := &tether{listener: listener, members: map[string]*member{}}
	t.Cleanup(func() {
		listener.Close()
		for _, m := range tt.members {
			m.conn.Close()
		}
		os.RemoveAll(dir)
	})
	return tt
}

// join waits until a process with this role is ready.
func (tt *tether) join(t *testing.T, role string) *member {
	t.Helper()
	_ = tt.listener.(*net.UnixListener).SetDeadline(time.Now().Add(patience))
	for tt.members[role] == nil {
		conn, err := tt.listener.Accept()
		if err != nil {
			t.Fatalf("no process with role %q has reported: %v", role, err)
		}
		_ = conn.SetReadDeadline(time.Now().Add(patience))
		line, err := bufio.NewReader(conn).ReadString('\n')
		var name string
		var pid int
		if _, scanErr := fmt.Sscan(line, &name, &pid); err != nil || scanErr != nil {
			t.Fatalf("report %q: %v, %v", line, err, scanErr)
		}
		tt.members[name] = &member{pid: pid, conn: conn}
	}
	return tt.members[role]
}

// awaitEnd fails the test if the process lives on.
func (m *member) awaitEnd(t *testing.T, who string) {
	t.Helper()
	_ = m.conn.SetReadDeadline(time.Now().Add(patience))
	if _, err := m.conn.Read(make([]byte, 1)); !errors.Is(err, io.EOF) {
		t.Errorf("%s, process %d, has not ended: %v", who, m.pid, err)
		_ = syscall.Kill(m.pid, syscall.SIGKILL)
	}
}

// alive reports whether a process runs; a zombie does not.
func alive(pid int) bool {
	s := state(pid)
	return s != 0 && s != 'Z' && s != 'X'
}

// state returns the letter of a process's state, 0 if there is no process.
func state(pid int) byte {
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	// The name in parentheses may contain anything, the state follows it.
	end := bytes.LastIndexByte(data, ')')
	if err != nil || end < 0 || end+2 >= len(data) {
		return 0
	}
	return data[end+2]
}

// role is a configuration that starts this binary.
func (tt *tether) role(t *testing.T, role string, args ...string) Config {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	env := append(os.Environ(), roleVariable+"="+role)
	if tt != nil {
		env = append(env, tetherVariable+"="+tt.listener.Addr().String())
	}
	return Config{Command: append([]string{self}, args...), Env: env}
}

// start starts a child that is closed at the end of the test at the latest.
func start(t *testing.T, cfg Config) *Process {
	t.Helper()
	p, err := Start(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.Close(); err != nil {
			t.Error(err)
		}
	})
	return p
}

func awaitExit(t *testing.T, p *Process) Status {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	select {
	case <-p.Exited():
	case <-ctx.Done():
		t.Fatalf("process %d has not ended", p.Pid())
	}
	return p.Status()
}
