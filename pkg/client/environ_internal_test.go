package client

import (
	"slices"
	"testing"
)

func TestPassOnWindows(t *testing.T) {
	got := pass([]string{"Path=a", "SystemRoot=b", "path2=c", "Aws_Key=d"}, []string{"PATH", "systemroot", "AWS_*"}, true)
	if want := []string{"Path=a", "SystemRoot=b", "Aws_Key=d"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestProgramExtensions(t *testing.T) {
	for path, want := range map[string]bool{"a.exe": true, "a.EXE": true, "a.txt": false, "a": false, "a.PY": true, "a.bat": false} {
		if got := hasProgramExt(path, ".EXE;.py"); got != want {
			t.Errorf("%s: %t", path, got)
		}
	}
	if !hasProgramExt("a.bat", "") || hasProgramExt("a", ";") {
		t.Error("without a list it is that of Windows")
	}
}
