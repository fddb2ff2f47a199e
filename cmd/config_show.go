package cmd

import (
	"cmp"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"github.com/alecthomas/kong"
)

// configShowCommand prints the settings in force.
type configShowCommand struct {
	Command string `arg:"" optional:"" help:"Whose settings: serve, the default, or connect."`
	Origin  bool   `help:"Say of each where it comes from: a flag, a variable, a line of a file, or the default."`
	File    string `placeholder:"FILE" help:"Show what a program under another name would see with this file beside it."`
	Output  string `short:"o" enum:"text,json" default:"text" help:"Form of the output."`
}

// Help is the long help.
func (configShowCommand) Help() string {
	return `Reads settings as the command would, here and now; flags follow a bare "--":

  rpcplugin config show --origin
  rpcplugin config show connect -o json
  rpcplugin config show serve -- --host terraform --exec python3 provider.py

Secrets are shown as "(set)".`
}

// shownSetting is a setting in force: a contract with scripts.
type shownSetting struct {
	Name   string `json:"name"`
	Value  any    `json:"value"` // a text, a truth, a number, a list of texts or numbers, or null
	Origin string `json:"origin"`
}

// Run parses the command line of the command, and shows what comes of it.
func (c *configShowCommand) Run(p *Program, flags pluginCommand) error {
	command := cmp.Or(c.Command, "serve")
	if command != "serve" && command != "connect" {
		return usagef("for example rpcplugin config show connect", "settings of %q, expected serve or connect", command)
	}
	if c.File != "" && command == "connect" {
		return usagef("under its own name the program finds its files itself", "--file is for serve, expected no \"connect\"")
	}
	sources, err := c.sources(p, command)
	if err != nil {
		return err
	}
	own, _ := splitCommand(append([]string{command}, flags...))
	all, err := p.inForce(own, sources)
	if err != nil {
		return err
	}
	for _, name := range sources.strangers(nil) {
		if known, err := p.flagNames(); err == nil && !slices.Contains(known, settingOf(name)) {
			fmt.Fprintf(p.Stderr, "note: %s is set, and is no setting\n", name)
		}
	}
	return c.write(p, command, all)
}

// sources are those of the command, or of a program with a file beside it.
func (c *configShowCommand) sources(p *Program, command string) (*settings, error) {
	if c.File == "" {
		return p.settings(command, true)
	}
	file, err := readSettings(c.File)
	if err != nil {
		return nil, &usageError{err: err, hint: hintOf(err)}
	}
	return newSettings(command, environment{}, []*settingsFile{file}), nil
}

// inForce are the settings of a command line.
func (p *Program) inForce(args []string, sources *settings) ([]shownSetting, error) {
	options := new(commands)
	parser, err := p.newParser(grammarOf(args, options, true), sources)
	if err != nil {
		return nil, err
	}
	parsed, err := parser.Parse(args)
	if errors.Is(err, errHelp) {
		return nil, usagef("leave it out", "--help is no setting")
	}
	if err != nil {
		return nil, explainUsage(err, nil)
	}
	given := make(map[string]bool)
	for _, part := range parsed.Path {
		if part.Flag != nil && !part.Resolved {
			given[part.Flag.Name] = true
		}
	}
	var all []shownSetting
	for _, node := range []*kong.Node{command(parsed), parser.Model.Node} {
		for _, flag := range node.Flags {
			if flag.Name == "help" || flag.Hidden {
				continue
			}
			from, err := sources.find(flag)
			if err != nil {
				return nil, err
			}
			origin := cmp.Or(from.origin, "default")
			if given[flag.Name] {
				origin = "--" + flag.Name
			}
			all = append(all, shownSetting{Name: flag.Name, Value: shownValue(flag), Origin: origin})
		}
	}
	slices.SortStableFunc(all, func(a, b shownSetting) int { return strings.Compare(a.Name, b.Name) })
	return all, nil
}

// command is serve or connect, also where one of its parts was selected.
func command(parsed *kong.Context) *kong.Node {
	node := parsed.Selected()
	for node.Parent != nil && node.Parent.Parent != nil {
		node = node.Parent
	}
	return node
}

// shownValue is the value of a flag, without secrets.
func shownValue(flag *kong.Flag) any {
	k, target := kindOf(flag), flag.Target
	if target.Kind() == reflect.Pointer {
		if target.IsNil() {
			return nil
		}
		target = target.Elem()
	}
	switch value := target.Interface().(type) {
	case string:
		return shown(k, value)
	case []string:
		list := make([]string, len(value))
		for i := range value {
			list[i] = shown(k, value[i])
		}
		return list
	case fmt.Stringer:
		return value.String()
	default:
		if target.Kind() == reflect.Slice && target.Len() == 0 {
			return []string{}
		}
		return value
	}
}

func (c *configShowCommand) write(p *Program, command string, all []shownSetting) error {
	if c.Output == "json" {
		return writeJSON(p.Stdout, struct {
			Command  string         `json:"command"`
			Settings []shownSetting `json:"settings"`
		}{command, all})
	}
	var rows [][]string
	for _, s := range all {
		text := orDash(inWords(s.Value))
		if strings.ContainsFunc(text, unicode.IsControl) { // which would upset the table, or the terminal
			text = strconv.Quote(text)
		}
		row := []string{s.Name, text}
		if c.Origin {
			row = append(row, s.Origin)
		}
		rows = append(rows, row)
	}
	return writeColumns(p.Stdout, rows)
}

// inWords is a value in one line.
func inWords(value any) string {
	switch value := value.(type) {
	case []string:
		quoted := make([]string, len(value))
		for i, word := range value {
			if quoted[i] = word; !strings.HasSuffix(word, hidden) {
				quoted[i] = shellWord(word, "'")
			}
		}
		return strings.Join(quoted, " ")
	case []int:
		return strings.Trim(strings.ReplaceAll(fmt.Sprint(value), " ", ","), "[]")
	case string:
		return value
	case nil:
		return ""
	default:
		return fmt.Sprint(value)
	}
}
