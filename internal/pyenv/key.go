package pyenv

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"os"
	"path/filepath"
	"runtime"
)

// layout is the version of what is on disk. Environments of another are not
// looked at.
const layout = 1

// keyBytes is how much of the hash names an environment: enough that no two
// have the same, and the path of an interpreter stays short.
const keyBytes = 12

// wheelEnd is how much of the end of a wheel is looked at. It is a zip file: at
// its end are the checksums of all that it holds.
const wheelEnd = 16 << 10

// key names the environment after what it is made from. No Python is asked: a
// file of another size or time is another interpreter.
func (c Config) key(interpreter string) (string, error) {
	sum := sha256.New()
	fmt.Fprintf(sum, "layout %d, %s/%s\n", layout, runtime.GOOS, runtime.GOARCH)
	if err := addInterpreter(sum, interpreter); err != nil {
		return "", &Error{Reason: ReasonInterpreter, Path: interpreter, Err: err}
	}
	if c.Requirements != "" {
		files := reading{sum: sum, dir: filepath.Dir(c.Requirements), seen: make(map[string]bool)}
		if err := files.add(c.Requirements); err != nil {
			return "", err
		}
	}
	if c.Wheels != "" {
		if err := addWheels(sum, c.Wheels, c.Requirements == ""); err != nil {
			return "", &Error{Reason: ReasonRequirements, Path: c.Wheels, Err: err}
		}
	}
	return hex.EncodeToString(sum.Sum(nil)[:keyBytes]), nil
}

func addInterpreter(sum hash.Hash, path string) error {
	path, err := filepath.EvalSymlinks(path)
	if err != nil {
		return err
	}
	if path, err = filepath.Abs(path); err != nil {
		return err
	}
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	fmt.Fprintf(sum, "python %q %d %d\n", path, info.Size(), info.ModTime().UnixNano())
	return nil
}

// addWheels adds all files of a folder. One wheel must be among them if nothing
// else says what is to be installed.
func addWheels(sum hash.Hash, dir string, all bool) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	found := false
	for _, entry := range entries {
		if entry.IsDir() {
			continue
		}
		found = found || !all || isWheel(entry.Name())
		if err := addArchive(sum, filepath.Join(dir, entry.Name())); err != nil {
			return err
		}
	}
	if !found {
		return errors.New("it has no wheels, expected *.whl")
	}
	return nil
}

// addArchive adds the name, the size and the end of a wheel or another archive.
func addArchive(sum hash.Hash, path string) error {
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return err
	}
	fmt.Fprintf(sum, "wheel %q %d\n", filepath.Base(path), info.Size())
	_, err = io.Copy(sum, io.NewSectionReader(file, max(0, info.Size()-wheelEnd), wheelEnd))
	return err
}
