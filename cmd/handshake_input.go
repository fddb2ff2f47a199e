package cmd

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"

	"github.com/pyvider/rpcplugin/pkg/handshake"
)

// lineArgument is a line to look at.
type lineArgument struct {
	Line string `arg:"" optional:"" default:"-" help:"The line; - reads stdin, @FILE a file."`
}

// text is the line, and what was there after it without waiting for more: a
// plugin that writes into a pipe goes on running.
func (a lineArgument) text(stdin io.Reader) (string, error) {
	path, isFile := strings.CutPrefix(a.Line, "@")
	switch {
	case a.Line == "-" && isTerminal(stdin):
		return "", usagef("rpcplugin handshake parse '1|6|unix|/path|grpc|', in quotes that keep the shell off; @FILE reads a file, PLUGIN | rpcplugin handshake parse what it prints",
			"no line was given")
	case a.Line == "-":
		return readStart("standard input", stdin)
	case !isFile:
		return a.Line, nil
	}
	file, err := os.Open(path)
	if err != nil {
		return "", unreadable(fmt.Sprintf("file %q", path), err)
	}
	defer file.Close()
	return readStart(fmt.Sprintf("file %q", path), file)
}

// readStart reads the first line, as far as a host would, and what came with it.
func readStart(name string, r io.Reader) (string, error) {
	buffered := bufio.NewReaderSize(r, handshake.MaxLineBytes+1)
	line, err := buffered.ReadSlice('\n')
	text := string(line)
	switch {
	case err == nil:
		rest, _ := buffered.Peek(buffered.Buffered())
		text += string(rest)
	case errors.Is(err, io.EOF), errors.Is(err, bufio.ErrBufferFull): // both are for the one who looks at it
	default:
		return "", unreadable(name, err)
	}
	return text, nil
}

func unreadable(name string, err error) error {
	var path *fs.PathError
	if errors.As(err, &path) {
		err = path.Err
	}
	return &usageError{
		err:  fmt.Errorf("%s cannot be read: %w", name, err),
		hint: "a line is given as it is, @FILE reads a file, - reads stdin",
	}
}
