package process

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
)

// shownPathDirs is how many directories of PATH a hint lists.
const shownPathDirs = 5

// Look finds the file of a command: a name without a slash is searched in the
// PATH of this process, one with a slash is taken as it is, relative to the
// working directory. The path it returns is as the search found it, possibly
// relative if the command was.
//
// Errors are of type [*Error], with ReasonNoCommand, ReasonNotFound,
// ReasonNotExecutable, ReasonDirectory or ReasonCurrentDir, and a hint.
func Look(command string) (path string, err error) {
	if command == "" {
		return "", noCommand()
	}
	path, err = exec.LookPath(command)
	if err == nil {
		return path, nil
	}
	if errors.Is(err, exec.ErrDot) {
		return "", &Error{
			Reason: ReasonCurrentDir, Subject: command, Err: exec.ErrDot,
			what: fmt.Sprintf("command %q found by way of PATH as %q", command, path),
			hint: fmt.Sprintf("write %q if you mean that file", dotSlash(path)),
		}
	}
	if filepath.Base(command) != command {
		return "", refused(command, command)
	}
	// Nothing in PATH can be executed under that name. A file that is there
	// and cannot be is a better answer than "not found".
	for _, dir := range filepath.SplitList(os.Getenv("PATH")) {
		file := filepath.Join(dir, command)
		if info, err := os.Stat(file); err == nil && info.Mode().IsRegular() {
			return "", refused(command, file)
		}
	}
	return "", &Error{
		Reason: ReasonNotFound, Subject: command, Err: exec.ErrNotFound,
		what: fmt.Sprintf("command %q not found", command),
		hint: notFoundHint(command),
	}
}

func noCommand() error {
	return &Error{
		Reason: ReasonNoCommand, what: "no command given, expected a program and its arguments",
	}
}

// refused explains why a file that a command stands for cannot be run.
func refused(command, file string) error {
	info, err := os.Stat(file)
	switch {
	case errors.Is(err, fs.ErrPermission):
		return &Error{
			Reason: ReasonNotExecutable, Subject: command, Err: cause(err),
			what: fmt.Sprintf("command %q cannot be reached", command),
			hint: "check the permissions of the directories that lead to it",
		}
	case err != nil:
		return &Error{
			Reason: ReasonNotFound, Subject: command, Err: cause(err),
			what: fmt.Sprintf("command %q not found", command),
			hint: missingFileHint(file),
		}
	case info.IsDir():
		return &Error{
			Reason: ReasonDirectory, Subject: command, Err: syscall.EISDIR,
			what: fmt.Sprintf("command %q is not a program", command),
			hint: "name the program inside that directory",
		}
	}
	hint := "this user may not execute it: check its owner and whether its file system is mounted noexec"
	if info.Mode()&0o111 == 0 {
		hint = "make it executable with chmod +x, or put its interpreter before it"
	}
	return &Error{
		Reason: ReasonNotExecutable, Subject: command, Err: fs.ErrPermission,
		what: fmt.Sprintf("command %q is not executable, %q has mode %v", command, file, info.Mode()),
		hint: hint,
	}
}

// notFoundHint advises on a name that is nowhere in PATH.
func notFoundHint(command string) string {
	near := dotSlash(command)
	if info, err := os.Stat(near); err == nil && info.Mode().IsRegular() {
		return fmt.Sprintf("did you mean %q? the current directory is not searched", near)
	}
	dirs := slices.Compact(filepath.SplitList(os.Getenv("PATH")))
	if len(dirs) == 0 {
		return "PATH is empty: give the path of the program"
	}
	more := ""
	if n := len(dirs) - shownPathDirs; n > 0 {
		dirs, more = dirs[:shownPathDirs], fmt.Sprintf(" and %d more", n)
	}
	return "PATH does not lead to it: searched in " + strings.Join(dirs, ", ") + more
}

// missingFileHint advises on a path that does not exist.
func missingFileHint(file string) string {
	if filepath.IsAbs(file) {
		return "check the path"
	}
	dir, err := os.Getwd()
	if err != nil {
		return "the path is relative, and the current directory is gone"
	}
	return fmt.Sprintf("the path is relative to %q", dir)
}

// dotSlash writes a relative path so that it is not searched in PATH.
func dotSlash(path string) string {
	if filepath.IsAbs(path) {
		return path
	}
	return "." + string(filepath.Separator) + filepath.Clean(path)
}

func quote(s string) string { return strconv.Quote(s) }
