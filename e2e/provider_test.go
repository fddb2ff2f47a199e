//go:build e2e && linux

package e2e

import (
	"archive/zip"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
)

// The provider's address and version.
const (
	address = "registry.terraform.io/acme/notes"
	version = "0.1.0"
	binary  = "terraform-provider-notes_v" + version
)

// platform is Terraform's name for this machine.
const platform = runtime.GOOS + "_" + runtime.GOARCH

// notes is the command of examples/python as its README ships it.
func (s *sandbox) notes() []string { return []string{python(s.TB), "${dir}/provider.py"} }

// misbehave is the command of the provider that goes wrong on demand.
func (s *sandbox) misbehave(options ...string) []string {
	return append([]string{python(s.TB), checkout(s.TB, "e2e/testdata/python/misbehave.py")}, options...)
}

// install puts a package into the mirror, tells Terraform of it and runs init.
func (s *sandbox) install(command []string) {
	s.Helper()
	s.pack(s.path("mirror", address, version, platform), command)
	s.mirrored()
	s.terraform("init").ok()
}

// pack lays out a package: rpcplugin under the provider's name, its settings,
// and the files of examples/python.
func (s *sandbox) pack(dir string, command []string) {
	s.Helper()
	s.write(filepath.Join(dir, "rpcplugin.yaml"), settings(command))
	s.copy(rpcplugin(s.TB), filepath.Join(dir, binary))
	for _, name := range []string{"provider.py", "tfplugin6_pb2.py", "tfplugin6_pb2_grpc.py"} {
		s.copy(checkout(s.TB, filepath.Join("examples/python", name)), filepath.Join(dir, name))
	}
}

// settings is the text of an rpcplugin.yaml.
func settings(command []string) string {
	text := "host: terraform\nexec:\n"
	for _, word := range command {
		text += "  - " + strconv.Quote(word) + "\n"
	}
	return text
}

// mirrored tells Terraform of the mirror.
func (s *sandbox) mirrored() {
	s.Helper()
	s.write(s.path("terraform.rc"), fmt.Sprintf("provider_installation {\n  filesystem_mirror {\n    path = %q\n  }\n}\n", s.path("mirror")))
}

// configure writes the project: one note besides the provider.
func (s *sandbox) configure(content string) {
	s.Helper()
	s.write(filepath.Join(s.project, "main.tf"), fmt.Sprintf(`
terraform {
  required_providers {
    notes = {
      source  = %q
      version = %q
    }
  }
}

resource "notes_note" "it" {
  title   = "it"
  content = %q
}
`, address, version, content))
}

// copy copies a file with its permissions.
func (s *sandbox) copy(from, to string) {
	s.Helper()
	info, err := os.Stat(from)
	s.try(err)
	data, err := os.ReadFile(from)
	s.try(err)
	s.try(os.MkdirAll(filepath.Dir(to), 0o700))
	s.try(os.WriteFile(to, data, info.Mode().Perm()))
}

// zip packs a directory into an archive beside nothing, and removes it.
func (s *sandbox) zip(dir, archive string) {
	s.Helper()
	file, err := os.Create(archive)
	s.try(err)
	writer := zip.NewWriter(file)
	s.try(writer.AddFS(os.DirFS(dir)))
	s.try(writer.Close())
	s.try(file.Close())
	s.try(os.RemoveAll(dir))
}

// tree lists the files below a directory.
func (s *sandbox) tree(dir string) string {
	s.Helper()
	var names []string
	s.try(filepath.WalkDir(dir, func(path string, entry os.DirEntry, err error) error {
		if err == nil && !entry.IsDir() {
			name, _ := filepath.Rel(dir, path)
			names = append(names, name)
		}
		return err
	}))
	return strings.Join(names, "\n")
}
