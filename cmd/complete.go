package cmd

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/alecthomas/kong"
)

// completeCommand answers the scripts of "completion": what may stand where the
// cursor is, one a line. It has nothing to say rather than an error.
type completeCommand struct {
	Index int  `arg:"" help:"Number of the word at the cursor; the program's name is 0."`
	Bash  bool `help:"The words are as bash has them, cut at ':' and '='."`
}

// Run prints candidates for the words after "--".
func (c completeCommand) Run(ctx context.Context, p *Program, words pluginCommand) error {
	line, at := []string(words), c.Index
	if c.Bash {
		line, at = bashWords(line, at)
	}
	if at <= 0 || at >= len(line) {
		return nil
	}
	parser, err := p.newParser(new(commands), &settings{})
	if err != nil {
		return err
	}
	current := line[at]
	found := withPrefix(wordsAt(ctx, p, parser.Model, line, at), current)
	cut := 0
	if c.Bash { // it replaces only what follows the last of them
		cut = strings.LastIndexAny(current, ":=") + 1
	}
	for _, word := range found {
		fmt.Fprintln(p.Stdout, word[cut:])
	}
	return nil
}

// place is what comes before the cursor.
type place struct {
	node      *kong.Node
	flag      *kong.Flag // whose value is at the cursor, or nil
	arguments int
	kept      []string // flags of connect and of every command, for asking the plugin
	plugin    bool     // the cursor is in the plugin's command
}

// findPlace goes through the words, but for that at the cursor.
func findPlace(app *kong.Application, line []string, at int) place {
	here := place{node: app.Node}
	for i := 1; i < len(line); i++ {
		word, before := line[i], i < at
		switch {
		case i == at:
		case word == "--":
			here.plugin = before
			here.kept = append(here.kept, line[i:]...)
			return here
		case strings.HasPrefix(word, "-"):
			flag, whole := flagOf(here.node, word)
			if flag == nil {
				continue
			}
			words := []string{word}
			if !flag.IsBool() && !whole {
				if i+1 == at {
					here.flag = flag
					continue
				}
				if i++; i < len(line) {
					words = append(words, line[i])
				}
			}
			if !ofAction(here.node, flag) {
				here.kept = append(here.kept, words...)
			}
		case before:
			child := slices.IndexFunc(here.node.Children, func(child *kong.Node) bool { return child.Name == word })
			if child >= 0 {
				here.node = here.node.Children[child]
			} else {
				here.arguments++
			}
		}
	}
	return here
}

// flagOf finds the flag of a word; whole says that its value is in it.
func flagOf(node *kong.Node, word string) (found *kong.Flag, whole bool) {
	name, _, whole := strings.Cut(strings.TrimLeft(word, "-"), "=")
	for _, group := range node.AllFlags(false) {
		for _, flag := range group {
			if flag.Name == name || slices.Contains(flag.Aliases, name) || (flag.Short != 0 && string(flag.Short) == name) {
				return flag, whole
			}
		}
	}
	return nil, whole
}

// ofAction reports whether a flag is one action's of connect.
func ofAction(node *kong.Node, flag *kong.Flag) bool {
	return len(node.Children) == 0 && slices.Contains(node.Flags, flag)
}

// wordsAt lists what may stand at the cursor.
func wordsAt(ctx context.Context, p *Program, app *kong.Application, line []string, at int) []string {
	here := findPlace(app, line, at)
	name, _, hasValue := strings.Cut(line[at], "=")
	switch flag, _ := flagOf(here.node, name); {
	case here.plugin:
		return nil
	case here.flag != nil:
		return flagValues(here.flag)
	case hasValue && flag != nil && strings.HasPrefix(name, "--"):
		values := flagValues(flag)
		for i := range values {
			values[i] = name + "=" + values[i]
		}
		return values
	case strings.HasPrefix(line[at], "-"):
		return flagWords(here.node)
	case len(here.node.Children) > 0:
		var names []string
		for _, child := range here.node.Children {
			if !child.Hidden {
				names = append(names, child.Name)
			}
		}
		return names
	case here.arguments > 0 || len(here.node.Positional) == 0:
		return nil
	case here.node.Parent != nil && here.node.Parent.Name == "connect":
		return askPlugin(ctx, p, here)
	default:
		return here.node.Positional[0].EnumSlice()
	}
}

// flagValues lists the values of a flag, if they are few.
func flagValues(flag *kong.Flag) []string {
	if flag.Name == "host" {
		return strings.Split(hostNames(), ", ")
	}
	if flag.Enum == "" {
		return nil
	}
	return flag.EnumSlice()
}

func flagWords(node *kong.Node) []string {
	var words []string
	for _, group := range node.AllFlags(true) {
		for _, flag := range group {
			words = append(words, "--"+flag.Name)
		}
	}
	slices.Sort(words)
	return words
}

// askPlugin runs "connect complete" with the flags and the command of the line.
func askPlugin(ctx context.Context, p *Program, here place) []string {
	args := []string{p.Args[0], "connect", "complete", here.node.Name, "--timeout=5s"}
	var found bytes.Buffer
	asked := &Program{
		Args: append(args, here.kept...), Stdin: strings.NewReader(""), Stdout: &found, Stderr: io.Discard,
		LookupEnv: p.LookupEnv, Environ: p.Environ,
	}
	if asked.Run(ctx) != exitOK {
		return nil
	}
	return strings.Fields(found.String())
}

// connectCompleteCommand lists names for one action.
type connectCompleteCommand struct {
	Action string `arg:"" help:"Action whose argument it is."`
}

// Run starts the plugin and prints.
func (c connectCompleteCommand) Run(ctx context.Context, p *Program, g globals, f *connectFlags, command pluginCommand) error {
	return f.within(ctx, p, g, command, needs{program: true, sources: true}, func(_ context.Context, s *session) error {
		var names []string
		switch c.Action {
		case "call":
			names = s.methodNames(true)
		case "list":
			names = s.serviceNames()
		case "describe":
			names = s.symbolNames()
		case "health":
			names = append([]string{"plugin"}, s.serviceNames()...)
		}
		for _, name := range names {
			fmt.Fprintln(p.Stdout, name)
		}
		return nil
	})
}
