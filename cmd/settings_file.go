package cmd

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"

	"github.com/alecthomas/kong"
	"go.yaml.in/yaml/v3"
)

// fileHint says what a settings file is.
const fileHint = "it is a YAML file of flag names and values, such as \"host: terraform\""

// settingsFile is one rpcplugin.yaml.
type settingsFile struct {
	path   string
	dir    string // what ${dir} stands for: where the file is, as it was named
	keys   []*yaml.Node
	values map[string]*yaml.Node
}

// readSettings reads a file of flag names and values.
func readSettings(path string) (*settingsFile, error) {
	file, mistakes := loadSettings(path)
	if len(mistakes) > 0 {
		return nil, mistakes[0]
	}
	return file, nil
}

// loadSettings reads a file as far as that goes.
func loadSettings(path string) (*settingsFile, []error) {
	data, err := readBounded(path)
	if err != nil {
		return nil, []error{err}
	}
	dir, err := filepath.Abs(filepath.Dir(path))
	if err != nil {
		return nil, []error{err}
	}
	file := &settingsFile{path: path, dir: dir, values: make(map[string]*yaml.Node)}
	var document, second yaml.Node
	decoder := yaml.NewDecoder(bytes.NewReader(data))
	if err := decoder.Decode(&document); err != nil && !errors.Is(err, io.EOF) {
		hint := fileHint
		if bytes.Contains(data, []byte("${dir}")) {
			hint += "; in a list in brackets, \"${dir}/…\" wants its quotes"
		}
		return nil, []error{&usageError{err: fmt.Errorf("%s: %w", path, err), hint: hint}}
	}
	if err := decoder.Decode(&second); !errors.Is(err, io.EOF) {
		return nil, []error{usagef("put all of them above it, and leave out the line \"---\"", "%s:%d: a second document begins, expected one", path, max(second.Line, 1))}
	}
	if len(document.Content) == 0 || document.Content[0].Tag == "!!null" {
		return file, nil
	}
	top := document.Content[0]
	if top.Kind != yaml.MappingNode {
		return nil, []error{usagef(fileHint, "%s:%d: expected flag names and values", path, top.Line)}
	}
	var mistakes []error
	for i := 0; i+1 < len(top.Content); i += 2 {
		key := top.Content[i]
		if key.Kind != yaml.ScalarNode {
			mistakes = append(mistakes, usagef(fileHint, "%s:%d: a key is no plain text, expected the name of a flag", path, key.Line))
			continue
		}
		if file.values[key.Value] != nil {
			mistakes = append(mistakes, usagef("keep one of the two", "%s:%d: key %q is there twice", path, key.Line, key.Value))
			continue
		}
		file.keys = append(file.keys, key)
		file.values[key.Value] = top.Content[i+1]
	}
	return file, mistakes
}

// longestFile is how many bytes a settings file may have.
const longestFile = 1 << 20

// readBounded reads a file that is no longer than that.
func readBounded(path string) ([]byte, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = file.Close() }()
	data, err := io.ReadAll(io.LimitReader(file, longestFile+1))
	if err == nil && len(data) > longestFile {
		err = usagef(fileHint, "%s: the file is too long, expected no more than \"%d\" bytes", path, longestFile)
	}
	return data, err
}

// checkKeys tells of all keys that are neither a known setting nor one of
// pyvider-rpcplugin's.
func (f *settingsFile) checkKeys(known []string) []error {
	var mistakes []error
	for _, key := range f.keys {
		names, hint := known, "keys are the names of flags; \"rpcplugin config list\" has them all"
		if isPyviderName(key.Value) {
			names = pyviderNames()
			hint = "\"rpcplugin config list\" has what stands for it here; variables of the program go below \"env\""
		}
		if !slices.Contains(names, key.Value) {
			mistakes = append(mistakes, usagef(hint, "%s:%d: unknown key %q, did you mean %q?",
				f.path, key.Line, key.Value, nearest(key.Value, names)))
		}
	}
	return mistakes
}

// value turns a node into what kong takes for flag: a string, or a list.
func (f *settingsFile) value(node *yaml.Node, flag *kong.Flag) (any, error) {
	k := kindOf(flag)
	if k == kindWords && node.Kind == yaml.ScalarNode && node.Tag != "!!null" {
		var words []string
		for _, word := range strings.Fields(node.Value) {
			words = append(words, f.expand(word)) // last: the directory may have spaces
		}
		return anyList(words), nil
	}
	words, err := f.texts(node, k)
	switch {
	case err != nil:
		return nil, err
	case !k.isList():
		return words[0], nil
	case flag.Target.Type().Elem().Kind() == reflect.String:
		return anyList(words), nil
	default: // kong decodes such a list from one text
		return strings.Join(words, ","), nil
	}
}

// texts are the parts of a value: one, if the kind has none.
func (f *settingsFile) texts(node *yaml.Node, k kind) ([]string, error) {
	switch {
	case node.Tag == "!!null":
		return nil, errors.New("expected a value, found none")
	case node.Kind == yaml.ScalarNode:
		return []string{f.expand(node.Value)}, nil
	case node.Kind == yaml.SequenceNode && !k.isList():
		return nil, errors.New("expected one value, found a list")
	case node.Kind == yaml.MappingNode && !k.isList():
		return nil, errors.New("expected one value, found a map")
	case node.Kind == yaml.SequenceNode:
		return f.elements(node, 1)
	case node.Kind == yaml.MappingNode && k == kindVariables:
		return f.entries(node)
	case node.Kind == yaml.MappingNode:
		return nil, errors.New("expected a value or a list, found a map")
	default:
		return nil, fmt.Errorf("expected the value itself, found the alias %q", "*"+node.Value)
	}
}

// entries are those of a map, as NAME=VALUE.
func (f *settingsFile) entries(node *yaml.Node) ([]string, error) {
	values, err := f.elements(node, 2)
	seen := make(map[string]bool)
	for i := range values {
		name := node.Content[2*i]
		if seen[name.Value] {
			return nil, fmt.Errorf("line %d: %q is there twice, expected it once", name.Line, name.Value)
		}
		seen[name.Value] = true
		values[i] = name.Value + "=" + values[i]
	}
	return values, err
}

// elements are the values of a list, or every second node of a map.
func (f *settingsFile) elements(node *yaml.Node, step int) ([]string, error) {
	var words []string
	for i := step - 1; i < len(node.Content); i += step {
		element := node.Content[i]
		if element.Kind != yaml.ScalarNode || element.Tag == "!!null" {
			return nil, fmt.Errorf("line %d: expected a list of plain values; an empty one is written \"\"", element.Line)
		}
		words = append(words, f.expand(element.Value))
	}
	return words, nil
}

// expand replaces ${dir}.
func (f *settingsFile) expand(text string) string { return strings.ReplaceAll(text, "${dir}", f.dir) }

func anyList(words []string) []any {
	list := make([]any, len(words))
	for i, word := range words {
		list[i] = word
	}
	return list
}
