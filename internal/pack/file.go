package pack

import (
	"bytes"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
)

// File is a file of a package.
type File struct {
	// Name is its path in the package, with slashes.
	Name string
	// Executable is all that is kept of its mode.
	Executable bool
	// Size is in bytes.
	Size int64
	// Open opens it; the caller closes it.
	Open func() (io.ReadCloser, error)
}

// FileOf is a file that is made of data.
func FileOf(name string, data []byte) File {
	return File{Name: name, Size: int64(len(data)), Open: func() (io.ReadCloser, error) {
		return io.NopCloser(strings.NewReader(string(data))), nil
	}}
}

// fileAt is a file of the disk, links followed. Where files have no such mode,
// programs and scripts with an interpreter are executable.
func fileAt(name, at string, info fs.FileInfo) File {
	file := File{Name: name, Executable: info.Mode()&0o111 != 0, Size: info.Size(), Open: opener(at)}
	if runtime.GOOS == "windows" {
		header, _ := file.Read(headerSize)
		_, program := machineOf(header)
		file.Executable = program || bytes.HasPrefix(header, []byte("#!"))
	}
	return file
}

// mode is that of a file on the disk and in archives.
func (f File) mode() fs.FileMode {
	if f.Executable {
		return 0o755
	}
	return 0o644
}

// Read returns at most limit bytes of a file.
func (f File) Read(limit int64) ([]byte, error) {
	reader, err := f.Open()
	if err != nil {
		return nil, err
	}
	defer reader.Close()
	return io.ReadAll(io.LimitReader(reader, limit))
}

// has reports whether a file of that name is among them, or below it.
func has(files []File, name string) bool {
	return slices.ContainsFunc(files, func(f File) bool {
		return f.Name == name || strings.HasPrefix(f.Name, name+"/")
	})
}

// find returns the file of that name, nil if there is none.
func find(files []File, name string) *File {
	i := slices.IndexFunc(files, func(f File) bool { return f.Name == path.Clean(name) })
	if i < 0 {
		return nil
	}
	return &files[i]
}

// sortFiles puts files in the order of their names, that of archives and hashes.
func sortFiles(files []File) {
	slices.SortFunc(files, func(a, b File) int { return strings.Compare(a.Name, b.Name) })
}

// opener opens a file of the disk. To open a pipe would wait for whoever writes.
func opener(at string) func() (io.ReadCloser, error) {
	return func() (io.ReadCloser, error) {
		if info, err := os.Stat(at); err == nil && !info.Mode().IsRegular() {
			return nil, fmt.Errorf("%q is no file", at)
		}
		return os.Open(at)
	}
}

// headerOf is the beginning of a file, empty if it cannot be read.
func headerOf(at string) []byte {
	header, _ := File{Open: opener(at)}.Read(headerSize)
	return header
}

// sameFile reports whether two paths lead to the same file or folder.
func sameFile(a, b string) bool {
	first, err := os.Stat(a)
	if err != nil {
		return false
	}
	second, err := os.Stat(b)
	return err == nil && os.SameFile(first, second)
}

// resolved is a path that is absolute and has no links, or "".
func resolved(at string) string {
	whole, err := filepath.Abs(at)
	if err == nil {
		whole, err = filepath.EvalSymlinks(whole)
	}
	if err != nil {
		return ""
	}
	return whole
}
