package client_test

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/pyvider/rpcplugin/pkg/client"
)

func TestDiscover(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("programs have no mode there")
	}
	first, second := t.TempDir(), t.TempDir()
	for path, mode := range map[string]os.FileMode{
		filepath.Join(first, "acme-b"):     0o700,
		filepath.Join(first, "acme-note"):  0o600,
		filepath.Join(first, "other"):      0o700,
		filepath.Join(second, "acme-b"):    0o700,
		filepath.Join(second, "acme-a"):    0o755,
		filepath.Join(second, "acme-note"): 0o700,
	} {
		noError(t, os.WriteFile(path, nil, mode))
	}
	noError(t, os.Mkdir(filepath.Join(first, "acme-dir"), 0o700))
	noError(t, os.Symlink(filepath.Join(first, "other"), filepath.Join(first, "acme-link")))
	noError(t, os.Symlink("nowhere", filepath.Join(first, "acme-broken")))
	all := []string{
		filepath.Join(first, "acme-b"), filepath.Join(first, "acme-link"), filepath.Join(second, "acme-a"), filepath.Join(second, "acme-note"),
	}
	slices.Sort(all)
	for name, test := range map[string]struct {
		dirs    []string
		pattern string
		want    []string
	}{
		"two directories":          {[]string{first, second}, "acme-*", all},
		"a missing and an unnamed": {[]string{filepath.Join(first, "none"), "", first, second, first}, "acme-*", all},
		"the other order":          {[]string{second, first}, "acme-b", []string{filepath.Join(second, "acme-b")}},
		"one name":                 {[]string{first}, "other", []string{filepath.Join(first, "other")}},
		"nothing":                  {[]string{first}, "none-*", nil},
		"no directories":           {nil, "*", nil},
	} {
		t.Run(name, func(t *testing.T) {
			found, err := client.Discover(test.dirs, test.pattern)
			if err != nil || !slices.Equal(found, test.want) {
				t.Errorf("got %q, %v; want %q", found, err, test.want)
			}
		})
	}
	t.Run("a relative directory", func(t *testing.T) {
		t.Chdir(second)
		here, err := os.Getwd()
		noError(t, err)
		found, err := client.Discover([]string{"."}, "acme-a")
		if err != nil || !slices.Equal(found, []string{filepath.Join(here, "acme-a")}) {
			t.Errorf("got %q, %v", found, err)
		}
	})
}

func TestDiscoverRefuses(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	noError(t, os.WriteFile(file, nil, 0o600))
	for name, test := range map[string]struct {
		dir, pattern, found string
		cause               error
		hint                string
	}{
		"malformed":              {t.TempDir(), "acme-[", "acme-[", filepath.ErrBadPattern, "pattern"},
		"malformed at its end":   {t.TempDir(), "zzz-[a-", "zzz-[a-", filepath.ErrBadPattern, "pattern"},
		"with a directory":       {t.TempDir(), "bin/acme-*", "bin/acme-*", nil, "pattern"},
		"empty":                  {t.TempDir(), "", "", nil, "pattern"},
		"a directory that is no": {file, "acme-*", file, nil, "must be a directory"},
	} {
		t.Run(name, func(t *testing.T) {
			found, err := client.Discover([]string{test.dir}, test.pattern)
			var failed *client.Error
			if !errors.As(err, &failed) || failed.Reason != client.ReasonDiscover || failed.Found != test.found || found != nil {
				t.Fatalf("got %q, %v", found, err)
			}
			if failed.Err == nil || test.cause != nil && !errors.Is(err, test.cause) || !strings.Contains(failed.Hint(), test.hint) {
				t.Errorf("cause %v, hint %q", failed.Err, failed.Hint())
			}
			t.Log(err)
		})
	}
}
