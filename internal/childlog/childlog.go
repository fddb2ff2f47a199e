// Package childlog reads the stderr of a program that was started: every line
// becomes a log record with a level, and the last ones are kept for an error
// report.
package childlog

import (
	"bufio"
	"context"
	"errors"
	"io"
	"log/slog"
	"strings"
	"sync"
	"time"

	"github.com/pyvider/rpcplugin/internal/hclog"
)

const (
	// tailLines and tailBytes bound what is kept of the end.
	tailLines = 12
	tailBytes = 4 << 10
	// quiet is how long a traceback may pause before it counts as whole.
	quiet = 100 * time.Millisecond
	// crashLines and crashBytes bound what is kept of a crash.
	crashLines = 200
	crashBytes = 64 << 10
)

// Log is the reading of one stderr. Read starts it; it ends with its reader.
type Log struct {
	logger *slog.Logger
	done   chan struct{}

	mu   sync.Mutex
	tail []string
	// crash is what came from the first line of a crash on, of crashed lines.
	crash   strings.Builder
	crashed int
}

// Read reads r to its end, in the background, and logs what comes to logger.
func Read(r io.Reader, logger *slog.Logger) *Log {
	l := &Log{logger: logger, done: make(chan struct{})}
	lines := make(chan []byte)
	go split(r, lines)
	go l.consume(lines)
	return l
}

// Done is closed when all has been read and logged.
func (l *Log) Done() <-chan struct{} { return l.done }

// Tail returns the last lines, oldest first, at most twelve and 4 KiB.
func (l *Log) Tail() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return append([]string(nil), l.tail...)
}

// Crash returns what was read from a line on that starts as a crash of Go's
// runtime does, with "panic: " or "fatal error: ", without its last line end, at
// most 200 lines and 64 KiB; "" without such a line.
func (l *Log) Crash() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.TrimRight(l.crash.String(), "\n")
}

// split sends the lines of r. A line longer than a host reads in one piece is
// sent in several.
func split(r io.Reader, lines chan<- []byte) {
	defer close(lines)
	buffered := bufio.NewReaderSize(r, hclog.MaxLineBytes)
	for {
		line, err := buffered.ReadSlice('\n')
		if len(line) > 0 {
			lines <- append([]byte(nil), line...)
		}
		if err != nil && !errors.Is(err, bufio.ErrBufferFull) {
			return
		}
	}
}

// consume logs lines, and what the classifier holds back when they pause.
func (l *Log) consume(lines <-chan []byte) {
	defer close(l.done)
	classifier := hclog.NewClassifier()
	pause := time.NewTimer(quiet)
	defer pause.Stop()
	for {
		var idle <-chan time.Time
		if classifier.Pending() {
			pause.Reset(quiet)
			idle = pause.C
		}
		select {
		case line, more := <-lines:
			if !more {
				l.log(classifier.Flush())
				return
			}
			l.keep(line)
			l.log(classifier.Line(line))
		case <-idle:
			l.log(classifier.Flush())
		}
	}
}

func (l *Log) log(entries []hclog.Entry) {
	for _, entry := range entries {
		entry.Log(context.Background(), l.logger)
	}
}

// keep adds a line to the tail; of a JSON line its message is what a person
// reads.
func (l *Log) keep(line []byte) {
	text := strings.ToValidUTF8(strings.TrimRight(string(line), "\r\n"), "\uFFFD")
	l.keepCrash(text)
	if entry, ok := hclog.ParseLine(line); ok {
		text = entry.Message
	}
	if strings.TrimSpace(text) == "" {
		return
	}
	if len(text) > tailBytes/4 {
		text = strings.ToValidUTF8(text[:tailBytes/4], "") + " …"
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.tail = append(l.tail, text)
	size := 0
	for i := len(l.tail) - 1; i >= 0; i-- {
		size += len(l.tail[i])
		if len(l.tail)-i > tailLines || size > tailBytes {
			l.tail = append([]string(nil), l.tail[i+1:]...)
			return
		}
	}
}

// keepCrash adds a line to the crash, if there is one or it begins here.
func (l *Log) keepCrash(text string) {
	begins := strings.HasPrefix(text, "panic: ") || strings.HasPrefix(text, "fatal error: ")
	l.mu.Lock()
	defer l.mu.Unlock()
	room := crashBytes - l.crash.Len() - 1 // for the line end
	if l.crashed == 0 && !begins || l.crashed == crashLines || room < 0 {
		return
	}
	l.crashed++
	if len(text) > room {
		text = strings.ToValidUTF8(text[:room], "")
		l.crashed = crashLines // no room for another one
	}
	l.crash.WriteString(text)
	l.crash.WriteByte('\n')
}
