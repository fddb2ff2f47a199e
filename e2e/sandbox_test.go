//go:build e2e && linux

package e2e

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// prompt is how soon after a violent end nothing may be left: the two seconds
// that are promised.
const prompt = 2 * time.Second

// patience bounds everything that is promised without a number.
const patience = 90 * time.Second

// sandbox is a world of its own for one test: a home, a place for temporary
// files, a mirror of providers and a Terraform project. Its root stands in the
// environment or the arguments of every process that is started within, which
// is how they are found.
type sandbox struct {
	testing.TB

	root    string
	project string // the working directory
	environ []string
}

// newSandbox makes one. When the test ends, whatever way, nothing may be left
// of it: no process, no socket, no directory for sockets.
func newSandbox(t testing.TB) *sandbox {
	t.Helper()
	root, err := os.MkdirTemp("", "e2e-") // short: socket paths are made of it
	if err != nil {
		t.Fatal(err)
	}
	s := &sandbox{TB: t, root: root, project: filepath.Join(root, "project")}
	for _, name := range []string{"home", "tmp", "project", "data", "mirror"} {
		s.try(os.Mkdir(s.path(name), 0o700))
	}
	// From nothing: what the caller's environment holds (PYTHON…, TF_…,
	// RPCPLUGIN_…) must not decide how a test goes.
	s.environ = []string{
		"PATH=" + os.Getenv("PATH"),
		"LANG=C.UTF-8",
		"HOME=" + s.path("home"),
		"TMPDIR=" + s.path("tmp"),
		"XDG_CACHE_HOME=" + os.Getenv(pythonCacheVariable),
		"TF_CLI_CONFIG_FILE=" + s.path("terraform.rc"),
		"TF_DATA_DIR=" + s.path("data"),
		"TF_CLI_ARGS=-no-color",
		"TF_IN_AUTOMATION=1",
		"CHECKPOINT_DISABLE=1",
	}
	t.Cleanup(func() {
		s.expectNothingLeft()
		s.killAll()
		if !t.Failed() {
			os.RemoveAll(root)
		} else {
			t.Logf("what the test has left is in %s", root)
		}
	})
	return s
}

// path returns a path in the sandbox.
func (s *sandbox) path(parts ...string) string {
	return filepath.Join(append([]string{s.root}, parts...)...)
}

// set adds variables to what is started from now on.
func (s *sandbox) set(variables ...string) { s.environ = append(s.environ, variables...) }

// write writes a file of the sandbox, with its directories.
func (s *sandbox) write(path, text string) {
	s.Helper()
	s.try(os.MkdirAll(filepath.Dir(path), 0o700))
	s.try(os.WriteFile(path, []byte(text), 0o600))
}

// read returns a file's text.
func (s *sandbox) read(path string) string {
	s.Helper()
	data, err := os.ReadFile(path)
	s.try(err)
	return string(data)
}

// try ends the test with an error that is none of its business.
func (s *sandbox) try(err error) {
	s.Helper()
	if err != nil {
		s.Fatal(err)
	}
}

// until waits for a condition and reports whether it came true in time.
func until(timeout time.Duration, condition func() bool) bool {
	deadline := time.NewTimer(timeout)
	defer deadline.Stop()
	look := time.NewTicker(10 * time.Millisecond)
	defer look.Stop()
	for !condition() {
		select {
		case <-look.C:
		case <-deadline.C:
			return condition()
		}
	}
	return true
}

// expectNothingLeft fails if processes or sockets outlive the time that is
// promised.
func (s *sandbox) expectNothingLeft() {
	s.Helper()
	var left []string
	start := time.Now()
	if !until(prompt, func() bool { left = s.leftOvers(); return len(left) == 0 }) {
		s.Errorf("left over after %s:\n  %s", prompt, strings.Join(left, "\n  "))
		return
	}
	if took := time.Since(start); took > prompt/10 {
		s.Logf("nothing was left after %d ms", took.Milliseconds())
	}
}

// leftOvers lists processes, and sockets with their directories.
func (s *sandbox) leftOvers() []string {
	var left []string
	for _, p := range s.processes() {
		left = append(left, p.String())
	}
	_ = filepath.WalkDir(s.path("tmp"), func(path string, entry os.DirEntry, err error) error {
		if err == nil && (entry.Type()&os.ModeSocket != 0 || strings.HasPrefix(entry.Name(), "rpcplugin")) {
			left = append(left, path)
		}
		return nil
	})
	return left
}

// exists reports whether there is a file of that name.
func (s *sandbox) exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}
