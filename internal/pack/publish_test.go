package pack

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"

	"golang.org/x/mod/sumdb/dirhash"
)

// Runs at the same time: none loses what another has published, and of those
// that make the same only one does.
func TestWriteAtTheSameTime(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	const runs = 12
	p := packageOf(t, "9.0.0")
	var tasks sync.WaitGroup
	errs := make([]error, runs)
	for i := range runs {
		one := *packageOf(t, fmt.Sprintf("1.%d.0", i))
		tasks.Go(func() {
			if _, err := (Output{Dir: dir, Layout: LayoutNetwork}).Write(t.Context(), &one); err != nil {
				t.Error(err)
			}
			_, errs[i] = Output{Dir: dir, Layout: LayoutNetwork}.Write(t.Context(), p)
		})
	}
	tasks.Wait()
	var index struct{ Versions map[string]struct{} }
	text, err := os.ReadFile(filepath.Join(dir, "registry.terraform.io/acme/notes/index.json"))
	if err == nil {
		err = json.Unmarshal(text, &index)
	}
	if err != nil || len(index.Versions) != runs+1 {
		t.Errorf("the index has %d versions, expected %d: %v", len(index.Versions), runs+1, err)
	}
	done := 0
	for _, err := range errs {
		var failed *Error
		switch {
		case err == nil:
			done++
		case !errors.As(err, &failed) || failed.Reason != ReasonExists:
			t.Error(err)
		}
	}
	if done != 1 {
		t.Errorf("%d runs have made the same package", done)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) != 1 {
		t.Errorf("left: %v, %v", left, err)
	}
}

// If the second package cannot be published, the first is as it was.
func TestPublishIsUndone(t *testing.T) {
	t.Parallel()
	output := Output{Dir: t.TempDir(), Layout: LayoutMirror}
	p := packageOf(t, "1.0.0")
	both := p.Platforms
	p.Platforms = both[:1]
	made(t, output, p)
	before := tree(t, output.Dir)
	p.Platforms, p.Settings, output.Force = both, []byte("changed"), true
	p.Platforms[1].Arch = "amd64/x" // below what is a file
	p.Binaries[p.Platforms[1]] = p.Binaries[p.Platforms[0]]
	blocked := filepath.Join(output.Dir, filepath.FromSlash(notes.folder("1.0.0", Platform{"windows", "amd64"})))
	if err := os.WriteFile(blocked, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	var failed *Error
	if _, err := output.Write(t.Context(), p); !errors.As(err, &failed) || failed.Reason != ReasonFiles {
		t.Fatalf("published: %v", err)
	}
	if err := os.Remove(blocked); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(output.Dir, filepath.FromSlash(notes.folder("1.0.0", both[0])), SettingsName))
	if err != nil || string(text) == "changed" {
		t.Errorf("the first package was left as %q, %v", text, err)
	}
	if got := tree(t, output.Dir); !slices.Equal(got, before) {
		t.Errorf("left: %q", got)
	}
}

// The hash is that of what was written, whatever the source becomes meanwhile.
func TestSourceChangesMeanwhile(t *testing.T) {
	t.Parallel()
	for _, layout := range []Layout{LayoutMirror, LayoutPacked} {
		p := packageOf(t, "1.0.0")
		p.Platforms = p.Platforms[:1]
		source := p.Contents.Origin["provider.py"]
		output := Output{Dir: t.TempDir(), Layout: layout, Progress: func(name string, _, _ int64) {
			if name == "lib/tool" { // the first
				_ = os.WriteFile(source, []byte("changed"), 0o600)
			}
		}}
		one := made(t, output, p)[0]
		hash := dirhash.HashZip
		if layout == LayoutMirror {
			hash = func(at string, with dirhash.Hash) (string, error) { return dirhash.HashDir(at, "", with) }
		}
		if got, err := hash(one.Path, dirhash.Hash1); err != nil || got != one.H1 {
			t.Errorf("%s: %q was reported, and it is %q, %v", layout, one.H1, got, err)
		}
	}
}

// A file where a folder should be is not "there already".
func TestWriteIntoAFile(t *testing.T) {
	t.Parallel()
	at := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(at, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	var failed *Error
	if _, err := (Output{Dir: at, Layout: LayoutMirror}).Write(t.Context(), packageOf(t, "1.0.0")); !errors.As(err, &failed) || failed.Reason != ReasonFiles {
		t.Errorf("written: %v", err)
	}
}

// What is packed is not written to: the next run would pack the output, or the
// settings would be replaced by those of --as dev.
func TestOutputIsTheSource(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write(t, dir, map[string]string{SettingsName: "host: terraform\n", "p.py": ""})
	var failed *Error
	if _, _, err := (Source{Paths: []string{dir}, Provider: notes, Skip: dir}).Read(); !errors.As(err, &failed) || failed.Reason != ReasonArgument {
		t.Errorf("read: %v", err)
	}
	p := packageOf(t, "1.0.0")
	p.Program.Dir = dir
	if _, err := (Output{Dir: dir, Force: true}).Dev(p, "rpcplugin"); !errors.As(err, &failed) || failed.Reason != ReasonArgument {
		t.Errorf("made for dev: %v", err)
	}
}
