package client

import (
	"bufio"
	"errors"
	"io"
	"log/slog"
	"sync"

	"github.com/pyvider/rpcplugin/internal/childlog"
	"github.com/pyvider/rpcplugin/pkg/handshake"
)

// output is what a plugin's process prints: the first line of stdout, for the
// handshake; the rest of it, thrown away so that the plugin never blocks; and
// stderr, logged.
type output struct {
	greeted chan struct{} // closed when line is set, or will never be
	line    string        // valid after greeted
	hasLine bool          // false: stdout ended without a byte
	partial partial       // of the line, while it is not there
	drained chan struct{} // closed when stdout has been read to its end
	stderr  *childlog.Log
}

// printing is the part of a Running that is read.
type printing interface {
	Stdout() io.Reader
	Stderr() io.Reader
}

// readOutput reads both pipes of what runs until they end.
func readOutput(running printing, logger *slog.Logger) *output {
	o := &output{
		greeted: make(chan struct{}),
		drained: make(chan struct{}),
		stderr:  childlog.Read(running.Stderr(), logger),
	}
	go o.readStdout(running.Stdout())
	return o
}

func (o *output) readStdout(stdout io.Reader) {
	defer close(o.drained)
	buffered := bufio.NewReaderSize(io.TeeReader(stdout, &o.partial), handshake.MaxLineBytes)
	line, err := buffered.ReadSlice('\n')
	o.line, o.hasLine = string(line), len(line) > 0
	close(o.greeted)
	if err == nil || errors.Is(err, bufio.ErrBufferFull) {
		_, _ = io.Copy(io.Discard, buffered)
	}
}

// wait returns when both pipes have been read to their ends. The process
// closes them soon after its own, whoever else may hold them.
func (o *output) wait() {
	<-o.drained
	<-o.stderr.Done()
}

// partial keeps the beginning of what is written to it.
type partial struct {
	mu   sync.Mutex
	text []byte
}

// partialBytes is enough to know what it is.
const partialBytes = 200

func (p *partial) Write(data []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.text = append(p.text, data[:min(len(data), partialBytes-len(p.text))]...)
	return len(data), nil
}

func (p *partial) String() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return string(p.text)
}
