package client

import (
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
)

// Discover returns the programs in dirs whose file names match a pattern such as
// "terraform-provider-*", see [filepath.Match], as absolute paths in their order.
// On Windows the extension need not be part of the pattern.
//
// A name that is in several directories is taken from the first of them; an
// empty directory name, a directory that does not exist, and what cannot be
// executed are passed over. Links to programs count as programs. Subdirectories
// are not searched. The error is an *Error with ReasonDiscover: the pattern is
// malformed or has a directory in it, or a directory cannot be read.
func Discover(dirs []string, pattern string) ([]string, error) {
	if _, err := filepath.Match(pattern, ""); err != nil || pattern != filepath.Base(pattern) {
		if err == nil {
			err = errors.New("expected a pattern of file names without a directory")
		}
		return nil, &Error{Reason: ReasonDiscover, Found: pattern, Err: err}
	}
	var found []string
	seen := make(map[string]bool)
	for _, dir := range dirs {
		if dir == "" {
			continue
		}
		dir, err := filepath.Abs(dir)
		if err != nil {
			return nil, &Error{Reason: ReasonDiscover, Found: dir, Err: err}
		}
		names, err := namesIn(dir)
		if err != nil {
			return nil, &Error{Reason: ReasonDiscover, Found: dir, Err: err}
		}
		for _, name := range names {
			if path := filepath.Join(dir, name); !seen[name] && nameMatches(pattern, name) && isProgram(path) {
				seen[name] = true
				found = append(found, path)
			}
		}
	}
	slices.Sort(found)
	return found, nil
}

// namesIn lists a directory, which may be missing.
func namesIn(dir string) ([]string, error) {
	entries, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		var path *fs.PathError
		if errors.As(err, &path) { // the error names the directory itself
			err = path.Err
		}
		return nil, err
	}
	names := make([]string, len(entries))
	for i, entry := range entries {
		names[i] = entry.Name()
	}
	return names, nil
}

// nameMatches matches a name; pattern is known to be well formed.
func nameMatches(pattern, name string) bool {
	matches, _ := filepath.Match(pattern, name)
	if !matches && runtime.GOOS == "windows" {
		matches, _ = filepath.Match(pattern, strings.TrimSuffix(name, filepath.Ext(name)))
	}
	return matches
}

// isProgram reports whether this user may execute the file.
func isProgram(path string) bool {
	info, err := os.Stat(path)
	if err != nil || !info.Mode().IsRegular() {
		return false
	}
	if runtime.GOOS == "windows" {
		return hasProgramExt(path, os.Getenv("PATHEXT"))
	}
	_, err = exec.LookPath(path)
	return err == nil
}

// hasProgramExt reports whether a path ends as programs do on Windows, whose
// variable PATHEXT lists the extensions.
func hasProgramExt(path, list string) bool {
	if list == "" {
		list = ".com;.exe;.bat;.cmd"
	}
	ext := filepath.Ext(path)
	return ext != "" && slices.ContainsFunc(strings.Split(list, ";"), func(known string) bool {
		return strings.EqualFold(ext, known)
	})
}
