//go:build e2e && linux

package e2e

import (
	"encoding/json"
	"encoding/pem"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// author is a sandbox in which somebody has written a provider, in a folder that
// has all that such folders collect, and has its Python in PATH.
func author(t *testing.T) (s *sandbox, source string) {
	t.Helper()
	s = newSandbox(t)
	s.set("PATH="+filepath.Dir(python(t))+":"+os.Getenv("PATH"), "XDG_CACHE_HOME="+s.path("cache"))
	source = s.path("source")
	for _, name := range []string{"provider.py", "tfplugin6_pb2.py", "tfplugin6_pb2_grpc.py", "rpcplugin.yaml"} {
		s.copy(checkout(t, filepath.Join("examples/python", name)), filepath.Join(source, name))
	}
	s.write(filepath.Join(source, "__pycache__/provider.cpython-311.pyc"), "stale")
	s.write(filepath.Join(source, ".venv/pyvenv.cfg"), "home = /usr/bin\n")
	s.write(filepath.Join(source, ".git/HEAD"), "ref: refs/heads/main\n")
	s.write(filepath.Join(source, "terraform.tfstate"), "{}")
	s.try(os.Symlink(rpcplugin(t), filepath.Join(source, "terraform-provider-notes")))
	s.configure("milk")
	return s, source
}

// packs runs rpcplugin pack.
func (s *sandbox) packs(args ...string) result {
	s.Helper()
	return s.run(rpcplugin(s.TB), append([]string{"pack"}, args...)...)
}

// packMirror packs a folder into the sandbox's mirror and returns the package's folder.
func (s *sandbox) packMirror(source string) string {
	s.Helper()
	s.packs("--provider", "acme/notes", "--version", version, "--out", s.path("mirror"), source).ok()
	s.mirrored()
	return s.path("mirror", address, version, platform)
}

// usedTwice initialises, applies, changes and applies again.
func (s *sandbox) usedTwice() {
	s.Helper()
	s.terraform("init").ok()
	s.terraform("apply").ok()
	s.expectNote("milk")
	s.configure("milk, bread")
	s.terraform("apply").ok().says("1 changed")
	s.expectNote("milk, bread")
}

// expectLocked fails unless the lock file has a hash.
func (s *sandbox) expectLocked(hash string) {
	s.Helper()
	if lock := s.read(filepath.Join(s.project, ".terraform.lock.hcl")); hash == "" || !strings.Contains(lock, `"`+hash+`"`) {
		s.Errorf("the lock file does not have %q:\n%s", hash, lock)
	}
}

// packReport is what pack -o json says.
type packReport struct {
	Made []struct {
		Path, H1, ZH string
	}
	Findings []struct{ Rule string }
}

func (r result) report() packReport {
	r.s.Helper()
	var report packReport
	r.s.try(json.Unmarshal([]byte(r.stdout), &report))
	return report
}

// A mirror: nothing of the author's folder that does not belong there, nothing
// that Python adds later, and the hash is the lock file's.
func TestPackMirror(t *testing.T) {
	s, source := author(t)
	made := s.packs("--provider", "acme/notes", "--version", version, "--out", s.path("mirror"), "-o", "json", source).ok().report()
	s.mirrored()
	folder := s.path("mirror", address, version, platform)
	want := "provider.py\nrpcplugin.yaml\n" + binary + "\ntfplugin6_pb2.py\ntfplugin6_pb2_grpc.py"
	if got := s.tree(folder); got != want {
		t.Errorf("the package has\n%s\nexpected\n%s", got, want)
	}
	s.usedTwice()
	s.expectLocked(made.Made[0].H1)
	if got := s.tree(folder); got != want {
		t.Errorf("after it was used, the package has\n%s\nexpected\n%s", got, want)
	}
	s.packs("--check", s.path("mirror")).ok().says(made.Made[0].H1, "starts "+binary)

	// The same again is refused, and what is there is left alone.
	s.packs("--provider", "acme/notes", "--version", version, "--out", s.path("mirror"), source).exited(2).says("is there already")
	s.terraform("plan").ok().says("No changes")
}

// Files and a command, without a settings file.
func TestPackCommand(t *testing.T) {
	s, source := author(t)
	file := func(name string) string { return filepath.Join(source, name) }
	s.packs("--provider", "acme/notes", "--version", version, "--out", s.path("mirror"),
		file("provider.py"), file("tfplugin6_pb2.py"), file("tfplugin6_pb2_grpc.py"), "--exec", "python3", "provider.py").ok()
	s.mirrored()
	s.usedTwice()
}

// A packed mirror: the lock file of the archive fits it on another machine.
func TestPackPacked(t *testing.T) {
	s, source := author(t)
	made := s.packs("--provider", "acme/notes", "--version", version, "--as", "packed", "--out", s.path("mirror"), "-o", "json", source).ok().report()
	s.mirrored()
	s.usedTwice()
	s.expectLocked(made.Made[0].H1)
	s.try(os.RemoveAll(s.path("data")))
	s.terraform("init").ok()
	s.terraform("plan").ok().says("No changes")
	s.packs("--check", s.path("mirror")).ok().says(made.Made[0].H1, made.Made[0].ZH)
}

// The plugin folder of a user, which Terraform looks into without being told.
func TestPackInstall(t *testing.T) {
	s, source := author(t)
	s.packs("--provider", "acme/notes", "--version", version, "--install", source).ok()
	s.write(s.path("terraform.rc"), "disable_checkpoint = true\n")
	if !s.exists(s.path("home/.terraform.d/plugins", address, version, platform, binary)) {
		t.Errorf("not installed; the home has\n%s", s.tree(s.path("home")))
	}
	s.usedTwice()
}

// A folder for dev_overrides: no init, and each edit counts at once.
func TestPackDev(t *testing.T) {
	s, source := author(t)
	s.packs("--provider", "acme/notes", "--as", "dev", "--out", s.path("dev"), source).ok().says(s.path("dev/dev.tfrc"))
	s.set("TF_CLI_CONFIG_FILE=" + s.path("dev/dev.tfrc"))
	s.terraform("apply").ok()
	s.expectNote("milk")
	text := s.read(filepath.Join(source, "provider.py"))
	s.write(filepath.Join(source, "provider.py"), strings.Replace(text, `"Bad title"`, `"No good title"`, 1))
	s.write(filepath.Join(s.project, "main.tf"), strings.Replace(s.read(filepath.Join(s.project, "main.tf")), `title   = "it"`, `title   = "It"`, 1))
	s.terraform("plan").exited(1).says("No good title")
}

// A network mirror needs nothing but its files and https.
func TestPackNetwork(t *testing.T) {
	s, source := author(t)
	s.packs("--provider", "acme/notes", "--version", version, "--as", "network", "--out", s.path("mirror"), source).ok()
	server := httptest.NewTLSServer(http.FileServer(http.Dir(s.path("mirror"))))
	defer server.Close()
	certificate := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
	s.write(s.path("ca.pem"), string(certificate))
	s.set("SSL_CERT_FILE=" + s.path("ca.pem"))
	s.write(s.path("terraform.rc"), fmt.Sprintf("provider_installation {\n  network_mirror {\n    url = %q\n  }\n}\n", server.URL+"/"))
	s.usedTwice()
}

// What the checks warn of is what Terraform punishes.
func TestPackFindings(t *testing.T) {
	for _, test := range []struct {
		name   string
		spoil  func(s *sandbox, folder string)
		used   bool   // it is spoilt after init
		says   string // by Terraform, at init or plan
		rule   string
		status int // of pack --check
	}{
		{
			name: "pycache", used: true, says: "does not match any of the checksums", rule: "[pycache]",
			spoil: func(s *sandbox, folder string) { s.write(folder+"/__pycache__/provider.pyc", "x") },
		},
		{
			name: "link to a folder", says: "is a directory", rule: "[link]", status: 6,
			spoil: func(s *sandbox, folder string) { s.try(os.Symlink(s.path("home"), folder+"/lib")) },
		},
		{
			name: "link to nowhere", says: "no such file", rule: "[link]", status: 6,
			spoil: func(s *sandbox, folder string) { s.try(os.Symlink("nowhere", folder+"/lib")) },
		},
		{
			name: "settings under the provider's name", says: "terraform-provider-notes.json", rule: "[executable]", status: 6,
			spoil: func(s *sandbox, folder string) { s.write(folder+"/terraform-provider-notes.json", "{}") },
		},
		{
			name: "not executable", says: "permission denied", rule: "[executable]", status: 6,
			spoil: func(s *sandbox, folder string) { s.try(os.Chmod(folder+"/"+binary, 0o600)) },
		},
		{
			name: "no executable", says: "could not find executable file", rule: "[executable]", status: 6,
			spoil: func(s *sandbox, folder string) { s.try(os.Rename(folder+"/"+binary, folder+"/notes")) },
		},
		{
			name: "binary of another platform", says: "exec format error", rule: "[platform]", status: 6,
			spoil: func(s *sandbox, folder string) {
				s.write(folder+"/"+binary, "\xcf\xfa\xed\xfe\x0c\x00\x00\x01"+strings.Repeat("\x00", 24))
				s.try(os.Chmod(folder+"/"+binary, 0o700))
			},
		},
		{
			name: "relative path", says: "can't open file", rule: "[relative]", status: 6,
			spoil: func(s *sandbox, folder string) {
				s.write(folder+"/rpcplugin.yaml", settings([]string{"python3", "provider.py"}))
			},
		},
		{
			name: "missing file", says: "can't open file", rule: "[missing]", status: 6,
			spoil: func(s *sandbox, folder string) { s.try(os.Remove(folder + "/provider.py")) },
		},
		{
			name: "settings that serve refuses", says: "unknown key", rule: "[settings]", status: 6,
			spoil: func(s *sandbox, folder string) {
				s.write(folder+"/rpcplugin.yaml", "host: terraform\nexecute: python3\n")
			},
		},
		{
			name: "no settings", says: "no rpcplugin.yaml beside", rule: "[settings]", status: 6,
			spoil: func(s *sandbox, folder string) { s.try(os.Remove(folder + "/rpcplugin.yaml")) },
		},
		{
			name: "TLS off", says: "failed to respond", rule: "[settings]", status: 6,
			spoil: func(s *sandbox, folder string) {
				s.write(folder+"/rpcplugin.yaml", settings([]string{"python3", "${dir}/provider.py"})+"tls: off\n")
			},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			s, source := author(t)
			folder := s.packMirror(source)
			if test.used {
				s.usedTwice()
			}
			test.spoil(s, folder)
			got := s.terraform("init")
			if test.used || got.code == 0 {
				got = s.terraform("plan")
			}
			got.exited(1).says(test.says)
			s.packs("--check", s.path("mirror")).exited(test.status).says(test.rule)
		})
	}
}

