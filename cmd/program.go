// Package cmd is the command line of rpcplugin: one file a command, and what
// all of them share: exit codes, error reports, settings, logging.
package cmd

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/alecthomas/kong"
	"github.com/charmbracelet/lipgloss"
)

// Program is one run of the program. Tests make one with their own streams.
type Program struct {
	// Args are the arguments, Args[0] the name that the program was started by.
	Args []string
	// Stdin, Stdout and Stderr are the standard streams.
	Stdin          io.Reader
	Stdout, Stderr io.Writer
	// LookupEnv reads the environment.
	LookupEnv func(string) (string, bool)
	// Environ is the whole of it.
	Environ []string

	settingsRead []string      // paths of the files that settings were read from
	logLevel     slog.LevelVar // of the logger, except in the form for people
}

// Main runs the program with the streams and the environment of this process
// and returns its exit code.
func Main(args []string) int {
	p := &Program{
		Args: args, Stdin: os.Stdin, Stdout: os.Stdout, Stderr: &wholeWrites{w: os.Stderr},
		LookupEnv: os.LookupEnv, Environ: os.Environ(),
	}
	return p.Run(context.Background())
}

// Run runs the program and returns its exit code.
func (p *Program) Run(ctx context.Context) int {
	var options commands
	err := p.dispatch(ctx, &options)
	if err != nil && !errors.Is(err, errReported) {
		report(p.Stderr, options.renderer(p), err)
	}
	return exitCode(err)
}

// tellHost writes why there will be no handshake line on stdout: the one line
// that hosts show to their users, in place of it.
func (p *Program) tellHost(err error) {
	if !isTerminal(p.Stdout) {
		fmt.Fprintln(p.Stdout, onStdout(err))
	}
}

// errReported is an error that its command has reported itself; it wraps what
// decides the exit code.
var errReported = errors.New("reported")

// commands is the command line.
type commands struct {
	globals

	serveGrammar
	connectGrammar
	Bench     benchCommand     `cmd:"" help:"Put load on a plugin, or time its life, and tell how it did."`
	Handshake handshakeCommand `cmd:"" help:"Explain handshake lines."`
	certGrammar
	packGrammar
	Config      configCommand      `cmd:"" help:"Show and check settings: flags, environment and rpcplugin.yaml."`
	Descriptors descriptorsCommand `cmd:"" help:"Write the built-in descriptor sets, for code generators."`
	Completion  completionCommand  `cmd:"" help:"Print a script that completes commands, flags and names for bash, zsh or fish."`
	Complete    completeCommand    `cmd:"" hidden:"" usage:"-- CMD ARGS…" help:"Answer the scripts of completion."`
	Man         manCommand         `cmd:"" help:"Print the man page, or write all of them into a folder."`
	versionGrammar
}

// globals are the flags of every command.
type globals struct {
	Help      helpFlag `short:"h" help:"Show help."`
	Color     string   `enum:"auto,always,never" default:"auto" help:"Colour on stderr; NO_COLOR is honoured."`
	LogLevel  string   `enum:"auto,trace,debug,info,warn,error,off" default:"auto" placeholder:"LEVEL" help:"Lowest level that is logged: trace, debug, info, warn, error or off; auto is warn, debug when serving by hand, trace for a host."`
	LogFormat string   `enum:"auto,text,json,logfmt,hclog" default:"auto" placeholder:"FORM" help:"Form of the log on stderr: text, json, logfmt or hclog; auto is hclog for a host, text for a person."`
	Emoji     *bool    `negatable:"" help:"Three emoji before each message of the text log, for domain, action and result; by default on a UTF-8 terminal, --no-emoji for never."`
}

// renderer styles what is written to stderr.
func (g globals) renderer(p *Program) *lipgloss.Renderer { return newRenderer(p, p.Stderr, g.Color) }

