//go:build e2e && linux

package e2e

import (
	"crypto/sha256"
	"encoding/hex"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/pyvider/rpcplugin/pkg/handshake"
)

// The whole life of a resource, with the provider installed as its README
// says. Nothing keeps Python from writing its compiled files: if they went
// into the package, the second command would fail over its checksum.
func TestProviderFromMirror(t *testing.T) {
	s := newSandbox(t)
	s.configure("milk")
	s.install(s.notes())
	lock := s.read(filepath.Join(s.project, ".terraform.lock.hcl"))
	files := s.tree(s.path("mirror"))

	s.terraform("validate").ok().says("The configuration is valid")
	s.terraform("plan", "-detailed-exitcode").exited(2).says(
		"notes_note.it will be created", `content = "milk"`, "sha256 = (known after apply)", "1 to add, 0 to change, 0 to destroy")
	s.expectNoNotes()

	s.terraform("apply").ok().says("1 added, 0 changed, 0 destroyed")
	s.expectNote("milk")
	digest := sha256.Sum256([]byte("milk"))
	if got, want := s.stateOfNotes()["it"]["sha256"], hex.EncodeToString(digest[:]); got != want {
		t.Errorf("sha256 in the state is %q, expected %q", got, want)
	}
	if got := s.read(s.note()); got != "milk" {
		t.Errorf("the note on disk is %q", got)
	}
	s.terraform("plan", "-detailed-exitcode").ok().says("No changes")

	s.configure("bread")
	s.terraform("apply").ok().says(`"milk" -> "bread"`, "0 added, 1 changed, 0 destroyed")
	s.expectNote("bread")

	s.terraform("state", "rm", "notes_note.it").ok()
	s.expectNoNotes()
	s.terraform("import", "notes_note.it", "missing").exited(1).says("No such note", "No note has the title 'missing'")
	s.terraform("import", "notes_note.it", "it").ok().says("Import successful")
	s.expectNote("bread")
	s.terraform("plan", "-detailed-exitcode").ok().says("No changes")

	s.terraform("destroy").ok().says("1 destroyed")
	s.expectNoNotes()
	if _, err := os.Stat(s.note()); !os.IsNotExist(err) {
		t.Errorf("the note is still on disk: %v", err)
	}

	if after := s.tree(s.path("mirror")); after != files {
		t.Errorf("the package has changed from\n%s\nto\n%s", files, after)
	}
	s.terraform("init").ok()
	if after := s.read(filepath.Join(s.project, ".terraform.lock.hcl")); after != lock {
		t.Errorf("the lock file has changed from\n%s\nto\n%s", lock, after)
	}
	if cache := s.tree(os.Getenv(pythonCacheVariable)); !strings.Contains(cache, "tfplugin6_pb2.cpython") {
		t.Errorf("tfplugin6_pb2.py was not compiled into the user's cache, which has\n%.2000s", cache)
	}
}

// The example of the documentation, as it is.
func TestExampleConfiguration(t *testing.T) {
	s := newSandbox(t)
	s.copy(checkout(t, "examples/python/main.tf"), filepath.Join(s.project, "main.tf"))
	s.install(s.notes())
	s.terraform("apply").ok().says("2 added", `titles = tolist([ "digest", "shopping", ])`)
	s.terraform("plan", "-detailed-exitcode").ok().says("No changes")
	s.terraform("destroy").ok().says("2 destroyed")
}

func TestProviderFromPackedMirror(t *testing.T) {
	s := newSandbox(t)
	s.configure("milk")
	dir := s.path("package")
	s.pack(dir, s.notes())
	archive := s.path("mirror", address, "terraform-provider-notes_"+version+"_"+platform+".zip")
	s.try(os.MkdirAll(filepath.Dir(archive), 0o700))
	s.zip(dir, archive)
	s.mirrored()

	s.terraform("init").ok()
	s.terraform("apply").ok().says("1 added")
	s.expectNote("milk")
	s.terraform("plan", "-detailed-exitcode").ok().says("No changes")
	s.terraform("destroy").ok().says("1 destroyed")
}

// No init and no lock file: what an author uses at work.
func TestProviderFromDevOverrides(t *testing.T) {
	s := newSandbox(t)
	s.configure("milk")
	dir := s.path("development")
	s.pack(dir, s.notes())
	s.try(os.Rename(filepath.Join(dir, binary), filepath.Join(dir, "terraform-provider-notes")))
	s.write(s.path("terraform.rc"), "provider_installation {\n  dev_overrides {\n    \""+address+"\" = \""+dir+"\"\n  }\n  direct {}\n}\n")

	s.terraform("apply").ok().says("Provider development overrides are in effect", "1 added")
	s.expectNote("milk")
	s.terraform("destroy").ok().says("1 destroyed")
}

// A provider that was started by hand serves one command after the other and
// outlives them all, until it is told to stop.
func TestAttachToStandalone(t *testing.T) {
	s := newSandbox(t)
	s.configure("milk")
	s.mirrored()
	serving, attach := s.standalone(s.misbehave()...)
	s.set("TF_REATTACH_PROVIDERS=" + attach)

	s.terraform("init").ok()
	s.terraform("plan", "-detailed-exitcode").exited(2).says("1 to add")
	s.terraform("apply").ok().says("1 added")
	s.expectNote("milk")
	s.terraform("plan", "-detailed-exitcode").ok().says("No changes")
	s.terraform("destroy").ok().says("1 destroyed")
	s.expectNoNotes()

	if !serving.alive() {
		serving.wait()
		t.Fatalf("the provider has ended with Terraform; it wrote\n%s", serving.stderr)
	}
	s.try(serving.cmd.Process.Signal(syscall.SIGTERM))
	serving.wait().exited(0).doesNotSay("Traceback", "error:")
	s.expectNothingLeft()
}

// standalone starts a provider by itself and returns what stands behind
// TF_REATTACH_PROVIDERS= in what it says.
func (s *sandbox) standalone(command ...string) (*running, string) {
	s.Helper()
	args := append([]string{"serve", "--host", "terraform", "--standalone", "--provider", address, "--exec"}, command...)
	serving := s.start(rpcplugin(s.TB), args...)
	serving.stderr.expect(s, "reattach configuration:\n\n  {")
	said := serving.stderr.String()
	_, rest, _ := strings.Cut(said, "export TF_REATTACH_PROVIDERS='")
	attach, _, found := strings.Cut(rest, "'\n")
	if !found {
		s.Fatalf("no line to attach with in\n%s", said)
	}
	providers, err := handshake.ParseReattachProviders(attach)
	s.try(err)
	_, rest, _ = strings.Cut(said, "reattach configuration:\n\n  ")
	line, _, _ := strings.Cut(rest, "\n")
	other, err := handshake.ParseReattach([]byte(line))
	s.try(err)
	if providers[address] != other || other.Pid != serving.cmd.Process.Pid || other.ProtocolVersion != 6 || !other.Test {
		s.Errorf("says %+v for Terraform and %+v for others; its process is %d", providers[address], other, serving.cmd.Process.Pid)
	}
	return serving, attach
}
