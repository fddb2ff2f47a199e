package cmd

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"

	"github.com/alecthomas/kong"
)

// manCommand writes man pages, made of the same command line as the help.
type manCommand struct {
	Dir string `arg:"" optional:"" help:"Folder for rpcplugin.1, the page of everything, and one page a command; default: the first goes to stdout."`
}

// Help is the long help.
func (manCommand) Help() string {
	return `  rpcplugin man | man -l -
  rpcplugin man ~/.local/share/man/man1`
}

// Run prints one page or writes all.
func (c manCommand) Run(p *Program) error {
	parser, err := p.newParser(new(commands), &settings{})
	if err != nil {
		return err
	}
	build, _ := debug.ReadBuildInfo()
	info, app := versionOf(version, build), parser.Model
	if c.Dir == "" {
		_, err := io.WriteString(p.Stdout, manPage(app, app.Node, info))
		return err
	}
	if err := os.MkdirAll(c.Dir, 0o755); err != nil { //nolint:gosec // for everybody to read
		return err
	}
	for _, node := range append([]*kong.Node{app.Node}, app.Children...) {
		if node.Hidden {
			continue
		}
		page, path := manPage(app, node, info), filepath.Join(c.Dir, manName(node)+".1")
		if err := os.WriteFile(path, []byte(page), 0o644); err != nil { //nolint:gosec // for everybody to read
			return err
		}
	}
	return nil
}

// manName is the name of the page of a command.
func manName(node *kong.Node) string { return strings.ReplaceAll(commandPath(node), " ", "-") }

// manPage is the page of a command and of all below it. That of the whole
// program tells of its surroundings, too.
func manPage(app *kong.Application, node *kong.Node, info versionInfo) string {
	name, whole := manName(node), node.Parent == nil
	title, _, _ := strings.Cut(node.Help, ". ")
	r := new(roff)
	r.line(fmt.Sprintf(`.TH "%s" 1 "%s" "%s" "User Commands"`, manText(strings.ToUpper(name)), info.date(), manText("rpcplugin "+info.Version)))
	r.line(".nr HY 0\n.ad l") // what is to be typed stays whole
	r.macro("SH", "NAME")
	r.line(manText(name) + ` \- ` + manText(strings.TrimSuffix(title, ".")))
	r.macro("SH", "SYNOPSIS")
	r.line(manUsage(node))
	r.macro("SH", "DESCRIPTION")
	r.text(node.Help)
	if !whole { // whose detail is the exit status
		r.text(node.Detail)
	}
	r.macro("SH", "OPTIONS")
	manFlags(r, app, node)
	r.text("Of every command:")
	manRows(r, app.Flags)
	if len(node.Children) > 0 {
		r.macro("SH", "COMMANDS")
		manCommands(r, app, node)
	}
	seeAlso := `\fBrpcplugin\fP(1)`
	if whole {
		manSurroundings(r)
		seeAlso = "The pages of commands, such as " + `\fBrpcplugin\-serve\fP(1),` + " are written by " +
			`\fBrpcplugin man\fP \fIDIR\fP.` + "\n" + manText("The go-plugin protocol is at home at https://github.com/hashicorp/go-plugin.")
	}
	r.macro("SH", "SEE ALSO")
	r.line(seeAlso)
	return r.String()
}

// manCommands tells of the commands below node, one after the other.
func manCommands(r *roff, app *kong.Application, node *kong.Node) {
	for _, child := range node.Children {
		if child.Hidden {
			continue
		}
		r.macro("SS", strings.TrimPrefix(commandPath(child), "rpcplugin "))
		r.line(manUsage(child))
		r.text(child.Help)
		r.text(child.Detail)
		manFlags(r, app, child)
		manCommands(r, app, child)
	}
}

// manFlags tells of the arguments and flags of a command. Those that it has from
// the commands above stand there, and those of every command at the end.
func manFlags(r *roff, app *kong.Application, node *kong.Node) {
	for _, argument := range node.Positional {
		r.tagged(`\fI`+manText(strings.ToUpper(argument.Name))+`\fP`, argument.Help)
	}
	flags := slices.DeleteFunc(slices.Clone(node.Flags), func(flag *kong.Flag) bool { return slices.Contains(app.Flags, flag) })
	manRows(r, flags)
}

// manRows tells of flags, in the words of the help.
func manRows(r *roff, flags []*kong.Flag) {
	for _, flag := range flags {
		if flag.Hidden {
			continue
		}
		row := flagRow(flag)
		name, value, found := strings.Cut(strings.TrimSpace(row[0]), "=")
		tag := `\fB` + manText(name) + `\fP`
		if found {
			tag += `=\fI` + manText(value) + `\fP`
		}
		r.tagged(tag, row[1])
	}
}

// manUsage is the form of a command, its name in bold.
func manUsage(node *kong.Node) string {
	path := commandPath(node)
	return fmt.Sprintf(`\fB%s\fP%s`, manText(path), manText(strings.TrimPrefix(usageOf(node), path)))
}
