//go:build unix

// Package docs_test runs the pages: every command in them, and compares what it
// prints with what the page says. CONTRIBUTING.md has the form of a page.
package docs_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"
)

// build returns what builds rpcplugin, once, and tells its folder.
func build(t *testing.T) func() (string, error) {
	t.Helper()
	return sync.OnceValues(func() (string, error) {
		folder := t.TempDir()
		build := exec.Command("go", "build", "-o", folder, ".")
		build.Dir = ".."
		if output, err := build.CombinedOutput(); err != nil {
			return folder, fmt.Errorf("%w\n%s", err, output)
		}
		return folder, nil
	})
}

func TestPages(t *testing.T) {
	t.Parallel()
	found, err := pages()
	if err != nil {
		t.Fatal(err)
	}
	binary := build(t)
	for _, p := range found {
		t.Run(p.name, func(t *testing.T) {
			t.Parallel()
			switch {
			case p.wrong != nil:
				t.Fatal(p.wrong)
			case len(p.steps) == 0:
				t.Skip("it has no commands")
			case len(p.needs) > 0 && !withTools:
				t.Skipf("it needs %s: `make e2e` runs it", strings.Join(p.needs, ", "))
			}
			folder, err := binary()
			if err != nil {
				t.Fatal(err)
			}
			environ, err := environment(folder, p.needs)
			if err != nil {
				t.Fatal(err)
			}
			timeout := time.Minute
			if len(p.needs) > 0 {
				timeout = 10 * time.Minute
			}
			if err := p.run(t, timeout, environ); err != nil {
				t.Error(err)
			}
		})
	}
}

// run does what the page says, up to the first step that goes wrong.
func (p page) run(t *testing.T, timeout time.Duration, environ []string) (err error) {
	t.Helper()
	root, err := os.MkdirTemp("", "page-") // short: paths of sockets are made of it
	if err != nil {
		return err
	}
	defer os.RemoveAll(root)
	s, err := startSession(root, timeout, environ)
	if err != nil {
		return err
	}
	defer func() {
		if left := s.close(); left != nil && err == nil {
			err = fmt.Errorf("%s: %w", p.path, left)
		}
	}()
	for i, step := range p.steps {
		mayFail := i+1 < len(p.steps) && p.steps[i+1].asksStatus()
		start := time.Now()
		if err := step.do(s, mayFail); err != nil {
			return fmt.Errorf("%s:%d: %s: %w", p.path, step.line, step, err)
		}
		if took := time.Since(start); took > time.Second {
			t.Logf("%s:%d: %s: %.1f s", p.path, step.line, step, took.Seconds())
		}
	}
	return nil
}

// String is the step as the reader sees it.
func (s step) String() string {
	if s.file != "" {
		return "file " + s.file
	}
	return "$ " + s.command
}

// do does one step in a session.
func (s step) do(in *session, mayFail bool) error {
	if s.file != "" {
		path := filepath.Join(in.folder, filepath.FromSlash(s.file))
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			return err
		}
		return os.WriteFile(path, []byte(s.text), 0o600)
	}
	status, output, err := in.run(s.command)
	printed := func() string {
		text, _ := os.ReadFile(output)
		return string(text)
	}
	if err != nil {
		complaints, _ := os.ReadFile(filepath.Join(in.root, "output", "shell"))
		return fmt.Errorf("%w; it has printed\n%s%s", err, printed(), complaints)
	}
	problem := ""
	matches := func() bool {
		problem = match(s.want, printed())
		return problem == ""
	}
	switch {
	case status != 0 && !mayFail:
		return fmt.Errorf("status %d, and no \"echo $?\" follows; it has printed\n%s", status, printed())
	case len(s.want) == 0:
	case s.background() && poll(in.timeout, matches):
	case !s.background() && matches():
	default:
		return fmt.Errorf("%s", problem)
	}
	return nil
}

// environment is that of a page's shell, but for its folders: from nothing, so
// that what the caller has set does not decide how a page goes.
func environment(binary string, needs []string) ([]string, error) {
	repository, err := filepath.Abs("..")
	if err != nil {
		return nil, err
	}
	path := []string{binary, os.Getenv("PATH")}
	environ := []string{"REPO=" + repository, "LANG=C.UTF-8", "TERM=dumb"}
	if len(needs) > 0 {
		tools := filepath.Join(repository, ".cache", "bin")
		path = []string{binary, tools, os.Getenv("PATH")}
		environ = append(environ, "TF_CLI_ARGS=-no-color", "CHECKPOINT_DISABLE=1")
		environ = append(environ, registries()...)
		for _, need := range needs {
			if err := available(need, tools); err != nil {
				return nil, err
			}
		}
	}
	return append(environ, "PATH="+strings.Join(path, string(os.PathListSeparator))), nil
}

// available fails if a tool that a page needs is missing.
func available(need, tools string) error {
	programs := map[string][]string{"python": {"python3"}, "node": {"node", "npm"}}[need]
	if programs == nil {
		programs = []string{need}
	}
	for _, program := range programs {
		if _, err := exec.LookPath(filepath.Join(tools, program)); err == nil {
			continue
		}
		if _, err := exec.LookPath(program); err != nil {
			return fmt.Errorf("the page needs %s: %w (`scripts/tools %s` may install it)", need, err, program)
		}
	}
	return nil
}

// registries is how this machine reaches the registries of packages, and where it
// keeps what it got: an empty home knows neither.
func registries() []string {
	var found []string
	for _, variable := range os.Environ() {
		name, _, _ := strings.Cut(variable, "=")
		lower := strings.ToLower(name)
		if strings.HasPrefix(name, "PIP_") || strings.HasPrefix(lower, "npm_config_") || strings.HasSuffix(lower, "_proxy") ||
			name == "NODE_EXTRA_CA_CERTS" || name == "SSL_CERT_FILE" || name == "SSL_CERT_DIR" {
			found = append(found, variable)
		}
	}
	if home, err := os.UserHomeDir(); err == nil && runtime.GOOS == "linux" {
		found = append(found, "PIP_CACHE_DIR="+filepath.Join(home, ".cache", "pip"), "NPM_CONFIG_CACHE="+filepath.Join(home, ".npm"))
	}
	for _, name := range []string{"GOPATH", "GOMODCACHE", "GOCACHE", "GOPROXY", "GOSUMDB", "GOTOOLCHAIN"} {
		if value, err := exec.Command("go", "env", name).Output(); err == nil {
			found = append(found, name+"="+strings.TrimSpace(string(value)))
		}
	}
	return found
}
