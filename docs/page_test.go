package docs_test

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// page is a page of the documentation: what a reader does with it, step by step.
type page struct {
	name  string   // of its test
	path  string   // from the root of the repository
	needs []string // tools that are not everywhere
	steps []step
	lines []line
	wrong error // what is wrong with its form
}

// step is a command to run, or a file to write.
type step struct {
	line    int    // of the page, counted from 1
	command string // or, if it is empty:
	file    string // relative to the folder where the reader is
	text    string // of the file
	want    []string
}

// line is one of the page's, with the fence that it is in.
type line struct {
	number int
	text   string
	fence  *fence // nil outside; the marks themselves are inside
	mark   bool   // opens or closes the fence
}

// fence is a block between two marks such as ```.
type fence struct {
	line           int
	indent, mark   string
	language, file string
}

var (
	opening = regexp.MustCompile("^( *)(```+|~~~+)\\s*([^`]*)$")
	needs   = regexp.MustCompile(`^<!-- needs: (.+) -->$`)
	before  = regexp.MustCompile(`^<!-- before: (.+) -->$`)
)

// pages returns all pages whose commands are run, in the order of their paths.
func pages() ([]page, error) {
	var found []page
	for _, pattern := range []string{"README.md", "docs/*.md", "examples/*/README.md"} {
		paths, err := filepath.Glob(filepath.Join("..", filepath.FromSlash(pattern)))
		if err != nil {
			return nil, err
		}
		for _, path := range paths {
			text, err := os.ReadFile(path)
			if err != nil {
				return nil, err
			}
			path = strings.TrimPrefix(filepath.ToSlash(path), "../")
			found = append(found, parse(path, string(text)))
		}
	}
	return found, nil
}

// nameOf returns the name of a page's test: connect, README, python-readme.
func nameOf(path string) string {
	parts := strings.Split(strings.TrimSuffix(path, ".md"), "/")
	if len(parts) == 3 {
		return parts[1] + "-" + strings.ToLower(parts[2])
	}
	return parts[len(parts)-1]
}

// parse reads a page.
func parse(path, text string) page {
	p := page{name: nameOf(path), path: path, lines: fenced(text)}
	for i := 0; i < len(p.lines) && p.wrong == nil; i++ {
		at := p.lines[i]
		if at.fence == nil {
			p.comment(at)
			continue
		}
		end := i + 1
		for end < len(p.lines) && p.lines[end].fence == at.fence {
			end++
		}
		p.block(at, p.lines[i+1:end])
		i = end - 1
	}
	if p.wrong == nil {
		p.wrong = p.check()
	}
	return p
}

// comment reads what the page says to its test.
func (p *page) comment(at line) {
	if match := needs.FindStringSubmatch(at.text); match != nil {
		p.needs = append(p.needs, strings.Fields(match[1])...)
	}
	if match := before.FindStringSubmatch(at.text); match != nil {
		p.steps = append(p.steps, step{line: at.number, command: match[1]})
	}
}

// block reads a fence: its first line, and the others.
func (p *page) block(first line, rest []line) {
	last := len(rest) - 1
	if last < 0 || !rest[last].mark {
		p.wrong = fmt.Errorf("%s:%d: the fence is never closed", p.path, first.number)
		return
	}
	switch rest = rest[:last]; {
	case first.fence.file != "":
		p.steps = append(p.steps, step{line: first.number, file: first.fence.file, text: content(rest)})
	case first.fence.language == "console":
		steps, err := commands(rest)
		if err != nil {
			p.wrong = fmt.Errorf("%s:%w", p.path, err)
		}
		p.steps = append(p.steps, steps...)
	}
}

// fenced says of each line in which fence it is, if in any.
func fenced(text string) []line {
	var lines []line
	var open *fence
	for i, text := range strings.Split(text, "\n") {
		at := line{number: i + 1, text: strings.TrimRight(text, " \r"), fence: open}
		match := opening.FindStringSubmatch(at.text)
		switch {
		case open == nil && match != nil:
			info := append(strings.Fields(match[3]), "", "")
			open = &fence{line: at.number, indent: match[1], mark: match[2], language: info[0], file: info[1]}
			at.fence, at.mark = open, true
		case open != nil && match != nil && match[3] == "" && strings.HasPrefix(match[2], open.mark):
			at.mark, open = true, nil
		case open != nil:
			at.text = strings.TrimPrefix(at.text, open.indent)
		}
		lines = append(lines, at)
	}
	return lines
}

func content(block []line) string {
	var text strings.Builder
	for _, at := range block {
		text.WriteString(at.text + "\n")
	}
	return text.String()
}

// commands reads a terminal session.
func commands(block []line) ([]step, error) {
	var steps []step
	for _, at := range block {
		last := len(steps) - 1
		if command, is := strings.CutPrefix(at.text, "$ "); is {
			steps = append(steps, step{line: at.number, command: command})
			continue
		}
		if last < 0 {
			return nil, fmt.Errorf("%d: output %q without a command: a session begins with \"$ \"", at.number, at.text)
		}
		more, is := strings.CutPrefix(at.text+" ", "> ")
		if is && steps[last].want == nil {
			steps[last].command += "\n" + strings.TrimSuffix(more, " ")
			continue
		}
		steps[last].want = append(steps[last].want, at.text)
	}
	for i := range steps {
		steps[i].want = trimBlank(steps[i].want)
	}
	return steps, nil
}

// check finds what is wrong in a page before it is run.
func (p page) check() error {
	for i, s := range p.steps {
		if s.asksStatus() && (i == 0 || len(s.want) != 1) {
			return fmt.Errorf("%s:%d: \"echo $?\" follows a command and has one line of output, its code", p.path, s.line)
		}
		if s.file != "" && !filepath.IsLocal(s.file) {
			return fmt.Errorf("%s:%d: file %q, expected one below the folder where the reader is", p.path, s.line, s.file)
		}
	}
	return nil
}

// asksStatus says that the command before may fail.
func (s step) asksStatus() bool { return s.command == "echo $?" }

// background says that the command goes on while the reader does.
func (s step) background() bool {
	command := strings.TrimSpace(s.command)
	return strings.HasSuffix(command, "&") && !strings.HasSuffix(command, "&&")
}

// trimBlank cuts blank lines at both ends.
func trimBlank(lines []string) []string {
	text := func(line string) bool { return strings.TrimSpace(line) != "" }
	first := slices.IndexFunc(lines, text)
	if first < 0 {
		return nil
	}
	for !text(lines[len(lines)-1]) {
		lines = lines[:len(lines)-1]
	}
	return lines[first:]
}
