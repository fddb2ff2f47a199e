package server

import "time"

// endWait is how long a program that was started may hold the pipe.
const endWait = 250 * time.Millisecond

// copy hands on what is written until the pipe is closed.
func (p *standIn) copy() {
	for {
		n, err := p.read.Read(p.buffer[:])
		if n > 0 {
			_, _ = p.to.Write(p.buffer[:n]) // after the end of stdio there is nowhere to go
		}
		if err != nil {
			_ = p.read.Close()
			return
		}
	}
}

// flush does nothing: what is in a pipe cannot be read without waiting here.
func (p *standIn) flush() {}

// end waits for the reader, which ends when nobody can write any more.
func (p *standIn) end() {
	select {
	case <-p.done:
	case <-time.After(endWait):
	}
}
