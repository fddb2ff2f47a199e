package cmd

import (
	"cmp"
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
	names  []string                 // of the variables that are there
	known  func() ([]string, error) // flags of all commands
}

// settings finds the values of flags that were not given: in RPCPLUGIN_*, in the
// names of pyvider-rpcplugin, then in the files; the first that has one wins. It
// is a kong.Resolver.
type settings struct {
	env     environment
	files   []*settingsFile
	pyvider *pyvider
}

func newSettings(command string, env environment, files []*settingsFile) *settings {
	return &settings{env: env, files: files, pyvider: newPyvider(command, env, files)}
}

// settings returns those of the program under its own name: environment,
// working directory, the user's configuration directory. With an error come
// those that could be read.
func (p *Program) settings(command string, files bool) (*settings, error) {
	env := environment{lookup: settingsOf(command, p.LookupEnv), known: p.flagNames}
	if files {
		for _, entry := range p.Environ {
			if name, value, _ := strings.Cut(entry, "="); value != "" { // else it counts as none
				env.names = append(env.names, name)
			}
		}
	}
	read, err := settingsFiles(files)
	return newSettings(command, env, read), err
}

// settingsFiles reads those that there are.
func settingsFiles(wanted bool) ([]*settingsFile, error) {
	if !wanted {
		return nil, nil
	}
	var files []*settingsFile
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
			return files, &usageError{err: err, hint: cmp.Or(hintOf(err), "settings are read there; make it a file that this user may read, or move it away")}
		}
		files = append(files, file)
	}
	return files, nil
}

// Validate refuses keys that are no flag of any command, and variables that were
// to be one.
func (s *settings) Validate(app *kong.Application) error {
	known := flagNames(app.Node)
	for _, file := range s.files {
		if err := errors.Join(file.checkKeys(known)...); err != nil {
			return err
		}
	}
	for _, name := range s.strangers(known) {
		if err := s.misspelt(name); err != nil {
			return err
		}
	}
	return nil
}

// found is the value of a setting and where it comes from, as people name that.
type found struct {
	value  any // a text, or a list of them; nil if there is none
	origin string
}

// Resolve returns the value of one flag, nil when there is none.
func (s *settings) Resolve(_ *kong.Context, _ *kong.Path, flag *kong.Flag) (any, error) {
	f, err := s.find(flag)
	return f.value, err
}

// find looks for the value of a flag.
func (s *settings) find(flag *kong.Flag) (found, error) {
	if s.env.lookup != nil {
		name := variableOf(flag.Name)
		if text, set := s.env.lookup(name); set && text != "" {
			var value any = text
			if flag.Name == execFlag { // a list of words, not of comma-separated parts
				value = anyList(strings.Fields(text))
			}
			return found{value, name}, checkValue(flag, name+" is", value)
		}
		if f, err := s.pyvider.find(flag, 0); f.value != nil || err != nil {
			return f, err
		}
	}
	for i, file := range s.files {
		if node := file.values[flag.Name]; node != nil {
			where := fmt.Sprintf("%s:%d", file.path, node.Line)
			value, err := file.value(node, flag)
			if err != nil {
				return found{}, usagef("see rpcplugin config list for what it takes", "%s: %w", where, err)
			}
			return found{value, where}, checkValue(flag, where+":", value)
		}
		if f, err := s.pyvider.find(flag, i+1); f.value != nil || err != nil {
			return f, err
		}
	}
	return found{}, nil
}

// variableOf is the name of a setting in the environment.
func variableOf(setting string) string {
	return "RPCPLUGIN_" + strings.ToUpper(strings.ReplaceAll(setting, "-", "_"))
}

// strangers are the variables of the environment that look like settings and are
// none of the known ones. What a bridge tells its program is no setting.
func (s *settings) strangers(known []string) []string {
	var all []string
	for _, name := range s.env.names {
		rest, own := strings.CutPrefix(name, "RPCPLUGIN_")
		if own && !strings.HasPrefix(rest, "CHILD_") && !slices.Contains(known, settingOf(name)) {
			all = append(all, name)
		}
	}
	return all
}

// settingOf is the opposite of variableOf.
func settingOf(variable string) string {
	return strings.ToLower(strings.ReplaceAll(strings.TrimPrefix(variable, "RPCPLUGIN_"), "_", "-"))
}

// misspelt is the error of a variable that is nearly a setting. Others may be
// anybody's: they are left alone.
func (s *settings) misspelt(variable string) error {
	known, err := s.env.known()
	name := settingOf(variable)
	if err != nil || slices.Contains(known, name) {
		return err
	}
	if meant := nearest(name, known); isNear(name, meant) {
		return usagef("\"rpcplugin config list\" has the names of all", "unknown variable %q, did you mean %q?", variable, variableOf(meant))
	}
	return nil
}

// flagNames lists the flags of all commands.
func (p *Program) flagNames() ([]string, error) {
	parser, err := p.newParser(new(commands), newSettings("", environment{}, nil))
	if err != nil {
		return nil, err
	}
	var names []string
	for _, node := range append([]*kong.Node{parser.Model.Node}, parser.Model.Leaves(false)...) {
		for _, group := range node.AllFlags(false) {
			for _, flag := range group {
				names = append(names, flag.Name)
			}
		}
	}
	slices.Sort(names)
	return slices.Compact(names), nil
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
		if child.Hidden || node.Parent == nil && !takesSettings([]string{child.Name}) {
			continue
		}
		names = append(names, flagNames(child)...)
	}
	slices.Sort(names)
	return slices.Compact(names)
}
