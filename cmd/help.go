package cmd

import (
	"errors"
	"fmt"
	"io"
	"reflect"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/alecthomas/kong"
)

// helpWidth is the widest line of a help, helpIndent where the right of its
// two columns begins.
const (
	helpWidth  = 80
	helpIndent = 28
)

// errHelp says that help was asked for and printed.
var errHelp = errors.New("help")

// helpFlag prints help on stdout, where it was asked for.
type helpFlag bool

// BeforeReset prints the help and ends the parsing.
func (helpFlag) BeforeReset(ctx *kong.Context) error {
	if _, err := io.WriteString(ctx.Stdout, helpOf(ctx.Model, selected(ctx))); err != nil {
		return err
	}
	return errHelp
}

// selected returns the command that the arguments name. A default command that
// they do not name is not what help or an error is about.
func selected(ctx *kong.Context) *kong.Node {
	node := ctx.Selected()
	if node == nil {
		return ctx.Model.Node
	}
	if node.Parent != nil && node.Parent.DefaultCmd == node && !slices.Contains(ctx.Args, node.Name) {
		return node.Parent
	}
	return node
}

// commandPath is a command as it is typed.
func commandPath(node *kong.Node) string {
	if node.Parent == nil {
		return node.Name
	}
	return commandPath(node.Parent) + " " + node.Name
}

// helpOf is the help of one command.
func helpOf(app *kong.Application, node *kong.Node) string {
	var b strings.Builder
	fmt.Fprintf(&b, "Usage: %s\n\n%s\n", usageOf(node), wrap(node.Help, 0))
	if node.Detail != "" {
		fmt.Fprintf(&b, "\n%s\n", node.Detail)
	}
	var commands, arguments, flags, global [][2]string
	for _, child := range node.Children {
		if !child.Hidden {
			commands = append(commands, [2]string{child.Name, child.Help})
		}
	}
	for _, argument := range node.Positional {
		arguments = append(arguments, [2]string{strings.ToUpper(argument.Name), argument.Help})
	}
	groups := node.AllFlags(true)
	slices.Reverse(groups)      // the command's own before those that it shares
	if node.DefaultCmd != nil { // whose flags may be given without its name
		groups = append(groups, node.DefaultCmd.Flags)
		for _, argument := range node.DefaultCmd.Positional {
			arguments = append(arguments, [2]string{strings.ToUpper(argument.Name), argument.Help})
		}
	}
	for _, group := range groups {
		for _, flag := range group {
			if slices.Contains(app.Flags, flag) {
				global = append(global, flagRow(flag))
			} else {
				flags = append(flags, flagRow(flag))
			}
		}
	}
	writeRows(&b, "Commands", commands)
	writeRows(&b, "Arguments", arguments)
	writeRows(&b, "Flags", flags)
	writeRows(&b, "Flags of every command", global)
	if len(node.Children) > 0 {
		fmt.Fprintf(&b, "\n\"%s COMMAND --help\" tells more of one.\n", commandPath(node))
	}
	return b.String()
}

// usageOf is the form of a command; the tag "usage" of its field says what
// follows flags and arguments.
func usageOf(node *kong.Node) string {
	words := []string{commandPath(node)}
	switch {
	case node.DefaultCmd != nil:
		words = append(words, "[COMMAND]")
	case len(node.Children) > 0:
		words = append(words, "COMMAND")
	}
	for _, argument := range node.Positional {
		name := strings.ToUpper(argument.Name)
		if !argument.Required {
			name = "[" + name + "]"
		}
		words = append(words, name)
	}
	words = append(words, "[flags]")
	from := node
	if node.DefaultCmd != nil {
		from = node.DefaultCmd
	}
	for at := from; at != nil && at.Tag != nil; at = at.Parent {
		if tail := at.Tag.Get("usage"); tail != "" {
			words = append(words, tail)
		}
	}
	return strings.Join(words, " ")
}

// flagRow is a flag in two columns.
func flagRow(flag *kong.Flag) [2]string {
	name := "    --" + flag.Name
	if flag.Short != 0 {
		name = fmt.Sprintf("-%c, --%s", flag.Short, flag.Name)
	}
	help := flag.Help
	switch {
	case flag.IsBool():
	case flag.PlaceHolder != "":
		name += "=" + flag.PlaceHolder
	case flag.Enum != "":
		name += "=" + strings.Join(flag.EnumSlice(), "|")
	default:
		name += "=" + strings.ToUpper(flag.Target.Type().Name())
	}
	if flag.HasDefault && flag.Target.Kind() != reflect.Slice {
		help += " (default " + flag.Default + ")"
	}
	return [2]string{name, help}
}

// writeRows writes a titled table, nothing when it is empty.
func writeRows(b *strings.Builder, title string, rows [][2]string) {
	if len(rows) == 0 {
		return
	}
	fmt.Fprintf(b, "\n%s:\n", title)
	for _, row := range rows {
		left := "  " + row[0]
		gap := helpIndent - utf8.RuneCountInString(left)
		if gap < 2 {
			left, gap = left+"\n", helpIndent
		}
		fmt.Fprintf(b, "%s%s%s\n", left, strings.Repeat(" ", gap), wrap(row[1], helpIndent))
	}
}

// wrap breaks text into lines of helpWidth of which the first begins at column
// indent and the others are indented.
func wrap(text string, indent int) string {
	var b strings.Builder
	column := indent
	for i, word := range strings.Fields(text) {
		width := utf8.RuneCountInString(word)
		switch {
		case i == 0:
		case column+1+width > helpWidth:
			b.WriteString("\n" + strings.Repeat(" ", indent))
			column = indent
		default:
			b.WriteByte(' ')
			column++
		}
		b.WriteString(word)
		column += width
	}
	return b.String()
}
