package pack

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// Headers of programs, as short as they can be.
func elfHeader(machine byte) string {
	return "\x7fELF\x02\x01" + strings.Repeat("\x00", 12) + string([]byte{machine, 0}) + strings.Repeat("\x00", 44)
}

func machoHeader(cpu byte) string { return "\xcf\xfa\xed\xfe" + string([]byte{cpu, 0, 0, 1}) }

func peHeader(low, high byte) string {
	header := make([]byte, 0x86)
	copy(header, "MZ")
	header[0x3c] = 0x80
	copy(header[0x80:], []byte{'P', 'E', 0, 0, low, high})
	return string(header)
}

func TestMachine(t *testing.T) {
	t.Parallel()
	all := []string{"linux_amd64", "linux_arm64", "freebsd_amd64", "darwin_amd64", "darwin_arm64", "windows_amd64", "windows_arm64"}
	for _, test := range []struct {
		name, header string
		fits         []string
	}{
		{"ELF amd64", elfHeader(62), []string{"linux_amd64", "freebsd_amd64"}},
		{"ELF arm64", elfHeader(183), []string{"linux_arm64"}},
		{"ELF unknown", elfHeader(99), nil},
		{"Mach-O arm64", machoHeader(12), []string{"darwin_arm64"}},
		{"Mach-O amd64", machoHeader(7), []string{"darwin_amd64"}},
		{"Mach-O for both", "\xca\xfe\xba\xbe\x00\x00\x00\x02\x01\x00\x00\x07" + strings.Repeat("\x00", 16) + "\x01\x00\x00\x0c" + strings.Repeat("\x00", 16), []string{"darwin_amd64", "darwin_arm64"}},
		{"PE amd64", peHeader(0x64, 0x86), []string{"windows_amd64"}},
		{"PE arm64", peHeader(0x64, 0xaa), []string{"windows_arm64"}},
	} {
		kind, program := machineOf([]byte(test.header))
		if !program {
			t.Errorf("%s is no program", test.name)
		}
		for _, name := range all {
			platform, err := ParsePlatform(name)
			if err != nil {
				t.Fatal(err)
			}
			if got, want := kind.fits(platform), slices.Contains(test.fits, name); got != want {
				t.Errorf("%s fits %s: %t, want %t", test.name, name, got, want)
			}
		}
	}
	for _, header := range []string{"", "#!/bin/sh\n", "MZ", "\x7fELF", "{}", "MZ" + strings.Repeat("\xff", 0x40)} {
		if kind, program := machineOf([]byte(header)); program {
			t.Errorf("%q is a %s", header, kind)
		}
	}
}

func TestBinaries(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write(t, dir, map[string]string{
		"rpcplugin_0.3.0_linux_arm64": elfHeader(183), "rpcplugin_windows_amd64.exe": peHeader(0x64, 0x86),
		"rpcplugin-v0.3.0-freebsd-amd64": elfHeader(62), "checksums.txt": "", "rpcplugin_0.3.0_SHA256SUMS": "",
	})
	var packed bytes.Buffer
	compressed := gzip.NewWriter(&packed)
	archive := tar.NewWriter(compressed)
	for name, text := range map[string]string{"x/LICENSE": "free", "x/rpcplugin": machoHeader(12)} {
		if err := archive.WriteHeader(&tar.Header{Name: name, Mode: 0o755, Size: int64(len(text))}); err != nil {
			t.Fatal(err)
		}
		if _, err := archive.Write([]byte(text)); err != nil {
			t.Fatal(err)
		}
	}
	if err := archive.Close(); err != nil {
		t.Fatal(err)
	}
	if err := compressed.Close(); err != nil {
		t.Fatal(err)
	}
	write(t, dir, map[string]string{"rpcplugin_0.3.0_darwin_arm64.tar.gz": packed.String()})
	packed.Reset()
	zipped := zip.NewWriter(&packed)
	file, err := zipped.Create("rpcplugin.exe")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := file.Write([]byte(peHeader(0x64, 0xaa))); err != nil {
		t.Fatal(err)
	}
	if err := zipped.Close(); err != nil {
		t.Fatal(err)
	}
	write(t, dir, map[string]string{"rpcplugin_0.3.0_windows_arm64.zip": packed.String()})

	binaries := make(Binaries)
	if err := binaries.AddFolder(dir); err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, platform := range binaries.Platforms() {
		got = append(got, platform.String())
		if found := binaries.check(platform); len(found) > 0 {
			t.Errorf("%s: %v", platform, found)
		}
	}
	if want := []string{"darwin_arm64", "freebsd_amd64", "linux_arm64", "windows_amd64", "windows_arm64"}; !slices.Equal(got, want) {
		t.Errorf("platforms are %q, want %q", got, want)
	}

	wrong := filepath.Join(dir, "rpcplugin_0.3.0_linux_arm64")
	if err := binaries.Add(Platform{"linux", "amd64"}, wrong); err != nil {
		t.Fatal(err)
	}
	for _, platform := range []Platform{{"linux", "amd64"}, {"plan9", "amd64"}} {
		if got := rules(binaries.check(platform)); !slices.Equal(got, []string{"error platform"}) {
			t.Errorf("%s: %q", platform, got)
		}
	}
	if err := binaries.Add(Platform{"linux", "amd64"}, dir); err == nil {
		t.Error("a folder is taken for a binary")
	}
	if err := binaries.AddFolder(t.TempDir()); err == nil {
		t.Error("an empty folder has binaries")
	}
	if err := os.WriteFile(filepath.Join(dir, "rpcplugin_0.4.0_linux_arm64"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := make(Binaries).AddFolder(dir); err == nil || !strings.Contains(err.Error(), "both for linux_arm64") {
		t.Errorf("two for one platform: %v", err)
	}
}
