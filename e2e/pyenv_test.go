//go:build e2e && linux

package e2e

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// requiring installs a package of examples/python that brings its requirements
// along, for a machine that has only Python. No environment was ever made.
func (s *sandbox) requiring(requirements string) (pkg string) {
	s.Helper()
	s.set("XDG_CACHE_HOME=" + s.path("cache"))
	for _, entry := range os.Environ() { // the way to the package index is the machine's
		name, _, _ := strings.Cut(entry, "=")
		if strings.HasPrefix(name, "PIP_") || strings.HasSuffix(strings.ToUpper(name), "_PROXY") || name == "SSL_CERT_FILE" {
			s.set(entry)
		}
	}
	pkg = s.path("mirror", address, version, platform)
	s.pack(pkg, []string{"python3", "${dir}/provider.py"})
	s.write(filepath.Join(pkg, "requirements.txt"), requirements)
	settings := filepath.Join(pkg, "rpcplugin.yaml")
	s.write(settings, s.read(settings)+"python-requirements: ${dir}/requirements.txt\n")
	s.mirrored()
	return pkg
}

// requirements are those of the provider, without the tools that only its author
// needs.
func (s *sandbox) requirements() string {
	s.Helper()
	var kept strings.Builder
	for line := range strings.Lines(s.read(checkout(s.TB, "examples/python/requirements.txt"))) {
		if !strings.HasPrefix(line, "grpcio-tools") {
			kept.WriteString(line)
		}
	}
	return kept.String()
}

// beside is another project in the same world.
func (s *sandbox) beside() *sandbox {
	s.Helper()
	other := *s
	other.project = s.path("beside")
	s.try(os.Mkdir(other.project, 0o700))
	other.environ = append(slices.Clone(s.environ), "TF_DATA_DIR="+s.path("beside-data"))
	return &other
}

// Two projects apply at the same time, and nothing but Python is there. One
// environment is made, outside of the package, which stays what it was.
func TestPythonEnvironmentIsMadeOnce(t *testing.T) {
	one := newSandbox(t)
	pkg := one.requiring(one.requirements())
	other := one.beside()
	files := one.tree(pkg)
	var logs [2]string
	var applying [2]*running
	for i, s := range []*sandbox{one, other} {
		s.configure("milk")
		s.terraform("init").ok()
		logs[i] = s.path("log" + string(rune('0'+i)))
		s.set("TF_LOG=JSON", "TF_LOG_PATH="+logs[i])
		applying[i] = s.startTerraform("apply")
	}
	made := 0
	for i, s := range []*sandbox{one, other} {
		applying[i].wait().ok()
		s.expectNote("milk")
		made += len(s.entries(logs[i], "making a Python environment"))
	}
	if made != 1 {
		t.Errorf("%d environments were made, want 1", made)
	}
	if waited := len(one.entries(logs[0], "waiting for another process")) + len(one.entries(logs[1], "waiting for another process")); waited == 0 {
		t.Error("nobody waited: the two did not start at the same time")
	}
	one.configure("bread")
	one.terraform("apply").ok() // verifies the package, and starts without an installation
	one.expectNote("bread")
	if made := len(one.entries(logs[0], "making a Python environment")) + len(other.entries(logs[1], "making a Python environment")); made != 1 {
		t.Errorf("%d environments were made in the end, want 1", made)
	}
	if now := one.tree(pkg); now != files {
		t.Errorf("the package has the files\n%s\nand had\n%s", now, files)
	}
}

// The plugin or its host is killed in the middle of an installation; the next
// start does it again.
func TestPythonEnvironmentKilledInTheMaking(t *testing.T) {
	for name, kill := range map[string]func(bridge process, host *running){
		"plugin": func(bridge process, _ *running) { bridge.kill() },
		"host":   func(_ process, host *running) { host.kill() },
	} {
		t.Run(name, func(t *testing.T) {
			s := newSandbox(t)
			s.requiring(s.requirements())
			s.configure("milk")
			s.terraform("init").ok()
			applying := s.startTerraform("apply")
			kill(s.installer(applying), applying)
			if result := applying.wait(); result.code == 0 {
				t.Fatalf("apply went well; it wrote\n%s%s", result.stdout, result.stderr)
			}
			s.expectNothingLeft()
			if !until(prompt, func() bool { return len(s.environments()) == 0 }) {
				t.Errorf("left behind: %q", s.environments())
			}
			s.terraform("apply", "-lock=false").ok()
			s.expectNote("milk")
			if made := s.environments(); len(made) != 1 {
				t.Errorf("there are %q, want one environment", made)
			}
		})
	}
}

// installer waits until pip runs and returns the plugin that has started it.
func (s *sandbox) installer(host *running) (bridge process) {
	s.Helper()
	installing := until(patience, func() bool {
		found := false
		bridge = process{}
		for _, p := range s.processes() { // among them some that were forked and have not begun yet
			if strings.HasPrefix(filepath.Base(p.exe), "terraform-provider-notes") && (bridge.pid == 0 || p.pid < bridge.pid) {
				bridge = p
			}
			found = found || slices.Contains(p.command, "pip")
		}
		return found && bridge.pid != 0
	})
	if !installing {
		s.Fatalf("pip was not started; Terraform wrote\n%s%s", host.stdout, host.stderr)
	}
	return bridge
}

// environments lists those in the cache, ready or not.
func (s *sandbox) environments() []string {
	s.Helper()
	found, err := filepath.Glob(s.path("cache/rpcplugin/python/*/env-*"))
	s.try(err)
	return found
}

// What pip says is what Terraform's user reads.
func TestPythonRequirementThatIsNotThere(t *testing.T) {
	s := newSandbox(t)
	s.requiring("no-such-package-of-rpcplugin==1\n")
	s.configure("milk")
	s.terraform("init").ok()
	told := s.terraform("plan").exited(1)
	told.says("Plugin error", "cannot be prepared: the requirements in", "its last lines:",
		"ERROR: No matching distribution found for no-such-package-of-rpcplugin==1", "--python-wheels")
	told.doesNotSay("did not respond")
	t.Log(told.stderr)
}
