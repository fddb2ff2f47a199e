//go:build unix

package process

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestDescribe(t *testing.T) {
	dir := t.TempDir()
	elf := append([]byte("\x7fELF\x02\x01\x01"), make([]byte, 200)...)
	elf[18] = 183
	for name, c := range map[string]struct {
		content string
		want    string
	}{
		"script":  {"#!/usr/bin/env python3\nprint()\n", `script for "/usr/bin/env python3"`},
		"elf":     {string(elf), "ELF program for arm64"},
		"short":   {"\x7fELF", "of no executable format known here"},
		"windows": {"MZ\x90\x00", "Windows program"},
		"macos":   {"\xcf\xfa\xed\xfe\x07", "macOS program"},
		"text":    {"hello", "of no executable format known here"},
		"empty":   {"", "empty"},
	} {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(c.content), 0o700); err != nil {
			t.Fatal(err)
		}
		got := Describe(path)
		if !strings.HasPrefix(got, `"`+path+`", mode -rwx------, owner `) || !strings.HasSuffix(got, ", "+c.want) {
			t.Errorf("%s is described as %s, want it to end in %q", name, got, c.want)
		}
	}
	if got := Describe("no-such-command"); !strings.Contains(got, `"no-such-command" not found`) {
		t.Errorf("a command that is not there is described as %s", got)
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	if got := Describe(self); strings.Contains(got, "no executable format") {
		t.Errorf("the test program is described as %s", got)
	}
}
