//go:build e2e && linux

package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TFLint's own ruleset is a plugin that asks TFLint, through the broker, for all
// that it looks at, and reports there what it finds.

// lint runs TFLint without, then with a bridge before its ruleset, and returns
// what it found, sorted: the ruleset has no order. It wants the same of both.
func (s *sandbox) lint(args ...string) []string {
	s.Helper()
	plain := s.run(tool(s, "tflint"), args...).exited(2) // there are issues
	s.set("TFLINT_PLUGIN_DIR=" + s.path("mirror"))
	bridged := s.run(tool(s, "tflint"), args...).exited(2)
	s.environ = s.environ[:len(s.environ)-1]
	want, got := slices.Sorted(strings.Lines(plain.stdout)), slices.Sorted(strings.Lines(bridged.stdout))
	if !slices.Equal(want, got) || bridged.stderr != plain.stderr {
		s.Errorf("tflint %q: without a bridge it found %d lines\n%s\nwith one %d\n%s\n%s", args, len(want), want, len(got), got, bridged.stderr)
	}
	return got
}

// ruleset installs a ruleset behind a bridge, in the place of that which TFLint
// brings along.
func (s *sandbox) ruleset(settings string) {
	s.Helper()
	s.write(s.path("mirror", "rpcplugin.yaml"), "host: tflint\n"+settings)
	if bridge := s.path("mirror", "tflint-ruleset-terraform"); !s.exists(bridge) {
		s.copy(rpcplugin(s), bridge)
	}
}

// bundled are the settings for the ruleset that TFLint brings along.
func (s *sandbox) bundled() string {
	return "child: native\nexec: [" + tool(s, "tflint") + ", --act-as-bundled-plugin]\n"
}

// declare writes a project in which n variables are declared badly, and n used badly.
func (s *sandbox) declare(n int) {
	s.Helper()
	var text strings.Builder
	for i := range n {
		fmt.Fprintf(&text, "variable \"v%d\" {}\nvariable \"w%d\" {}\noutput \"o%d\" { value = \"${var.v%d}\" }\n", i, i, i, i)
	}
	s.write(filepath.Join(s.project, "main.tf"), text.String())
}

// disown removes the sockets on which a host that was killed had listened itself,
// for its broker: they are not ours to remove.
func (s *sandbox) disown() {
	own, _ := filepath.Glob(s.path("tmp", "plugin*"))
	for _, socket := range own {
		_ = os.Remove(socket)
	}
}

func TestTFLintFindsTheSame(t *testing.T) {
	s := newSandbox(t)
	s.ruleset(s.bundled())
	s.declare(100)
	// Of each variable of the first kind its type, of the second that and its use, of
	// each output its value, and once the version of Terraform.
	if found := s.lint("--format=compact"); len(found) < 100*4+1 {
		t.Errorf("%d lines, expected %d and more", len(found), 100*4+1)
	}
	s.write(filepath.Join(s.project, "sub", "main.tf"), "variable \"x\" {}\n")
	if found := strings.Join(s.lint("--recursive", "--format=compact"), ""); !strings.Contains(found, "sub/main.tf:1:1") {
		t.Errorf("it found\n%s", found)
	}
	s.expectNothingLeft()
}

// The ruleset changes files by TFLint, too.
func TestTFLintFixesTheSame(t *testing.T) {
	s := newSandbox(t)
	s.ruleset(s.bundled())
	main := filepath.Join(s.project, "main.tf")
	fixed := func() string {
		s.declare(20)
		s.run(tool(s, "tflint"), "--fix", "--force").ok()
		return s.read(main)
	}
	plain := fixed()
	s.set("TFLINT_PLUGIN_DIR=" + s.path("mirror"))
	if bridged := fixed(); bridged != plain || strings.Contains(bridged, "${") {
		t.Errorf("without a bridge it made\n%s\nwith one\n%s", plain, bridged)
	}
	s.expectNothingLeft()
}

// Whoever of the three is killed in the middle of it, nobody is left.
func TestTFLintKilled(t *testing.T) {
	for name, test := range map[string]struct {
		kill func(host *running, bridge, child process)
		says string
	}{
		"host":   {func(host *running, _, _ process) { host.kill() }, ""},
		"bridge": {func(_ *running, bridge, _ process) { bridge.kill() }, "error reading from server"},
		"child":  {func(_ *running, _, child process) { child.kill() }, "was killed by SIGKILL"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSandbox(t)
			s.ruleset(s.bundled())
			s.declare(4000) // work for some seconds
			s.set("TFLINT_PLUGIN_DIR="+s.path("mirror"), "TFLINT_LOG=debug")
			host := s.start(tool(s, "tflint"))
			host.stderr.expect(s, "starting host-side gRPC server") // a check is under way
			var bridge, child process
			for _, p := range s.processes() {
				switch {
				case filepath.Base(p.exe) == "tflint-ruleset-terraform":
					bridge = p
				case slices.Contains(p.command, "--act-as-bundled-plugin"):
					child = p
				}
			}
			if bridge.pid == 0 || child.pid == 0 {
				t.Fatalf("not all run: %v", s.processes())
			}
			test.kill(host, bridge, child)
			ended := host.wait()
			if name != "host" {
				ended.exited(1).says(test.says)
			}
			s.disown()
			s.expectNothingLeft()
		})
	}
}

// A plain program has no broker, so it cannot be a ruleset; what is wrong is told.
func TestTFLintTellsWhatIsWrong(t *testing.T) {
	s := newSandbox(t)
	s.declare(1)
	s.set("TFLINT_PLUGIN_DIR=" + s.path("mirror"))
	s.write(filepath.Join(s.project, "plain.py"), `import os, grpc
from concurrent import futures
server = grpc.server(futures.ThreadPoolExecutor())
server.add_insecure_port(os.environ["RPCPLUGIN_CHILD_ADDRESS"])
server.start()
server.wait_for_termination()
`)
	for _, test := range []struct{ settings, says string }{
		{"exec: [" + python(s) + ", plain.py]\n", `Plugin "terraform" SDK version is incompatible`},
		{"exec: [" + tool(s, "tflint") + ", --act-as-bundled-plugin]\n", "exited with status 1 before it accepted a connection"},
		{"child: native\nexec: [" + python(s) + ", plain.py]\n", "exited with status 1 before it printed a handshake line"},
		{"child: native\nexec: ['${dir}/missing']\n", s.path("mirror", "missing") + `" not found`},
	} {
		s.ruleset(test.settings)
		s.run(tool(s, "tflint")).exited(1).says(test.says)
	}
	s.expectNothingLeft()
}
