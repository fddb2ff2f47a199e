package pyenv

import (
	"errors"
	"fmt"
	"hash"
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

// reading goes through a file of requirements and those that it includes.
type reading struct {
	sum  hash.Hash
	dir  string // of the first file: pip runs there
	seen map[string]bool
}

// add adds what a file holds, and the files that it names.
func (r *reading) add(path string) error {
	if r.seen[path] {
		return nil
	}
	r.seen[path] = true
	data, err := os.ReadFile(path)
	if err != nil {
		return &Error{Reason: ReasonRequirements, Path: path, Err: err}
	}
	fmt.Fprintf(r.sum, "requirements %d\n%s\n", len(data), data)
	included := regexp.MustCompile(`^(?:-r|--requirement|-c|--constraint)[ \t=]*([^ \t=].*)$`)
	for line := range strings.Lines(strings.TrimPrefix(string(data), "\ufeff")) {
		line, _, _ = strings.Cut(" "+strings.TrimSpace(line), " #")
		line = strings.TrimSpace(line)
		if match := included.FindStringSubmatch(line); match != nil {
			err = r.include(filepath.Dir(path), strings.Trim(match[1], `"'`))
		} else {
			err = r.local(line)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// include adds a file that another one in dir includes. Addresses, and paths with
// variables, are pip's to read alone.
func (r *reading) include(dir, path string) error {
	if strings.Contains(path, "://") || strings.Contains(path, "${") {
		return nil
	}
	if !filepath.IsAbs(path) {
		path = filepath.Join(dir, path)
	}
	return r.add(path)
}

// local adds the file that a requirement is, if it is one. A folder is refused:
// pip would leave there what it builds, and what is imported from there would
// change without the environment.
func (r *reading) local(line string) error {
	for _, option := range []string{"-e", "--editable"} {
		if rest, found := strings.CutPrefix(line, option); found {
			line = strings.TrimLeft(rest, " \t=")
		}
	}
	path, _, _ := strings.Cut(line, ";")
	path, _, _ = strings.Cut(strings.TrimSpace(path), "[")
	if path == "" || strings.HasPrefix(path, "-") || strings.ContainsAny(path, " \t@") {
		return nil
	}
	isPath := strings.HasPrefix(path, ".") || strings.ContainsRune(filepath.ToSlash(path), '/') // as pip tells them from names
	if !filepath.IsAbs(path) {
		path = filepath.Join(r.dir, path)
	}
	info, err := os.Stat(path)
	switch {
	case err != nil: // the name of a package, mostly
		return nil
	case info.Mode().IsRegular():
		err = addArchive(r.sum, path)
	case isPath:
		err = errors.New("it is a folder, expected a wheel: make one with \"pip wheel --no-deps\"")
	}
	if err != nil {
		return &Error{Reason: ReasonRequirements, Path: path, Err: err}
	}
	return nil
}