// Archives made with other tools: what is wrong with them shows late.
func TestPackArchives(t *testing.T) {
	archive := func(s *sandbox, source, program string) string {
		folder := s.packMirror(source)
		at := s.path("mirror/registry.terraform.io/acme/notes/terraform-provider-notes_" + version + "_" + platform + ".zip")
		s.write(folder+"/lib/empty.py", "")
		s.run("/bin/sh", "-c", "cd \"$0\" && ARCHIVE=$1 && "+program, folder, at).ok()
		s.try(os.RemoveAll(s.path("mirror", address, version)))
		return at
	}
	t.Run("entries for folders", func(t *testing.T) {
		s, source := author(t)
		at := archive(s, source, `python3 -c 'import shutil, sys; shutil.make_archive(sys.argv[1][:-4], "zip", ".")' "$ARCHIVE"`)
		s.usedTwice()
		s.try(os.RemoveAll(s.path("data")))
		s.terraform("init").exited(1).says("checksums")
		s.packs("--check", at).exited(6).says("[zip-directory]")
	})
	t.Run("names that change", func(t *testing.T) {
		for _, name := range []string{"./twice", "/twice", "provider.py"} {
			s, source := author(t)
			at := archive(s, source, `python3 -W ignore -c '
import os, sys, zipfile
with zipfile.ZipFile(sys.argv[1], "w") as archive:
    for name in os.listdir("."):
        archive.write(name) if os.path.isfile(name) else None
    archive.write("provider.py", sys.argv[2]) if sys.argv[2][0] == "p" else archive.writestr(zipfile.ZipInfo(sys.argv[2]), "x")
' "$ARCHIVE" `+name)
			s.usedTwice()
			s.try(os.RemoveAll(s.path("data")))
			s.terraform("init").exited(1).says("checksums")
			s.packs("--check", at).exited(6).says("[file-name]")
		}
	})
	t.Run("modes that were lost", func(t *testing.T) {
		s, source := author(t)
		at := archive(s, source, `python3 -c '
import os, sys, zipfile
with zipfile.ZipFile(sys.argv[1], "w") as archive:
    for name in os.listdir("."):
        if os.path.isfile(name): archive.writestr(name, open(name, "rb").read())
' "$ARCHIVE"`)
		s.terraform("init").ok()
		s.terraform("plan").exited(1).says("permission denied")
		s.packs("--check", at).exited(6).says("[zip-executable]")
	})
}

