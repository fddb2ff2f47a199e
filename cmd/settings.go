package cmd

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/alecthomas/kong"
)

// settingsName is the name of every settings file.
const settingsName = "rpcplugin.yaml"

// execFlag is the flag whose value is a command line: one text is its words.
const execFlag = "exec"

// environment is the source of settings that processes inherit. Under another
// name than its own the program does not read it.
type environment struct {
	lookup func(string) (string, bool)
}

// settings finds the values of flags that were not given: in RPCPLUGIN_*,
// then in the files, the first that has one wins. It is a kong.Resolver.
type settings struct {
	env   environment
	files []*settingsFile
}

// settings returns those of the program under its own name: environment,
// working directory, the user's configuration directory. With an error come
// those that could be read.
func (p *Program) settings(env environment, files bool) (*settings, error) {
	s := &settings{env: env}
	if !files {
		return s, nil
	}
	paths := []string{settingsName}
	if dir, err := os.UserConfigDir(); err == nil {
		paths = append(paths, filepath.Join(dir, "rpcplugin", settingsName))
	}
	for _, path := range paths {
		file, err := readSettings(path)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return s, &usageError{err: err, hint: hintOf(err)}
		}
		s.files = append(s.files, file)
	}
	return s, nil
}

// Validate refuses keys that are no flag of any command.
func (s *settings) Validate(app *kong.Application) error {
	known := flagNames(app.Node)
	for _, file := range s.files {
		if err := file.checkKeys(known); err != nil {
			return err
		}
	}
	return nil
}

// Resolve returns the value of one flag, nil when there is none.
func (s *settings) Resolve(_ *kong.Context, _ *kong.Path, flag *kong.Flag) (any, error) {
	if s.env.lookup != nil {
		name := "RPCPLUGIN_" + strings.ToUpper(strings.ReplaceAll(flag.Name, "-", "_"))
		if text, set := s.env.lookup(name); set && text != "" {
			if flag.Name == execFlag { // a list of words, not of comma-separated parts
				return anyList(strings.Fields(text)), nil
			}
			return text, checkValue(flag, name+" is", text)
		}
	}
	for _, file := range s.files {
		if node := file.values[flag.Name]; node != nil {
			where := fmt.Sprintf("%s:%d:", file.path, node.Line)
			value, err := file.value(node, flag)
			if err != nil {
				return nil, usagef("see rpcplugin serve --help for what it takes", "%s %w", where, err)
			}
			return value, checkValue(flag, where, value)
		}
	}
	return nil, nil //nolint:nilnil // kong's way to say that there is none
}

// flagNames lists the flags of node and of all commands below it that settings
// are for.
func flagNames(node *kong.Node) []string {
	var names []string
	for _, flag := range node.Flags {
		if flag.Name != "help" {
			names = append(names, flag.Name)
		}
	}
	for _, child := range node.Children {
		if node.Parent == nil && !takesSettings([]string{child.Name}) {
			continue
		}
		names = append(names, flagNames(child)...)
	}
	slices.Sort(names)
	return slices.Compact(names)
}
