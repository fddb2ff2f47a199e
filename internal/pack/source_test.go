package pack

import (
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
)

// write writes files below a folder; a name that ends in * is executable, text
// that begins with -> is the target of a link.
func write(t *testing.T, dir string, files map[string]string) {
	t.Helper()
	for name, text := range files {
		mode := os.FileMode(0o600)
		if bare, executable := strings.CutSuffix(name, "*"); executable {
			name, mode = bare, 0o700
		}
		at := filepath.Join(dir, filepath.FromSlash(name))
		err := os.MkdirAll(filepath.Dir(at), 0o700)
		target, link := strings.CutPrefix(text, "->")
		switch {
		case err != nil:
		case link:
			err = os.Symlink(target, at)
		default:
			err = os.WriteFile(at, []byte(text), mode)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

func names(files []File) string {
	var all []string
	for _, file := range files {
		all = append(all, file.Name)
	}
	return strings.Join(all, " ")
}

// rules lists findings as SEVERITY RULE PATH.
func rules(found Findings) []string {
	all := []string{}
	for _, one := range found {
		all = append(all, strings.TrimSpace(string(one.Severity)+" "+string(one.Rule)+" "+one.Path))
	}
	slices.Sort(all)
	return all
}

var notes = Provider{Host: DefaultHost, Namespace: "acme", Type: "notes"}

func TestSource(t *testing.T) {
	t.Parallel()
	if runtime.GOOS == "windows" {
		t.Skip("links")
	}
	dir := t.TempDir()
	elf := "\x7fELF\x02\x01" + strings.Repeat("\x00", 12) + "\x3e\x00" + strings.Repeat("\x00", 40)
	write(t, dir, map[string]string{
		"rpcplugin.yaml": "host: terraform", "provider.py": "", "lib/a.py": "", "run*": "",
		"lib/__pycache__/a.pyc": "", "x.pyc": "", ".git/HEAD": "", "venv/pyvenv.cfg": "", "venv/bin/python": "",
		"terraform.tfstate": "", ".env": "", "tests/t.py": "", "README.md": "", "docs/README.md": "",
		"node_modules/p/index.js": "", "node_modules/.bin/p": "->../p/index.js",
		"terraform-provider-notes": "->/bin/sh", "terraform-provider-notes_v1*": elf, "terraform-provider-notes.json": "",
		"sub/terraform-provider-notes.json": "",
		"linked.py":                         "->provider.py", "broken": "->nowhere", "folder": "->lib", "out/old": "", "line\nbreak": "",
		"dist/registry.terraform.io/acme/notes/1.0.0/linux_amd64/x": "", "web/dist/app.js": "",
	})
	contents, found, err := Source{Paths: []string{dir}, Provider: notes, Exclude: []string{"tests", "docs/*.md"}, Skip: filepath.Join(dir, "out")}.Read()
	if err != nil {
		t.Fatal(err)
	}
	const want = "README.md lib/a.py linked.py node_modules/p/index.js provider.py run sub/terraform-provider-notes.json terraform-provider-notes.json web/dist/app.js"
	if got := names(contents.Files); got != want {
		t.Errorf("files are\n%s\nwant\n%s", got, want)
	}
	if got, want := rules(found), []string{"error file-name line\nbreak", "error link broken", "error link folder", "note link linked.py"}; !slices.Equal(got, want) {
		t.Errorf("findings are %q, want %q", got, want)
	}
	if run := find(contents.Files, "run"); run == nil || !run.Executable {
		t.Error("run is not executable any more")
	}
	for name, want := range map[string]string{
		"venv/bin/python": "environment", "x.pyc": "pycache", ".env": "secret", "terraform.tfstate": "secret", "tests/t.py": "excluded",
		"terraform-provider-notes": "program", "terraform-provider-notes_v1": "program", ".git/HEAD": "junk", "dist/registry.terraform.io": "earlier", "provider.py": "", "nothing": "",
	} {
		if got := contents.WhyMissing(name); got != want {
			t.Errorf("%s is missing because %q, want %q", name, got, want)
		}
	}
	p := &Package{Provider: notes, Version: "1.0.0", Contents: contents}
	if got, want := rules(p.checkNames()), []string{"error executable terraform-provider-notes.json"}; !slices.Equal(got, want) {
		t.Errorf("findings about names are %q, want %q", got, want)
	}
}

func TestSourceOfFiles(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write(t, dir, map[string]string{"a/provider.py": "", "b/provider.py": "", "lib/x.py": "", "lib/deep/y.py": ""})
	read := func(paths ...string) (*Contents, Findings) {
		for i, path := range paths {
			paths[i] = filepath.Join(dir, path)
		}
		contents, found, err := Source{Paths: paths, Provider: notes}.Read()
		if err != nil {
			t.Fatal(err)
		}
		return contents, found
	}
	contents, found := read("a/provider.py", "lib")
	if got := names(contents.Files); got != "lib/deep/y.py lib/x.py provider.py" || len(found) > 0 {
		t.Errorf("files are %q with %v", got, found)
	}
	if _, found := read("a/provider.py", "b/provider.py"); !slices.Equal(rules(found), []string{"error file-name provider.py"}) {
		t.Errorf("two of a name: %v", found)
	}
	if _, _, err := (Source{Paths: []string{filepath.Join(dir, "nothing")}}).Read(); err == nil {
		t.Error("a path that is not there is taken")
	}
	if _, _, err := (Source{Paths: []string{dir}, Exclude: []string{"["}}).Read(); err == nil {
		t.Error("a pattern that is none is taken")
	}
}

func TestSecrets(t *testing.T) {
	t.Parallel()
	key := "-----BEGIN RSA PRIVATE KEY-----\n"
	found := checkSecrets([]File{
		FileOf("a.pem", []byte(key)), FileOf("deep/id", []byte(key)), FileOf("cacert.pem", []byte("-----BEGIN CERTIFICATE-----\n")),
		FileOf("store.p12", nil), FileOf("doc.md", []byte(key)),
		FileOf("account.json", []byte(`{"private_key": "-----BEGIN PRIVATE KEY-----\nMIIE"}`)), FileOf(SettingsName, []byte("key: |\n  "+key)),
	})
	if got, want := rules(found), []string{"error secret a.pem", "error secret account.json", "error secret deep/id", "error secret rpcplugin.yaml", "warning secret store.p12"}; !slices.Equal(got, want) {
		t.Errorf("findings are %q, want %q", got, want)
	}
}

func TestSize(t *testing.T) {
	t.Parallel()
	if found := checkSize([]File{{Name: "a", Size: largeBytes}}); len(found) != 0 {
		t.Errorf("just small enough: %v", found)
	}
	if got := rules(checkSize([]File{{Name: "a", Size: 1}, {Name: "b", Size: largeBytes}})); !slices.Equal(got, []string{"warning size b"}) {
		t.Errorf("too large: %q", got)
	}
	if got := rules(checkSize(make([]File, manyFiles+1))); !slices.Equal(got, []string{"warning size"}) {
		t.Errorf("too many: %q", got)
	}
}