// Names and versions: what Terraform takes, and what it does not.
func TestPackNames(t *testing.T) {
	for _, test := range []struct {
		source, constraint string // of required_providers
		folder             string // in the mirror
		says               string // by Terraform, "" if it takes it
		rule               string // by pack, "" if it has nothing to say
		severity           string
	}{
		{"acme/notes", "0.1.0", "acme/notes/0.1.0", "", "", ""},
		{"acme/terraform-notes", "0.1.0", "acme/terraform-notes/0.1.0", "Invalid provider type", "provider", "error"},
		{"acme/my_notes", "0.1.0", "acme/my_notes/0.1.0", "Invalid provider type", "provider", "error"},
		{"acme/my--notes", "0.1.0", "acme/my--notes/0.1.0", "Invalid provider type", "provider", "error"},
		{"acme/notes-", "0.1.0", "acme/notes-/0.1.0", "Invalid provider type", "provider", "error"},
		{"acme/1notes", "0.1.0", "acme/1notes/0.1.0", "", "provider", "warning"},
		{"ac_me/notes", "0.1.0", "ac_me/notes/0.1.0", "Invalid provider namespace", "provider", "error"},
		{"acme/notes", "0.1.0", "acme/notes/v0.1.0", "was not found", "version", "error"},
		{"acme/notes", "0.1.0", "acme/notes/0.1.0.0", "was not found", "version", "error"},
		{"acme/notes", "0.1.0", "acme/notes/0.1", "", "version", "warning"},
		{"acme/notes", ">= 0.1.0-beta1", "acme/notes/0.1.0-beta1", "no available releases", "version", "warning"},
		{"acme/notes", "0.1.0-beta1", "acme/notes/0.1.0-beta1", "", "version", "warning"},
		{"acme/notes", "0.1.0", "acme/notes/0.1.0+b1", "no available releases", "version", "warning"},
		{"acme/notes", "0.1.0+b1", "acme/notes/0.1.0+b1", "", "version", "warning"},
	} {
		t.Run(test.folder+" for "+test.constraint, func(t *testing.T) {
			s := newSandbox(t)
			words := strings.Split(test.folder, "/")
			folder := s.path("mirror/registry.terraform.io", test.folder, platform)
			s.copy(rpcplugin(t), filepath.Join(folder, "terraform-provider-"+words[1]))
			s.mirrored()
			s.write(filepath.Join(s.project, "main.tf"), fmt.Sprintf("terraform {\n  required_providers {\n    notes = {\n      source  = %q\n      version = %q\n    }\n  }\n}\n", test.source, test.constraint))
			got := s.terraform("init")
			if test.says == "" {
				got.ok()
			} else {
				got.exited(1).says(test.says)
			}
			s.write(s.path("source/p.py"), "")
			packed := s.packs("--provider", words[0]+"/"+words[1], "--version", words[2], "--out", s.path("out"), s.path("source/p.py"), "--exec", "sh", "p.py")
			want := 0
			if test.severity == "error" {
				want = 2
			}
			packed.exited(want)
			if test.rule != "" {
				packed.says(test.severity+":", "["+test.rule+"]")
			} else {
				packed.doesNotSay("[provider]", "[version]", "error:")
			}
		})
	}
}
