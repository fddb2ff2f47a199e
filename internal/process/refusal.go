package process

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"runtime"
	"strings"
	"syscall"
)

// startError turns the system's refusal to start a file that [Look] had found
// into an [Error].
func startError(command, path string, err error) error {
	e := &Error{Reason: ReasonStart, Subject: command, Err: err}
	var no syscall.Errno
	if errors.As(err, &no) {
		e.Err = no
	}
	e.what = fmt.Sprintf("cannot start %q", command)
	switch {
	case isFormatError(err):
		e.Reason = ReasonFormat
		e.hint = fmt.Sprintf("expected a program for %s/%s, or a script whose first line starts with #!",
			runtime.GOOS, runtime.GOARCH)
	case errors.Is(err, fs.ErrNotExist) && exists(path):
		e.Reason = ReasonInterpreter
		e.what += ", what it needs to run is missing"
		e.hint = "install the loader or the C library that the program was built for"
		if name := interpreter(path); name != "" {
			e.what = fmt.Sprintf("cannot start %q, its interpreter %q is missing", command, name)
			e.hint = "install it, or correct the first line of the file"
			if strings.HasSuffix(name, "\r") {
				e.hint = "the file has Windows line ends: convert them"
			}
		}
	case errors.Is(err, fs.ErrNotExist):
		e.Reason = ReasonNotFound
	case errors.Is(err, fs.ErrPermission):
		e.Reason = ReasonNotExecutable
		e.hint = "check its owner, its interpreter's mode and whether its file system is mounted noexec"
	case isShortage(err):
		e.Reason = ReasonResources
		e.hint = "the limit of processes, open files or memory is reached"
	}
	return e
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// interpreter returns the program that the #! line of a script names, and ""
// for everything else.
func interpreter(path string) string {
	file, err := os.Open(path)
	if err != nil {
		return ""
	}
	defer file.Close()
	head := make([]byte, 256)
	n, err := io.ReadFull(file, head)
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) {
		return ""
	}
	line, found := bytes.CutPrefix(head[:n], []byte("#!"))
	if !found {
		return ""
	}
	line, _, _ = bytes.Cut(line, []byte("\n"))
	line = bytes.TrimLeft(line, " \t")
	if end := bytes.IndexAny(line, " \t"); end >= 0 {
		line = line[:end]
	}
	return string(line)
}
