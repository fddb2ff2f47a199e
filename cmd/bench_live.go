package cmd

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/charmbracelet/lipgloss"
	"github.com/guptarohit/asciigraph"
	"golang.org/x/term"

	"github.com/pyvider/rpcplugin/internal/load"
)

// benchLive tells on stderr how it goes: a picture that is drawn anew on a
// terminal, lines elsewhere, nothing when that is asked for.
type benchLive struct {
	mu    sync.Mutex
	w     io.Writer // nil: quiet
	style *lipgloss.Renderer
	width int // of the terminal; 0: lines
	drawn int // lines that are on the screen
	rates []float64
	ended bool
}

func newBenchLive(p *Program, g globals, quiet bool) *benchLive {
	l := &benchLive{style: g.renderer(p)}
	if quiet {
		return l
	}
	l.w = p.Stderr
	kind, _ := p.LookupEnv("TERM")
	if file, ok := p.Stderr.(interface{ Fd() uintptr }); ok && isTerminal(p.Stderr) && kind != "dumb" {
		l.width, _, _ = term.GetSize(int(file.Fd())) //nolint:gosec // a descriptor fits
	}
	return l
}

// says tells of a step.
func (l *benchLive) says(format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	if l.width > 0 {
		l.draw([]string{text})
		return
	}
	l.line(text)
}

// progress tells how a measurement goes.
func (l *benchLive) progress(p load.Progress) {
	if l.w == nil {
		return
	}
	if l.width == 0 {
		if p.Warm {
			return
		}
		l.line(fmt.Sprintf("%s of %s: %s calls/s, p50 %s, p99 %s, max %s, errors %d",
			seconds(p.Elapsed), seconds(p.Total), rateText(p.Last.Rate()), spanText(float64(p.P50)), spanText(float64(p.P99)), spanText(float64(p.Max)), p.Failed))
		return
	}
	l.draw(l.picture(p))
}

func seconds(d time.Duration) string { return fmt.Sprintf("%.1fs", d.Seconds()) }

// picture is what the terminal shows.
func (l *benchLive) picture(p load.Progress) []string {
	bold := l.style.NewStyle().Bold(true)
	faint := l.style.NewStyle().Faint(true)
	const cells = 30
	filled := 0
	if p.Total > 0 {
		filled = min(cells, int(cells*p.Elapsed/p.Total))
	}
	bar := strings.Repeat("█", filled) + strings.Repeat("░", cells-filled)
	state := "measuring"
	if p.Warm {
		state = "warming up"
	}
	lines := []string{fmt.Sprintf("%s %s  %s of %s", bold.Render(state), bar, seconds(p.Elapsed), seconds(p.Total))}
	if p.Warm {
		return lines
	}
	lines = append(lines,
		fmt.Sprintf("calls/s  %s   answered %d", bold.Render(rateText(p.Last.Rate())), p.Answered),
		fmt.Sprintf("now      p50 %s  p99 %s  p99.9 %s", spanText(float64(p.Last.P50)), spanText(float64(p.Last.P99)), spanText(float64(p.Last.P999))),
		fmt.Sprintf("all      p50 %s  p99 %s  p99.9 %s  max %s", spanText(float64(p.P50)), spanText(float64(p.P99)), spanText(float64(p.P999)), spanText(float64(p.Max))))
	if p.Failed > 0 {
		var parts []string
		for _, code := range slices.Sorted(maps.Keys(p.ByCode)) {
			parts = append(parts, fmt.Sprintf("%s %d", code, p.ByCode[code]))
		}
		red := l.style.NewStyle().Foreground(lipgloss.Color("1"))
		lines = append(lines, red.Render("errors   "+strings.Join(parts, ", ")))
	}
	l.rates = append(l.rates, p.Last.Rate())
	if len(l.rates) > 1 && l.width >= 40 {
		shown := l.rates[max(0, len(l.rates)-(l.width-14)):]
		chart := asciigraph.Plot(shown, asciigraph.Height(5), asciigraph.LowerBound(0), asciigraph.Precision(0))
		lines = append(lines, strings.Split(chart, "\n")...)
	}
	return append(lines, faint.Render("Ctrl-C ends it and prints what there is"))
}

// draw replaces what is on the screen.
func (l *benchLive) draw(lines []string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.w == nil || l.ended {
		return
	}
	var b strings.Builder
	l.clear(&b)
	for _, line := range lines {
		if lipgloss.Width(line) >= l.width { // a line that is broken would count as one
			line = string([]rune(line)[:min(len([]rune(line)), max(0, l.width-1))])
		}
		b.WriteString(line + "\n")
	}
	l.drawn = len(lines)
	_, _ = io.WriteString(l.w, b.String())
}

// clear takes the picture off the screen.
func (l *benchLive) clear(b *strings.Builder) {
	if l.drawn > 0 {
		fmt.Fprintf(b, "\x1b[%dA\r\x1b[J", l.drawn)
		l.drawn = 0
	}
}

func (l *benchLive) line(text string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.w != nil && !l.ended {
		fmt.Fprintf(l.w, "bench: %s\n", text)
	}
}

// end takes the picture away and says nothing more.
func (l *benchLive) end() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.w == nil || l.ended {
		return
	}
	l.ended = true
	var b strings.Builder
	l.clear(&b)
	_, _ = io.WriteString(l.w, b.String())
}
