package cmd

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync/atomic"
)

// sessionCommand makes many calls of one plugin.
type sessionCommand struct {
	callFlags
}

// sessionHelp is what "help" says in a session.
const sessionHelp = `list [SERVICE]           services, or the methods of one
describe [SYMBOL]        .proto source of services, methods, messages, enums
template SYMBOL          a request to fill in
call METHOD [JSON …]     a call; several documents for a stream of requests
health [SERVICE]         what the health service says
info                     what was negotiated, and what was counted since
help                     this
quit                     the end; so is the end of the input`

// sessionVerbs are the commands of a session.
func sessionVerbs() []string {
	return []string{"list", "describe", "template", "call", "health", "info", "help", "quit"}
}

// Help is the long help.
func (sessionCommand) Help() string {
	return `Commands, one a line; # begins a comment:

  ` + strings.ReplaceAll(sessionHelp, "\n", "\n  ") + `

An error does not end the session, nor does Ctrl-C in the middle of a call.
Where the input is no terminal, the exit status is that of the last command that
failed, and Ctrl-C ends it.`
}

// errQuit ends a session.
var errQuit = errors.New("quit")

// sessionLines is where the commands come from.
type sessionLines interface {
	// next returns a line; io.EOF after the last.
	next() (string, error)
	// leave gives up a next that has not returned.
	leave()
}

// Run starts the plugin and obeys.
func (c *sessionCommand) Run(ctx context.Context, p *Program, g globals, f *connectFlags, command pluginCommand) error {
	caller, err := c.caller(p, g, f.Output)
	if err != nil {
		return err
	}
	shell := &shell{p: p, g: g, output: f.Output, caller: caller}
	lines, console, atPrompt := openLines(p, shell.complete)
	need := needs{program: true, sources: true, output: console}
	if atPrompt {
		need.interrupt = shell.interrupt
	}
	err = f.within(ctx, p, g, command, need, func(ctx context.Context, s *session) error {
		shell.s = s
		return shell.obey(ctx, lines)
	})
	if err == nil && !atPrompt {
		return shell.failed
	}
	return err
}

// shell runs the commands of a session.
type shell struct {
	p      *Program
	g      globals
	output string
	caller *caller
	s      *session

	running atomic.Pointer[context.CancelCauseFunc] // of the command that is run
	failed  error                                   // the last error, reported already
}

// interrupt ends the command that is run, if there is one.
func (h *shell) interrupt() bool {
	cancel := h.running.Swap(nil)
	if cancel != nil {
		(*cancel)(errInterrupted)
	}
	return cancel != nil
}

// obey runs commands until there are no more, or the plugin is gone.
func (h *shell) obey(ctx context.Context, lines sessionLines) error {
	for ctx.Err() == nil {
		line, err := h.next(ctx, lines)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		err = h.step(ctx, line)
		switch {
		case errors.Is(err, errQuit):
			return nil
		case ctx.Err() != nil:
			return err
		case err != nil:
			report(h.p.Stderr, h.g.renderer(h.p), err)
			h.failed = fmt.Errorf("%w: %w", errReported, err)
		}
	}
	return ctx.Err()
}

// step runs one line, which may be interrupted.
func (h *shell) step(ctx context.Context, line string) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	h.running.Store(&cancel)
	defer h.running.Store(nil)
	err := h.s.autopsy(h.run(ctx, line))
	if err != nil && h.running.Load() == nil {
		return errInterrupted
	}
	return err
}

// next reads a line, unless the session ends first: its input may be silent for
// ever.
func (h *shell) next(ctx context.Context, lines sessionLines) (string, error) {
	type read struct {
		line string
		err  error
	}
	got := make(chan read, 1)
	go func() {
		line, err := lines.next()
		got <- read{line, err}
	}()
	select {
	case <-ctx.Done():
		lines.leave()
		return "", ctx.Err()
	case r := <-got:
		return r.line, r.err
	}
}

// run runs one line.
func (h *shell) run(ctx context.Context, line string) error {
	verb, rest := cutWord(line)
	switch {
	case verb == "" || strings.HasPrefix(verb, "#"):
		return nil
	case verb == "quit" || verb == "exit":
		return errQuit
	case verb == "help":
		_, err := fmt.Fprintln(h.p.Stdout, sessionHelp)
		return err
	case verb == "call":
		method, data := cutWord(rest)
		return h.call(ctx, method, data)
	}
	argument, more := cutWord(rest)
	if more != "" {
		return usagef("\"help\" lists what there is", "%s takes one argument, found %q besides", verb, more)
	}
	switch verb {
	case "list":
		return (&listCommand{Service: argument}).show(h.p, h.s, h.output)
	case "describe":
		return (&describeCommand{Symbol: argument}).show(h.p, h.s, h.output)
	case "template":
		return (&describeCommand{Symbol: argument, Template: true}).show(h.p, h.s, h.output)
	case "health":
		return (&healthCommand{Service: argument}).ask(ctx, h.p, h.s, h.output)
	case "info":
		return infoCommand{}.show(h.p, h.s, h.output)
	default:
		hint := "\"help\" lists what there is"
		if near := nearNames(verb, sessionVerbs()); len(near) > 0 {
			hint = "did you mean " + near[0] + "? " + hint
		}
		return usagef(hint, "unknown command %q", verb)
	}
}

func (h *shell) call(ctx context.Context, method, data string) error {
	if method == "" {
		return usagef("for example: call pkg.Service/Method {\"name\": \"a\"}", "call needs a method")
	}
	if strings.HasPrefix(method, "-") {
		return usagef("for example: connect session -H 'authorization: Bearer x' --max-time 5s",
			"call takes no flags here, found %q: those of calls are given to the session", method)
	}
	if data == "" {
		data = "{}"
	}
	if data == "@" {
		return usagef("write the documents after the method, or @FILE", "call cannot read \"@\" here: the commands come from there")
	}
	source, err := openData(data, nil)
	if err != nil {
		return err
	}
	return h.caller.call(ctx, h.s, method, source)
}

// cutWord cuts the first word off a line.
func cutWord(line string) (word, rest string) {
	line = strings.TrimSpace(line)
	if cut := strings.IndexAny(line, " \t"); cut >= 0 {
		return line[:cut], strings.TrimSpace(line[cut:])
	}
	return line, ""
}
