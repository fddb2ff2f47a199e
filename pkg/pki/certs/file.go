package certs

import (
	"bytes"
	"io"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"strings"
)

// MaxFile is the most that is read of a file, in bytes.
const MaxFile = 1 << 20

// path takes a "file://" from a value: "file:///etc/x" and "file://x" are files,
// and with three slashes "%20" and the like are read as in a URI.
func path(value string) string {
	rest, found := strings.CutPrefix(value, "file://")
	if !found {
		return value
	}
	if strings.HasPrefix(rest, "/") {
		if plain, err := url.PathUnescape(rest); err == nil {
			rest = plain
		}
		if runtime.GOOS == "windows" && len(rest) > 2 && rest[2] == ':' { // "/C:/x"
			rest = rest[1:]
		}
	}
	return filepath.FromSlash(rest)
}

// ReadFile reads a file of at most [MaxFile] bytes; the value is a path, or
// "file://" and a path. Pipes and devices may be read, directories not. It fails
// with [ReasonUnset], [ReasonUnreadable], [ReasonDirectory], [ReasonTooLarge] or
// [ReasonEmpty].
func ReadFile(value string) ([]byte, error) {
	name := path(value)
	if name == "" {
		return nil, &Error{Reason: ReasonUnset, Expected: "a path"}
	}
	file, err := os.Open(name)
	if err != nil {
		return nil, &Error{Reason: ReasonUnreadable, Path: name, Err: withoutPath(err)}
	}
	defer file.Close()
	if info, err := file.Stat(); err == nil && info.IsDir() {
		return nil, &Error{Reason: ReasonDirectory, Path: name, Found: "a directory"}
	}
	data, err := Read(file)
	return data, at(name, err)
}

// Read reads what a stream holds, at most [MaxFile] bytes. It fails with
// [ReasonUnreadable], [ReasonTooLarge] or [ReasonEmpty].
func Read(r io.Reader) ([]byte, error) {
	data, err := io.ReadAll(io.LimitReader(r, MaxFile+1))
	switch {
	case err != nil:
		return nil, &Error{Reason: ReasonUnreadable, Err: withoutPath(err)}
	case len(data) > MaxFile:
		return nil, &Error{Reason: ReasonTooLarge, Expected: "at most 1 MiB"}
	case len(bytes.TrimSpace(data)) == 0:
		return nil, &Error{Reason: ReasonEmpty}
	}
	return data, nil
}

// withoutPath drops the path from an error that is shown beside it.
func withoutPath(err error) error {
	if failed, ok := err.(*fs.PathError); ok { //nolint:errorlint // os returns it bare
		return failed.Err
	}
	return err
}

// ReadPassword reads the first line of a file, without its line end and a byte
// order mark. It fails as [ReadFile] does, and with [ReasonEmpty] if the line is.
func ReadPassword(value string) ([]byte, error) {
	data, err := ReadFile(value)
	if err != nil {
		return nil, err
	}
	line, _, _ := bytes.Cut(plainText(data), []byte("\n"))
	if line = bytes.TrimSuffix(line, []byte("\r")); len(line) == 0 {
		return nil, &Error{Reason: ReasonEmpty, Path: path(value), Expected: "a password on the first line"}
	}
	return line, nil
}
