package cmd

import (
	"fmt"
	"io"
	"strings"

	"github.com/charmbracelet/lipgloss"

	"github.com/pyvider/rpcplugin/pkg/handshake"
)

// runReport is the JSON form of what was seen of a plugin.
type runReport struct {
	Command     []string    `json:"command"`
	Environment []string    `json:"environment"` // names alone
	Pid         int         `json:"pid"`
	StartMS     float64     `json:"start_ms"`
	FirstLine   *firstInfo  `json:"first_line,omitempty"`
	Line        *lineInfo   `json:"line,omitempty"`
	Exit        exitInfo    `json:"exit"`
	Stderr      []string    `json:"stderr"`
	Verdict     verdictInfo `json:"verdict"`
}

// firstInfo is the first line as it came.
type firstInfo struct {
	Text   string  `json:"text"` // in Go's quotes, at most 400 bytes of it
	Bytes  int     `json:"bytes"`
	MS     float64 `json:"ms"`
	Whole  bool    `json:"whole"` // with a line end
	Closed bool    `json:"closed"`
}

// exitInfo is the end of the plugin.
type exitInfo struct {
	ByItself bool   `json:"by_itself"`
	Code     int    `json:"code"`
	Signal   string `json:"signal,omitempty"`
	Text     string `json:"text"`
}

func (s *sighting) report(command, environ []string, verdict verdictInfo, expected handshake.Expectation) runReport {
	report := runReport{
		Command: command, Environment: names(environ), Pid: s.pid, StartMS: milliseconds(s.started),
		Exit:    exitInfo{ByItself: s.exited, Code: s.exit.Code, Signal: s.exit.Signal, Text: s.exitText()},
		Stderr:  append([]string{}, s.stderr...),
		Verdict: verdict,
	}
	if len(s.raw) == 0 {
		return report
	}
	line := s.first()
	size := len(line)
	shown := line
	if s.whole {
		size, shown = size+1, line+"\n"
	}
	report.FirstLine = &firstInfo{Text: startOf(shown), Bytes: size, MS: milliseconds(s.after), Whole: s.whole, Closed: s.ended}
	report.Line = describeLine(line, expected)
	return report
}

// write prints the facts, the fields and the verdict.
func (r runReport) write(w io.Writer, colour *lipgloss.Renderer) error {
	var facts factTable
	facts.row("command", visible(strings.Join(r.Command, " ")))
	facts.row("set", strings.Join(r.Environment, " "))
	facts.row("process", fmt.Sprintf("%d, started in %.1f ms", r.Pid, r.StartMS))
	if first := r.FirstLine; first != nil {
		end := ""
		if !first.Whole {
			end = ", no line end"
		}
		facts.row("first line", fmt.Sprintf("%s\n%d bytes%s, after %.1f ms", first.Text, first.Bytes, end, first.MS))
	} else {
		facts.row("first line", "none")
	}
	facts.row("exit", r.Exit.Text)
	stderr := "nothing"
	if len(r.Stderr) > 0 {
		stderr = visible(strings.Join(r.Stderr, "\n"))
	}
	facts.row("stderr", stderr)
	if err := facts.write(w); err != nil {
		return err
	}
	if r.Line != nil {
		fmt.Fprintln(w)
		if err := r.Line.write(w); err != nil {
			return err
		}
	}
	var verdict factTable
	r.Verdict.rows(&verdict)
	fmt.Fprintln(w)
	return writeVerdict(w, colour, verdict, r.Verdict.Accepted)
}
