package pack

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"golang.org/x/mod/sumdb/dirhash"
)

// packageOf is a package for two platforms.
func packageOf(t *testing.T, version string) *Package {
	t.Helper()
	dir := t.TempDir()
	write(t, dir, map[string]string{"provider.py": "print()", "lib/tool*": "#!/bin/sh"})
	contents, found, err := Source{Paths: []string{dir}, Provider: notes}.Read()
	if err != nil || len(found) > 0 {
		t.Fatal(found, err)
	}
	linux, windows := Platform{"linux", "amd64"}, Platform{"windows", "amd64"}
	return &Package{
		Provider: notes, Version: version, Settings: []byte("host: terraform\n"), Contents: contents, Platforms: []Platform{linux, windows},
		Binaries: Binaries{linux: FileOf("rpcplugin", []byte(elfHeader(62))), windows: FileOf("rpcplugin.exe", []byte(peHeader(0x64, 0x86)))},
	}
}

// tree lists the files below a folder.
func tree(t *testing.T, dir string) []string {
	t.Helper()
	all := []string{}
	files, _ := readFolder(dir)
	for _, file := range files {
		all = append(all, file.Name)
	}
	return all
}

func made(t *testing.T, output Output, p *Package) []Made {
	t.Helper()
	all, err := output.Write(t.Context(), p)
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// Unpacked and packed have the hash that Terraform computes of either, and no
// run differs from another.
func TestLayouts(t *testing.T) {
	t.Parallel()
	p := packageOf(t, "1.2.3")
	mirror, packed, again := t.TempDir(), t.TempDir(), t.TempDir()
	unpackedMade := made(t, Output{Dir: mirror, Layout: LayoutMirror}, p)
	packedMade := made(t, Output{Dir: packed, Layout: LayoutPacked}, p)
	againMade := made(t, Output{Dir: again, Layout: LayoutPacked}, p)
	const folder = "registry.terraform.io/acme/notes/"
	if got, want := tree(t, mirror), []string{
		folder + "1.2.3/linux_amd64/lib/tool", folder + "1.2.3/linux_amd64/provider.py", folder + "1.2.3/linux_amd64/rpcplugin.yaml", folder + "1.2.3/linux_amd64/terraform-provider-notes_v1.2.3",
		folder + "1.2.3/windows_amd64/lib/tool", folder + "1.2.3/windows_amd64/provider.py", folder + "1.2.3/windows_amd64/rpcplugin.yaml", folder + "1.2.3/windows_amd64/terraform-provider-notes_v1.2.3.exe",
	}; !slices.Equal(got, want) {
		t.Errorf("the mirror has\n%s", strings.Join(got, "\n"))
	}
	if got, want := tree(t, packed), []string{
		folder + "terraform-provider-notes_1.2.3_linux_amd64.zip", folder + "terraform-provider-notes_1.2.3_windows_amd64.zip",
	}; !slices.Equal(got, want) {
		t.Errorf("the packed mirror has\n%s", strings.Join(got, "\n"))
	}
	for i := range unpackedMade {
		ofFolder, err := dirhash.HashDir(unpackedMade[i].Path, "", dirhash.Hash1)
		if err != nil || ofFolder != unpackedMade[i].H1 {
			t.Errorf("hash of the folder is %q, %v; want %q", ofFolder, err, unpackedMade[i].H1)
		}
		ofZip, err := dirhash.HashZip(packedMade[i].Path, dirhash.Hash1)
		if err != nil || ofZip != ofFolder || packedMade[i].H1 != ofFolder {
			t.Errorf("hash of the archive is %q and %q, %v; want %q", ofZip, packedMade[i].H1, err, ofFolder)
		}
		if packedMade[i].ZH != againMade[i].ZH || !strings.HasPrefix(packedMade[i].ZH, "zh:") {
			t.Errorf("packed twice: %q and %q", packedMade[i].ZH, againMade[i].ZH)
		}
		one, err := Inspect(packedMade[i].Path)
		if err != nil || one.Errors() > 0 || one.Packages[0].ZH != packedMade[i].ZH || one.Packages[0].Provider != notes.String() {
			t.Errorf("inspected: %+v, %v", one, err)
		}
		if tool := find(one.Packages[0].files, "lib/tool"); tool == nil || !tool.Executable {
			t.Error("the archive has lost a mode")
		}
	}
	if info, err := os.Stat(filepath.Join(unpackedMade[0].Path, "lib/tool")); runtime.GOOS != "windows" && (err != nil || info.Mode()&0o111 == 0) {
		t.Errorf("the mirror has lost a mode: %v, %v", info, err)
	}
}

func TestRegistry(t *testing.T) {
	t.Parallel()
	p := packageOf(t, "1.2.3")
	p.Program.Versions = []int{5}
	output := Output{Dir: t.TempDir(), Layout: LayoutRegistry}
	made(t, output, p)
	const release = "terraform-provider-notes_1.2.3_"
	if got, want := tree(t, output.Dir), []string{release + "SHA256SUMS", release + "linux_amd64.zip", release + "manifest.json", release + "windows_amd64.zip"}; !slices.Equal(got, want) {
		t.Errorf("the release has %q", got)
	}
	text, err := os.ReadFile(filepath.Join(output.Dir, release+"manifest.json"))
	if err != nil || strings.Join(strings.Fields(string(text)), "") != `{"version":1,"metadata":{"protocol_versions":["5.0"]}}` {
		t.Errorf("the manifest is %s, %v", text, err)
	}
	sums, err := os.ReadFile(filepath.Join(output.Dir, release+"SHA256SUMS"))
	if err != nil || strings.Count(string(sums), "\n") != 3 || !strings.Contains(string(sums), "  "+release+"manifest.json\n") {
		t.Errorf("the checksums are %s, %v", sums, err)
	}
	if one, err := Inspect(output.Dir); err != nil || one.Kind != KindRelease || len(one.Packages) != 2 || one.Errors() > 0 {
		t.Errorf("inspected: %+v, %v", one, err)
	}
	// One platform more, later: the checksums would be of that one alone.
	p.Platforms = []Platform{{"darwin", "arm64"}}
	p.Binaries[p.Platforms[0]] = FileOf("rpcplugin", []byte(machoHeader(12)))
	var failed *Error
	if _, err := output.Write(t.Context(), p); !errors.As(err, &failed) || failed.Reason != ReasonExists {
		t.Errorf("a second run: %v", err)
	}
	if err := os.WriteFile(filepath.Join(output.Dir, release+"SHA256SUMS"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if one, err := Inspect(output.Dir); err != nil || one.Errors() != 2 {
		t.Errorf("without checksums: %+v, %v", one, err)
	}
}

func TestNetworkKeepsWhatIsThere(t *testing.T) {
	t.Parallel()
	output := Output{Dir: t.TempDir(), Layout: LayoutNetwork}
	first := packageOf(t, "1.0.0")
	windows := first.Platforms[1]
	first.Platforms = first.Platforms[:1]
	made(t, output, first)
	made(t, output, packageOf(t, "1.1.0"))
	first.Platforms = []Platform{windows}
	made(t, output, first)
	folder := filepath.Join(output.Dir, "registry.terraform.io/acme/notes")
	var index struct{ Versions map[string]any }
	var version struct{ Archives map[string]archiveEntry }
	for name, into := range map[string]any{"index.json": &index, "1.0.0.json": &version} {
		data, err := os.ReadFile(filepath.Join(folder, name))
		if err == nil {
			err = json.Unmarshal(data, into)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if len(index.Versions) != 2 || index.Versions["1.1.0"] == nil {
		t.Errorf("versions are %v", index.Versions)
	}
	one := version.Archives["windows_amd64"]
	if len(version.Archives) != 2 || one.URL != "terraform-provider-notes_1.0.0_windows_amd64.zip" || len(one.Hashes) != 2 {
		t.Errorf("archives are %v", version.Archives)
	}
	if err := os.WriteFile(filepath.Join(folder, "index.json"), []byte("<html>"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := output.Write(t.Context(), packageOf(t, "1.2.0")); err == nil {
		t.Error("an index that is none was replaced")
	}
}

// All or nothing: what is there stays, and what is not done leaves nothing.
func TestWriteIsAtomic(t *testing.T) {
	t.Parallel()
	output := Output{Dir: t.TempDir(), Layout: LayoutMirror}
	p := packageOf(t, "1.0.0")
	made(t, output, p)
	before := tree(t, output.Dir)
	p.Settings = []byte("changed")
	var failed *Error
	if _, err := output.Write(t.Context(), p); !errors.As(err, &failed) || failed.Reason != ReasonExists || failed.Hint() == "" {
		t.Errorf("written again: %v", err)
	}
	settings := filepath.Join(output.Dir, filepath.FromSlash(notes.folder("1.0.0", p.Platforms[0])), SettingsName)
	if text, err := os.ReadFile(settings); err != nil || string(text) == "changed" {
		t.Errorf("replaced without Force: %q, %v", text, err)
	}
	output.Force = true
	cause := errors.New("stopped")
	ctx, cancel := context.WithCancelCause(t.Context())
	output.Progress = func(string, int64, int64) { cancel(cause) }
	if _, err := output.Write(ctx, p); !errors.Is(err, cause) {
		t.Errorf("stopped: %v", err)
	}
	output.Progress = nil
	if got := tree(t, output.Dir); !slices.Equal(got, before) {
		t.Errorf("a stopped run has left %q", got)
	}
	if text, err := os.ReadFile(settings); err != nil || string(text) == "changed" {
		t.Errorf("a stopped run has replaced %q, %v", text, err)
	}
	made(t, output, p)
	if text, err := os.ReadFile(settings); err != nil || string(text) != "changed" {
		t.Errorf("not replaced with Force: %q, %v", text, err)
	}
	if got := tree(t, output.Dir); !slices.Equal(got, before) {
		t.Errorf("the second run has left %q", got)
	}
}

func TestDev(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "it's ${dir}")
	p := packageOf(t, "")
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	output := Output{Dir: dir}
	if _, err := output.Dev(p, program); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(dir, DevConfiguration))
	if err != nil || !strings.Contains(string(text), `"registry.terraform.io/acme/notes" = "`) || !strings.Contains(string(text), "$${dir}") {
		t.Errorf("the configuration is %s, %v", text, err)
	}
	if !sameFile(filepath.Join(dir, "terraform-provider-notes"+Here().suffix()), program) && runtime.GOOS != "windows" {
		t.Error("there is no link to the program")
	}
	if _, err := output.Dev(p, program); err == nil {
		t.Error("replaced without Force")
	}
	output.Force = true
	if _, err := output.Dev(p, program); err != nil {
		t.Error(err)
	}
}
