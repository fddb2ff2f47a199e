package cmd

import (
	"cmp"
	"slices"
	"strings"

	"github.com/alecthomas/kong"
)

// setting is one value that flags, environment and files have a name for. The
// fields of the commands are where all of it is said; this is read from them.
type setting struct {
	Name     string   `json:"name"`
	Type     kind     `json:"type"`
	Default  string   `json:"default,omitempty"` // of the first command
	Unit     string   `json:"unit,omitempty"`
	Choices  []string `json:"choices,omitempty"`
	Commands []string `json:"commands"`
	Variable string   `json:"variable"`
	Pyvider  []string `json:"pyvider,omitempty"` // pyvider-rpcplugin's names
	Meaning  string   `json:"meaning"`           // for the first command
}

// everyCommand stands for all of them in Commands.
const everyCommand = "every command"

// settingsModel is the part of the command line that settings are for.
func (p *Program) settingsModel() (*kong.Application, error) {
	parser, err := p.newParser(grammarOf([]string{"serve"}, new(commands), true), newSettings("", environment{}, nil))
	if err != nil {
		return nil, err
	}
	return parser.Model, nil
}

// settingsOfModel lists the settings: those of serve and connect, of parts of
// connect, of every command.
func settingsOfModel(app *kong.Application) []setting {
	var all []setting
	add := func(node *kong.Node, command string) {
		for _, flag := range node.Flags {
			if flag.Name == "help" || flag.Hidden {
				continue
			}
			i := slices.IndexFunc(all, func(s setting) bool { return s.Name == flag.Name })
			if i < 0 {
				i = len(all)
				all = append(all, settingFrom(flag))
			}
			all[i].Commands = append(all[i].Commands, command)
			all[i].Pyvider = append(all[i].Pyvider, pyviderFor(flag.Name, command)...)
		}
	}
	for _, command := range app.Children {
		add(command, command.Name)
	}
	for _, command := range app.Children {
		for _, part := range command.Children {
			if !part.Hidden {
				add(part, command.Name+" "+part.Name)
			}
		}
	}
	add(app.Node, everyCommand)
	slices.SortStableFunc(all, func(a, b setting) int { return cmp.Or(rankOf(a)-rankOf(b), strings.Compare(a.Name, b.Name)) })
	for i := range all {
		slices.Sort(all[i].Pyvider)
		all[i].Pyvider = slices.Compact(all[i].Pyvider)
	}
	return all
}

// rankOf puts the settings of whole commands before those of parts, and those of
// every command last.
func rankOf(s setting) int {
	switch first := s.Commands[0]; {
	case first == everyCommand:
		return 2
	case strings.Contains(first, " "):
		return 1
	default:
		return 0
	}
}

// settingFrom reads a flag.
func settingFrom(flag *kong.Flag) setting {
	s := setting{
		Name: flag.Name, Type: kindOf(flag), Choices: choicesOf(flag), Unit: flag.Tag.Get("unit"),
		Variable: variableOf(flag.Name), Meaning: flag.Help,
	}
	if flag.HasDefault {
		s.Default = flag.Default
	}
	return s
}

// pyviderFor lists pyvider-rpcplugin's names of a setting.
func pyviderFor(name, command string) []string {
	var names []string
	for _, row := range pyviderTable() {
		if row.setting(command) == name || command == everyCommand && (row.serve == name || row.connect == name) {
			names = append(names, row.name)
		}
	}
	return names
}

// values says what a setting takes, for people.
func (s setting) values() string {
	switch {
	case s.Type == kindChoice:
		return strings.Join(s.Choices, "|")
	case s.Unit != "":
		return string(s.Type) + ", " + s.Unit
	default:
		return string(s.Type)
	}
}
