package cmd

import (
	"bufio"
	"errors"
	"io"
	"os"
	"strings"
	"sync"

	"golang.org/x/term"

	"github.com/pyvider/rpcplugin/internal/schema"
)

// openLines reads commands from stdin: at a prompt where that is a terminal. What
// the plugin prints meanwhile goes to console, which keeps the prompt whole.
func openLines(p *Program, complete func(string) []string) (lines sessionLines, console io.Writer, atPrompt bool) {
	file, isFile := p.Stdin.(*os.File)
	if !isFile || !isTerminal(file) || !isTerminal(p.Stderr) {
		scanner := bufio.NewScanner(p.Stdin)
		scanner.Buffer(nil, 64<<20)
		return scannedLines{scanner}, p.Stderr, false
	}
	prompt := &prompt{fd: int(file.Fd()), out: p.Stderr} //nolint:gosec // a descriptor fits
	prompt.terminal = term.NewTerminal(struct {
		io.Reader
		io.Writer
	}{file, p.Stderr}, "> ")
	prompt.terminal.AutoCompleteCallback = completer(complete, prompt.terminal)
	return prompt, prompt, true
}

// scannedLines are the lines of a file or a pipe.
type scannedLines struct{ *bufio.Scanner }

func (s scannedLines) next() (string, error) {
	if s.Scan() {
		return s.Text(), nil
	}
	if s.Err() != nil {
		return "", s.Err()
	}
	return "", io.EOF
}

func (scannedLines) leave() {}

// prompt reads lines at a terminal, which is in raw mode only meanwhile, so that
// Ctrl-C stops a call.
type prompt struct {
	fd       int
	out      io.Writer
	terminal *term.Terminal

	mu      sync.Mutex
	reading *term.State // to go back to; nil while nothing is read
}

func (t *prompt) next() (string, error) {
	before, err := term.MakeRaw(t.fd)
	if err != nil {
		return "", err
	}
	if width, height, err := term.GetSize(t.fd); err == nil {
		_ = t.terminal.SetSize(width, height)
	}
	t.mark(before)
	line, err := t.terminal.ReadLine()
	t.leave()
	if errors.Is(err, io.EOF) {
		_, _ = io.WriteString(t.out, "\n")
	}
	if errors.Is(err, term.ErrPasteIndicator) {
		err = nil
	}
	return line, err
}

func (t *prompt) mark(before *term.State) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.reading = before
}

// leave ends the raw mode.
func (t *prompt) leave() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.reading != nil {
		_ = term.Restore(t.fd, t.reading)
	}
	t.reading = nil
}

// Write prints what the plugin says, above the prompt if there is one.
func (t *prompt) Write(data []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.reading != nil {
		return t.terminal.Write(data)
	}
	return t.out.Write(data)
}

// Fd makes it known as a terminal.
func (t *prompt) Fd() uintptr { return uintptr(t.fd) } //nolint:gosec // a descriptor fits

// completer completes the last word of a line on the tab key: as far as all
// candidates agree; several are shown.
func completer(complete func(string) []string, out io.Writer) func(string, int, rune) (string, int, bool) {
	return func(line string, position int, key rune) (string, int, bool) {
		if key != '\t' || position != len(line) {
			return "", 0, false
		}
		start := strings.LastIndexAny(line, " \t") + 1
		candidates := complete(line)
		if len(candidates) == 0 {
			return line, position, true
		}
		word := commonPrefix(candidates)
		if len(candidates) == 1 {
			word += " "
		} else if word == line[start:] {
			_, _ = io.WriteString(out, strings.Join(candidates, separator(candidates))+"\n")
		}
		line = line[:start] + word
		return line, len(line), true
	}
}

// separator sets short words side by side, and long ones below each other.
func separator(words []string) string {
	for _, word := range words {
		if strings.ContainsRune(word, '.') {
			return "\n"
		}
	}
	return "  "
}

func commonPrefix(words []string) string {
	prefix := words[0]
	for _, word := range words[1:] {
		for !strings.HasPrefix(word, prefix) {
			prefix = prefix[:len(prefix)-1]
		}
	}
	return prefix
}

// complete lists what the last word of a session's line may be.
func (h *shell) complete(line string) []string {
	start := strings.LastIndexAny(line, " \t") + 1
	before, word := strings.Fields(line[:start]), line[start:]
	var known []string
	switch {
	case len(before) == 0:
		known = sessionVerbs()
	case len(before) > 1 || h.s == nil:
	case before[0] == "call":
		known = h.s.methodNames(true)
	case before[0] == "list":
		known = h.s.serviceNames()
	case before[0] == "describe" || before[0] == "template":
		known = h.s.symbolNames()
	}
	return withPrefix(known, word)
}

func withPrefix(words []string, prefix string) []string {
	var found []string
	for _, word := range words {
		if strings.HasPrefix(word, prefix) {
			found = append(found, word)
		}
	}
	return found
}

// symbolNames lists services, their methods, and the messages of those.
func (s *session) symbolNames() []string {
	names := append(s.serviceNames(), s.methodNames(false)...)
	seen := make(map[string]bool)
	for _, name := range s.serviceNames() {
		service, err := schema.Service(s.sources, name)
		if err != nil {
			continue
		}
		for i := range service.Methods().Len() {
			method := service.Methods().Get(i)
			for _, message := range []string{string(method.Input().FullName()), string(method.Output().FullName())} {
				if !seen[message] {
					seen[message] = true
					names = append(names, message)
				}
			}
		}
	}
	return names
}
