//go:build unix

package pack

import (
	"errors"
	"path/filepath"
	"slices"
	"syscall"
	"testing"
)

// To open a pipe waits for whoever writes into it: nobody does.
func TestPipes(t *testing.T) {
	t.Parallel()
	pipe := func(at string) {
		t.Helper()
		if err := syscall.Mkfifo(at, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	dir := t.TempDir()
	write(t, dir, map[string]string{"terraform-provider-other": elfHeader(62)})
	name := filepath.Join(dir, "terraform-provider-notes")
	pipe(name)
	var failed *Error
	_, found, err := Source{Paths: []string{dir}, Provider: notes}.Read()
	if want := []string{"error unreadable terraform-provider-notes"}; err != nil || !slices.Equal(rules(found), want) {
		t.Errorf("packed: %q, %v", rules(found), err)
	}
	if _, err := Inspect(name); !errors.As(err, &failed) || failed.Reason != ReasonNoPackage {
		t.Errorf("looked at: %v", err)
	}
	if one, err := Inspect(dir); err != nil || !slices.Contains(rules(one.Packages[0].Findings), "error unreadable terraform-provider-notes") {
		t.Errorf("looked at the folder: %+v, %v", one, err)
	}
	binaries := t.TempDir()
	pipe(filepath.Join(binaries, "rpcplugin_linux_amd64.zip"))
	if err := (Binaries{}).AddFolder(binaries); !errors.As(err, &failed) || failed.Reason != ReasonFiles {
		t.Errorf("a binary: %v", err)
	}
}
