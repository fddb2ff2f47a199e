package bridge

import (
	"io"
	"sync"
)

// lateWriter is a writer that is known late: until then a Write waits. What its
// writer does not take is dropped, so that a program can always print.
type lateWriter struct {
	once   sync.Once
	opened chan struct{}
	to     io.Writer // valid after opened
}

func newLateWriter() *lateWriter { return &lateWriter{opened: make(chan struct{})} }

// open says where to write to. The first word stands.
func (w *lateWriter) open(to io.Writer) {
	w.once.Do(func() {
		w.to = to
		close(w.opened)
	})
}

// Write writes, and never fails.
func (w *lateWriter) Write(data []byte) (int, error) {
	<-w.opened
	_, _ = w.to.Write(data)
	return len(data), nil
}
