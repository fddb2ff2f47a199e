package cmd

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"

	"github.com/alecthomas/kong"
	"go.yaml.in/yaml/v3"
)

// settingsFile is one rpcplugin.yaml.
type settingsFile struct {
	path   string
	dir    string // what ${dir} stands for: where the file is, as it was named
	keys   []*yaml.Node
	values map[string]*yaml.Node
}

// readSettings reads a file of flag names and values.
func readSettings(path string) (*settingsFile, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	dir, err := filepath.Abs(filepath.Dir(path))
	if err != nil {
		return nil, err
	}
	file := &settingsFile{path: path, dir: dir, values: make(map[string]*yaml.Node)}
	var document yaml.Node
	if err := yaml.Unmarshal(data, &document); err != nil {
		return nil, &usageError{err: fmt.Errorf("%s: %w", path, err), hint: "it is a YAML file of flag names and values, such as \"host: terraform\""}
	}
	if len(document.Content) == 0 || document.Content[0].Tag == "!!null" {
		return file, nil
	}
	top := document.Content[0]
	if top.Kind != yaml.MappingNode {
		return nil, usagef("it is a YAML file of flag names and values, such as \"host: terraform\"",
			"%s:%d: expected flag names and values", path, top.Line)
	}
	for i := 0; i+1 < len(top.Content); i += 2 {
		key := top.Content[i]
		if file.values[key.Value] != nil {
			return nil, usagef("keep one of the two", "%s:%d: key %q is there twice", path, key.Line, key.Value)
		}
		file.keys = append(file.keys, key)
		file.values[key.Value] = top.Content[i+1]
	}
	return file, nil
}

func (f *settingsFile) checkKeys(known []string) error {
	for _, key := range f.keys {
		if !slices.Contains(known, key.Value) {
			return usagef("keys are the names of flags: "+strings.Join(known, ", "),
				"%s:%d: unknown key %q, did you mean %q?", f.path, key.Line, key.Value, nearest(key.Value, known))
		}
	}
	return nil
}

// value turns a node into what kong takes for flag: a string, or a list.
func (f *settingsFile) value(node *yaml.Node, flag *kong.Flag) (any, error) {
	isList := flag.Target.Kind() == reflect.Slice
	if node.Tag == "!!null" {
		return nil, errors.New("expected a value, found none")
	}
	switch node.Kind {
	case yaml.ScalarNode:
		if flag.Name == execFlag {
			var words []string
			for _, word := range strings.Fields(node.Value) {
				words = append(words, f.expand(word)) // last: the directory may have spaces
			}
			return anyList(words), nil
		}
		text := f.expand(node.Value)
		if isList {
			return f.elements([]string{text}, flag), nil
		}
		return text, nil
	case yaml.SequenceNode:
		if !isList {
			return nil, errors.New("expected one value, found a list")
		}
		var words []string
		for _, element := range node.Content {
			if element.Kind != yaml.ScalarNode {
				return nil, fmt.Errorf("line %d: expected a list of plain values", element.Line)
			}
			words = append(words, f.expand(element.Value))
		}
		return f.elements(words, flag), nil
	case yaml.MappingNode:
		if !isList {
			return nil, errors.New("expected one value, found a map")
		}
		var words []string
		for i := 0; i+1 < len(node.Content); i += 2 {
			words = append(words, node.Content[i].Value+"="+f.expand(node.Content[i+1].Value))
		}
		return f.elements(words, flag), nil
	default:
		return nil, errors.New("expected a value, a list or a map")
	}
}

// elements gives kong a list of the kind that it decodes: of strings as they
// are, of anything else as one text with commas.
func (f *settingsFile) elements(words []string, flag *kong.Flag) any {
	if flag.Target.Type().Elem().Kind() == reflect.String {
		return anyList(words)
	}
	return strings.Join(words, ",")
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
