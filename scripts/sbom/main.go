// Command sbom tells what a binary of rpcplugin is made of, by what Go has noted
// in it: as a CycloneDX document, or, with -notices, as the licences of all its
// modules in one text. It is run in the folder of the module that the binary was
// built from, whose module cache has the licences.
//
// It is a module of its own so that what it needs is no dependency of rpcplugin.
// For the same binary and SOURCE_DATE_EPOCH the output is the same byte for byte.
package main

import (
	"debug/buildinfo"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"github.com/google/licensecheck"
)

func main() {
	notices := flag.Bool("notices", false, "write the licences of the modules, instead of the CycloneDX document")
	version := flag.String("version", "", "version of the binary; by default that which Go has noted")
	flag.Parse()
	if err := run(os.Stdout, flag.Arg(0), *version, *notices); err != nil {
		fmt.Fprintln(os.Stderr, "sbom:", err)
		os.Exit(1)
	}
}

func run(w io.Writer, binary, version string, notices bool) error {
	build, err := buildinfo.ReadFile(binary)
	if err != nil {
		return err
	}
	if version != "" {
		build.Main.Version = version
	}
	modules, err := modulesOf(build)
	if err != nil {
		return err
	}
	if notices {
		return writeNotices(w, modules)
	}
	return writeDocument(w, build, modules, binary)
}

// module is one module of the binary; the standard library is one, too.
type module struct {
	path, version string
	licences      []string // SPDX identifiers
	texts         []text   // of licences and notices
}

// text is a file of a module.
type text struct{ name, content string }

// modulesOf finds the modules and their licences.
func modulesOf(build *buildinfo.BuildInfo) ([]module, error) {
	root, err := goCommand("env", "GOROOT")
	if err != nil {
		return nil, err
	}
	paths := []string{"list", "-mod=readonly", "-m", "-f", "{{.Path}}@{{.Version}}\t{{.Dir}}"}
	std := module{path: "std", version: build.GoVersion}
	if err := std.read(strings.TrimSpace(root)); err != nil {
		return nil, err
	}
	for _, dependency := range build.Deps {
		if dependency.Replace != nil {
			return nil, fmt.Errorf("module %q is replaced, expected none in a release", dependency.Path)
		}
		paths = append(paths, dependency.Path)
	}
	listed, err := goCommand(paths...)
	if err != nil {
		return nil, err
	}
	folders := make(map[string]string)
	for line := range strings.Lines(listed) {
		name, folder, _ := strings.Cut(strings.TrimSpace(line), "\t")
		folders[name] = folder
	}
	modules := []module{std}
	for _, dependency := range build.Deps {
		m := module{path: dependency.Path, version: dependency.Version}
		if err := m.read(folders[m.path+"@"+m.version]); err != nil {
			return nil, err
		}
		modules = append(modules, m)
	}
	return modules, nil
}

// read finds the licences in the folder of a module.
func (m *module) read(folder string) error {
	if folder == "" {
		return fmt.Errorf("module %s %s is not in the module cache, or is not of this go.mod", m.path, m.version)
	}
	entries, err := os.ReadDir(folder)
	if err != nil {
		return err
	}
	for _, entry := range entries {
		name := strings.ToUpper(entry.Name())
		licence := strings.HasPrefix(name, "LICENSE") || strings.HasPrefix(name, "LICENCE") || strings.HasPrefix(name, "COPYING")
		if entry.IsDir() || !licence && !strings.HasPrefix(name, "NOTICE") {
			continue
		}
		content, err := os.ReadFile(filepath.Join(folder, entry.Name()))
		if err != nil {
			return err
		}
		m.texts = append(m.texts, text{entry.Name(), string(content)})
		if !licence {
			continue
		}
		found := licensecheck.Scan(content)
		if found.Percent < 75 {
			return fmt.Errorf("module %s %s: %q is a licence that is not known", m.path, m.version, entry.Name())
		}
		for _, match := range found.Match {
			if !slices.Contains(m.licences, match.ID) {
				m.licences = append(m.licences, match.ID)
			}
		}
	}
	if len(m.licences) == 0 {
		return fmt.Errorf("module %s %s has no licence in %q", m.path, m.version, folder)
	}
	return nil
}

// goCommand runs go and returns what it prints.
func goCommand(args ...string) (string, error) {
	output, err := exec.Command("go", args...).Output()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		err = fmt.Errorf("go %s: %w: %s", args[0], err, exit.Stderr)
	}
	return string(output), err
}

// writeNotices writes all texts.
func writeNotices(w io.Writer, modules []module) error {
	var b strings.Builder
	b.WriteString("rpcplugin is made with the Go modules below. Each is under its own licence, and its source is\n" +
		"had by its name and version: go mod download NAME@VERSION (std is the standard library of Go).\n")
	for _, m := range modules {
		fmt.Fprintf(&b, "\n%s\n%s@%s: %s\n", strings.Repeat("=", 80), m.path, m.version, strings.Join(m.licences, ", "))
		for _, text := range m.texts {
			fmt.Fprintf(&b, "\n--- %s\n\n%s\n", text.name, strings.TrimSpace(text.content))
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}
