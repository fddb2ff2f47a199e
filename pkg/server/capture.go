package server

import (
	"fmt"
	"io"
	"os"
	"sync"
)

// pipeName is what os.Pipe calls the end that is written to.
const pipeName = "|1"

// captured are the variables os.Stdout and os.Stderr while pipes stand in for
// them. The methods of a nil one do nothing.
type captured struct{ stdout, stderr *standIn }

// capture puts pipes in place of os.Stdout and os.Stderr, if that is asked for.
// Variables that hold a pipe already are left alone: another Server put it
// there, or else somebody who wants to read it.
func (s *Server) capture() error {
	if !s.cfg.Capture {
		return nil
	}
	for name, file := range map[string]*os.File{"os.Stdout": os.Stdout, "os.Stderr": os.Stderr} {
		if file.Name() == pipeName {
			return &Error{Reason: ReasonCapture, Err: fmt.Errorf("%s is a pipe of this process, expected the file that the process was given", name)}
		}
	}
	stdout, err := replace(&os.Stdout, s.stdio.Stdout())
	if err != nil {
		return &Error{Reason: ReasonCapture, Err: err}
	}
	stderr, err := replace(&os.Stderr, s.stdio.Stderr())
	if err != nil {
		stdout.restore()
		return &Error{Reason: ReasonCapture, Err: err}
	}
	s.captured = &captured{stdout: stdout, stderr: stderr}
	return nil
}

// flush hands on what has been written so far.
func (c *captured) flush() {
	if c != nil {
		c.stdout.flush()
		c.stderr.flush()
	}
}

// restore gives the variables their old values back and ends the pipes.
func (c *captured) restore() {
	if c != nil {
		c.stdout.restore()
		c.stderr.restore()
	}
}

// standIn is a pipe in place of a file. It is read all the time, so that
// nobody who writes has to wait.
type standIn struct {
	variable    **os.File
	old         *os.File
	read, write *os.File
	to          io.Writer
	done        chan struct{} // nobody reads any more

	mu     sync.Mutex // held by who reads
	buffer [32 << 10]byte
}

// replace puts a pipe in a variable and hands on what is written to it.
func replace(variable **os.File, to io.Writer) (*standIn, error) {
	read, write, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	p := &standIn{variable: variable, old: *variable, read: read, write: write, to: to, done: make(chan struct{})}
	*variable = write
	go func() {
		defer close(p.done)
		p.copy()
	}()
	return p, nil
}

// restore puts the old file back, unless somebody has put another since.
func (p *standIn) restore() {
	if *p.variable == p.write {
		*p.variable = p.old
	}
	_ = p.write.Close()
	p.end()
}
