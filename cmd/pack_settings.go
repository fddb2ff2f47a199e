package cmd

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/pyvider/rpcplugin/internal/pack"
)

// packSettings are the rpcplugin.yaml of a package.
type packSettings struct {
	file     string // "": there is none yet, the command line has --exec
	provider string
	text     []byte
	program  pack.Program
	found    pack.Findings
}

// readSettings reads the file among those to pack, if there is one.
func (c *packCommand) readSettings() (*packSettings, error) {
	s := &packSettings{}
	for _, at := range c.Files {
		file := at
		if filepath.Base(at) != settingsName {
			file = filepath.Join(at, settingsName)
			if len(c.Files) > 1 {
				continue
			}
		}
		if info, err := os.Stat(file); err == nil {
			if !info.Mode().IsRegular() {
				return nil, usagef("expected the settings of the provider", "%q is no file", file)
			}
			s.file = file
		}
	}
	switch {
	case s.file == "" && len(c.Exec) == 0:
		return nil, usagef("write one, or end the command with --exec CMD ARGS…", "there is no %s among the files, and no --exec", settingsName)
	case s.file == "":
		return s, nil
	case len(c.Exec) > 0:
		return nil, usagef("leave --exec out, or the file: --exclude does not count for it", "%q has the program to start, and so has --exec", s.file)
	}
	var err error
	if s.text, err = os.ReadFile(s.file); err != nil {
		return nil, err
	}
	serve, err := s.read(s.file)
	if err == nil && !strings.HasSuffix(serve.Provider, "/NAMESPACE/TYPE") {
		s.provider = serve.Provider
	}
	return s, nil
}

// read reads a file as the provider will, and keeps what is wrong with it.
func (s *packSettings) read(file string) (*serveCommand, error) {
	dir, err := filepath.Abs(filepath.Dir(file))
	if err != nil {
		return nil, err
	}
	provider := &Program{
		Args: []string{filepath.Join(dir, "terraform-provider")}, Stdin: strings.NewReader(""), Stdout: io.Discard, Stderr: io.Discard,
		LookupEnv: func(string) (string, bool) { return "", false },
	}
	var options commands
	err = provider.configureAsPlugin(&options)
	if err == nil {
		_, err = options.Serve.role(provider)
	}
	if err != nil {
		what := strings.TrimPrefix(err.Error(), filepath.Join(dir, settingsName)+":")
		s.refuse(what, "the provider would not start", hintOf(err))
		return nil, err
	}
	serve := &options.Serve
	s.program = pack.Program{
		Exec: serve.Exec, Dir: dir, Env: serve.Env, Versions: serve.AppVersion, Native: serve.Child == "native",
		Requirements: serve.PythonRequirements, Wheels: serve.PythonWheels,
	}
	s.judge(serve)
	return serve, nil
}

// judge looks for settings that serve takes, and that no provider should have.
func (s *packSettings) judge(serve *serveCommand) {
	if serve.Host != "terraform" && serve.Host != "opentofu" {
		s.refuse(fmt.Sprintf("host is %q, expected \"terraform\"", serve.Host), "cookie and versions are those of the host", "write host: terraform")
	}
	if serve.Standalone {
		s.refuse("standalone is true", "a provider serves the host that starts it", "leave standalone out")
	}
	if serve.TLS == "off" {
		s.refuse("tls is \"off\"", "Terraform and OpenTofu ask for TLS", "leave tls out")
	}
}

func (s *packSettings) refuse(what, why, do string) {
	s.found = append(s.found, pack.Finding{
		Severity: pack.SeverityError, Rule: pack.RuleSettings, Path: settingsName, What: strings.TrimSpace(what), Why: why, Do: do,
	})
}

// complete makes the settings of --exec, once it is known which files there are.
func (s *packSettings) complete(c *packCommand, contents *pack.Contents) error {
	if s.file != "" {
		return nil
	}
	words := slices.Clone(c.Exec)
	for i, word := range words {
		name := path.Clean(filepath.ToSlash(word))
		if contents.Origin[name] != "" && !filepath.IsAbs(word) {
			words[i] = "${dir}/" + name
		}
	}
	text, err := yaml.Marshal(struct {
		Host string   `yaml:"host"`
		Exec []string `yaml:"exec"`
	}{"terraform", words})
	if err != nil {
		return err
	}
	s.text = text
	return s.readText(text)
}

// readText reads a text as if it were that of the file. What is wrong with it is
// among what was found.
func (s *packSettings) readText(text []byte) error {
	temporary, err := os.MkdirTemp("", "rpcplugin-pack-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(temporary)
	file := filepath.Join(temporary, settingsName)
	if err := os.WriteFile(file, text, 0o600); err != nil {
		return err
	}
	if _, err := s.read(file); err != nil && len(s.found) == 0 {
		return err
	}
	return nil
}

// absolute are the settings for a folder beside the source: ${dir} becomes the
// source's folder, and a packed file the one that it is made of.
func (s *packSettings) absolute(contents *pack.Contents) ([]byte, error) {
	var document yaml.Node
	if err := yaml.Unmarshal(s.text, &document); err != nil {
		return nil, &usageError{err: err}
	}
	dir := ""
	if s.file != "" {
		var err error
		if dir, err = filepath.Abs(filepath.Dir(s.file)); err != nil {
			return nil, err
		}
	}
	err := eachScalar(&document, func(value string) (string, error) {
		name, found := strings.CutPrefix(value, "${dir}/")
		if dir == "" && found && contents.Origin[name] != "" {
			return filepath.Abs(contents.Origin[name])
		}
		return strings.ReplaceAll(value, "${dir}", dir), nil
	})
	if err != nil {
		return nil, err
	}
	var text bytes.Buffer
	encoder := yaml.NewEncoder(&text)
	encoder.SetIndent(2)
	err = encoder.Encode(&document)
	return text.Bytes(), errors.Join(err, encoder.Close())
}

// eachScalar puts another text in the place of each value.
func eachScalar(node *yaml.Node, change func(string) (string, error)) error {
	if node.Kind == yaml.ScalarNode {
		changed, err := change(node.Value)
		node.Value = changed
		return err
	}
	for _, child := range node.Content {
		if err := eachScalar(child, change); err != nil {
			return err
		}
	}
	return nil
}