// dispatch parses the arguments and runs the command.
func (p *Program) dispatch(ctx context.Context, options *commands) error {
	if !ownName(p.Args[0]) {
		return p.runAsPlugin(ctx, options)
	}
	args, plugin := splitCommand(asFlags(p.Args[1:]))
	sources, broken := p.settings(commandName(args), takesSettings(args))
	p.note(sources.files)
	parser, err := p.newParser(grammarOf(args, options, len(sources.files) > 0), sources)
	if err != nil {
		return err
	}
	parsed, err := parser.Parse(args)
	if errors.Is(err, errHelp) {
		return nil
	}
	switch {
	case broken != nil: // help is to be had all the same
		err = broken
	case err != nil:
		err = explainUsage(err, plugin)
	default:
		err = checkTrailing(parsed.Selected(), plugin)
	}
	if err != nil && commandName(args) == "serve" {
		p.tellHost(err)
	}
	if err != nil {
		return err
	}
	parsed.BindTo(ctx, (*context.Context)(nil))
	return parsed.Run(p, options.globals, &options.Connect.connectFlags, pluginCommand(plugin))
}

// newParser builds the command line. The settings are asked for the flags that
// were not given.
func (p *Program) newParser(options any, sources *settings) (*kong.Kong, error) {
	parser, err := kong.New(options,
		kong.Name("rpcplugin"),
		kong.Description("Makes any program a plugin of Terraform, OpenTofu, Vault, Nomad and every other host of the go-plugin protocol."),
		kong.Writers(p.Stdout, p.Stderr),
		kong.NoDefaultHelp(),
		kong.Resolvers(sources),
		kong.Vars{"hosts": hostNames()},
	)
	if err == nil {
		parser.Model.Detail = exitHelp
	}
	return parser, err
}

// asFlags takes "help COMMAND" for "COMMAND --help", and the flag that everybody
// tries for the command "version".
func asFlags(args []string) []string {
	switch {
	case len(args) > 0 && args[0] == "help":
		return append(slices.Clone(args[1:]), "--help")
	case len(args) == 1 && args[0] == "--version":
		return []string{"version"}
	default:
		return args
	}
}

// pluginCommand is what follows a bare -- on the command line.
type pluginCommand []string

// splitCommand cuts the command of a plugin off the arguments: everything
// after the first bare --. Everything after serve's --exec belongs to that
// flag, whatever it looks like.
//
// PEM begins with dashes and is the value of the flag before it all the same.
func splitCommand(args []string) (own, plugin []string) {
	for i, arg := range args {
		switch {
		case i > 0 && strings.HasPrefix(arg, "-----BEGIN ") && strings.HasPrefix(args[i-1], "--"):
			return splitCommand(slices.Concat(args[:i-1], []string{args[i-1] + "=" + arg}, args[i+1:]))
		case arg == "--":
			return args[:i:i], args[i+1:]
		case arg == "--exec" || strings.HasPrefix(arg, "--exec="):
			own = args[:i:i]
			words := args[i+1:]
			if _, value, ok := strings.Cut(arg, "="); ok {
				words = append([]string{value}, words...)
			}
			if len(words) == 0 {
				return append(own, "--exec"), nil // the parser says what is missing
			}
			for _, word := range words {
				own = append(own, "--exec="+word)
			}
			return own, nil
		}
	}
	return args, nil
}

// takesSettings reports whether the arguments name a command that settings
// files are for. The others must work in anybody's directory.
func takesSettings(args []string) bool {
	name := commandName(args)
	return name == "serve" || name == "connect"
}

// commandName is the command among the arguments, "" without one. Flags of all
// commands may go before it, and their values.
func commandName(args []string) string {
	for _, arg := range args {
		switch arg {
		case "serve", "connect", "bench", "handshake", "cert", "pack", "descriptors", "completion", "complete", "man", "version", "config":
			return arg
		}
	}
	return ""
}

// ownName reports whether the program was started under its own name, with or
// without a suffix for version or platform, and not as somebody's plugin.
func ownName(arg0 string) bool {
	base := strings.ToLower(filepath.Base(arg0))
	return regexp.MustCompile(`^rpcplugin([-_]v?\d[^/]*|[-_](linux|darwin|windows)[^/]*)?(\.exe|\.test)?$`).MatchString(base)
}
