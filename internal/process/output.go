package process

import (
	"errors"
	"io"
	"os"
	"sync"
	"time"
)

const (
	// outputGrace is how long after the exit of a process its outputs stay
	// open for a descendant that still holds them.
	outputGrace = 500 * time.Millisecond
	// maxTail bounds what is kept of an output that is cut: more than any pipe
	// holds, and an end to reading from one that is written without pause.
	maxTail = 1 << 20
)

// output is the end that we read of a child's standard output or error.
//
// It ends when every writer has closed the pipe, or when it is cut. Cutting
// closes the file at once, and keeps for the reader what was in the pipe.
type output struct {
	file *os.File

	mu   sync.Mutex // held during Read, a cut wakes a reader that is blocked
	done bool       // the file is closed or about to be, only tail is left
	tail []byte
}

// Read reads from the child, and returns [io.EOF] at the end. It may be called
// by several goroutines, which compete for the data.
func (o *output) Read(b []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if !o.done {
		n, err := o.file.Read(b)
		if err == nil {
			return n, nil
		}
		o.finish(errors.Is(err, os.ErrDeadlineExceeded))
		if !isEnd(err) {
			return n, err
		}
	}
	if len(o.tail) == 0 {
		return 0, io.EOF
	}
	n := copy(b, o.tail)
	o.tail = o.tail[n:]
	return n, nil
}

// cut ends the output. It does not wait for a writer or a reader.
func (o *output) cut() {
	// A deadline in the past lets go a reader that waits, which then holds the
	// lock for as long as it takes to take what is in the pipe.
	if err := o.file.SetReadDeadline(time.Unix(1, 0)); err != nil {
		// Closed already, or a system whose pipes know no deadlines.
		o.file.Close()
		return
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	if !o.done {
		o.finish(true)
	}
}

// finish closes the file, after taking what is in the pipe if keep is true.
func (o *output) finish(keep bool) {
	o.done = true
	if keep {
		o.tail = readAvailable(o.file, maxTail)
	}
	o.file.Close()
}

func isEnd(err error) bool {
	return errors.Is(err, io.EOF) || errors.Is(err, os.ErrClosed) || errors.Is(err, os.ErrDeadlineExceeded)
}
