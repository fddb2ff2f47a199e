package cmd

import (
	"fmt"
	"io"
	"runtime"
	"strings"
	"time"

	"github.com/charmbracelet/lipgloss"

	"github.com/pyvider/rpcplugin/internal/pack"
)

// packReport is what pack has made; its JSON form is a contract.
type packReport struct {
	Provider pack.Provider `json:"provider"`
	Version  string        `json:"version,omitempty"`
	Layout   string        `json:"layout"`
	Made     []pack.Made   `json:"made"`
	Findings pack.Findings `json:"findings"`
	Next     string        `json:"-"` // for people
}

// write prints what was made on stdout, and what there is to say on stderr.
func (r *packReport) write(p *Program, g globals, form string) error {
	if form == "json" {
		r.Made = append([]pack.Made{}, r.Made...) // a list, if an empty one
		r.Findings = append(pack.Findings{}, r.Findings...)
		return writeJSON(p.Stdout, r)
	}
	writePackFindings(p.Stderr, g.renderer(p), r.Findings)
	if len(r.Made) == 0 {
		return nil
	}
	fmt.Fprintln(p.Stdout, strings.TrimSpace(r.Provider.String()+" "+r.Version))
	var table factTable
	for _, one := range r.Made {
		name, lines := "", []string{one.Path}
		if one.Platform != nil {
			name = one.Platform.String()
			lines = append(lines, fmt.Sprintf("%s, %s", counted(one.Files, "file"), packSize(one.Size)))
		}
		for _, hash := range []string{one.H1, one.ZH} {
			if hash != "" {
				lines = append(lines, hash)
			}
		}
		table.row("  "+name, strings.Join(lines, "\n"))
	}
	err := table.write(p.Stdout)
	if r.Next != "" {
		fmt.Fprint(p.Stderr, "\n"+r.Next)
	}
	return err
}

// writePackFindings writes findings for people: as errors, each with its advice.
func writePackFindings(w io.Writer, colour *lipgloss.Renderer, found pack.Findings) {
	for _, finding := range found {
		colours := map[pack.Severity]string{pack.SeverityError: "1", pack.SeverityWarning: "3", pack.SeverityNote: "6"}
		head := colour.NewStyle().Foreground(lipgloss.Color(colours[finding.Severity])).Bold(true).Render(string(finding.Severity) + ":")
		what := finding.What
		if finding.Path != "" {
			what = visible(finding.Path) + ": " + what
		}
		fmt.Fprintf(w, "%s %s [%s]\n", head, visible(what), finding.Rule)
		for _, line := range []string{finding.Why, finding.Do} {
			if line != "" {
				fmt.Fprintf(w, "       %s\n", wrap(visible(line), 7))
			}
		}
	}
}

// packExport is the command that makes a CLI configuration that of Terraform.
func packExport(configuration string) string {
	if runtime.GOOS == "windows" {
		return "set TF_CLI_CONFIG_FILE=" + configuration
	}
	return "export TF_CLI_CONFIG_FILE=" + shellWord(configuration, "'")
}

// counted is a number of things.
func counted(n int, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return fmt.Sprintf("%d %ss", n, thing)
}

// packSize is a number of bytes for people.
func packSize(bytes int64) string {
	switch {
	case bytes >= 1<<20:
		return fmt.Sprintf("%.1f MiB", float64(bytes)/(1<<20))
	case bytes >= 1<<10:
		return fmt.Sprintf("%.1f KiB", float64(bytes)/(1<<10))
	default:
		return fmt.Sprintf("%d B", bytes)
	}
}

// packProgress is a line on a terminal for what takes longer than a moment.
type packProgress struct {
	w     io.Writer // nil: nobody looks
	began time.Time
	last  time.Time
	shown bool
}

func newPackProgress(p *Program) *packProgress {
	progress := &packProgress{began: time.Now()}
	if isTerminal(p.Stderr) {
		progress.w = p.Stderr
	}
	return progress
}

func (l *packProgress) tell(name string, done, total int64) {
	const moment, pause = 300 * time.Millisecond, 100 * time.Millisecond
	if now := time.Now(); l.w != nil && total > 0 && now.Sub(l.began) > moment && now.Sub(l.last) > pause {
		fmt.Fprintf(l.w, "\r\033[K%3d %%  %s", done*100/total, visible(name))
		l.last, l.shown = now, true
	}
}

func (l *packProgress) end() {
	if l.shown {
		fmt.Fprint(l.w, "\r\033[K")
	}
}
