package pack

import (
	"archive/zip"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
)

func TestFileNames(t *testing.T) {
	t.Parallel()
	var files []File
	for _, name := range []string{"a.py", "a..b", "sub/A.py", "A.py", "twice", "twice", "/etc/x", "./c", `back\slash`, "ünï cöde"} {
		files = append(files, FileOf(name, nil))
	}
	want := []string{"error file-name ./c", "error file-name /etc/x", "error file-name twice", "warning file-name A.py", `warning file-name back\slash`}
	if got := rules(checkFileNames(files)); !slices.Equal(got, want) {
		t.Errorf("findings are %q, want %q", got, want)
	}
}

// archiveOf writes an archive of empty files, and of the header of a program.
func archiveOf(t *testing.T, at string, names ...string) {
	t.Helper()
	file, err := os.Create(at)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	archive := zip.NewWriter(file)
	header := &zip.FileHeader{Name: "terraform-provider-notes_v1.0.0"}
	header.SetMode(0o755)
	entry, err := archive.CreateHeader(header)
	if err == nil {
		_, err = entry.Write([]byte(elfHeader(62)))
	}
	for _, name := range names {
		if err == nil {
			_, err = archive.CreateHeader(&zip.FileHeader{Name: name})
		}
	}
	if err == nil {
		err = archive.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
}

// Whatever somebody else has put into an archive or a mirror is told, and does not
// keep the rest from being looked at.
func TestInspectForeign(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	mirror := filepath.Join(dir, "registry.terraform.io/acme/notes")
	if err := os.MkdirAll(mirror, 0o700); err != nil {
		t.Fatal(err)
	}
	archive := func(version string) string {
		return filepath.Join(mirror, "terraform-provider-notes_"+version+"_linux_amd64.zip")
	}
	archiveOf(t, archive("1.0.0"))
	archiveOf(t, archive("2.0.0"), "lib/x", "lib/x", "a..b", "../evil", `..\evil`, "/etc/x")
	archiveOf(t, archive("3.0.0"), "a\nb")
	write(t, mirror, map[string]string{filepath.Base(archive("4.0.0")): "no archive"})
	found, err := Inspect(dir)
	if err != nil || len(found.Packages) != 4 {
		t.Fatalf("inspected: %+v, %v", found, err)
	}
	for i, want := range [][]string{
		{},
		{"error file-name ../evil", `error file-name ..\evil`, "error file-name /etc/x", "error file-name lib/x", `warning file-name ..\evil`},
		{"error unreadable"},
		{"error unreadable"},
	} {
		if got := rules(found.Packages[i].Findings); !slices.Equal(got, want) {
			t.Errorf("%s: findings are %q, want %q", found.Packages[i].Path, got, want)
		}
	}
}

// Links are followed, and told of; those that lead out of the folder loudly.
func TestLinksOutOfTheSource(t *testing.T) {
	t.Parallel()
	if runtime.GOOS == "windows" {
		t.Skip("links")
	}
	outside, dir := t.TempDir(), t.TempDir()
	write(t, outside, map[string]string{"passwords": "x"})
	write(t, dir, map[string]string{"a": "", "inside": "->" + filepath.Join(dir, "a"), "near": "->a", "outside": "->" + filepath.Join(outside, "passwords")})
	_, found, err := Source{Paths: []string{dir}, Provider: notes}.Read()
	if want := []string{"note link inside", "note link near", "warning link outside"}; err != nil || !slices.Equal(rules(found), want) {
		t.Errorf("findings are %q, %v; want %q", rules(found), err, want)
	}
	if !slices.ContainsFunc(found, func(f Finding) bool { return strings.Contains(f.What, "passwords") }) {
		t.Errorf("it is not told where the link leads: %v", found)
	}
}
