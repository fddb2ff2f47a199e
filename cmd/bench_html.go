package cmd

import (
	"fmt"
	"html"
	"io"
	"math"
	"strings"
)

// The charts are drawn in a box of this size; the page scales them.
const (
	chartWidth, chartHeight = 720.0, 240.0
	chartLeft, chartBottom  = 70.0, 30.0
)

// pageStyle is that of the page. Charts take their colours from it, too.
const pageStyle = `
:root{color-scheme:light dark;--ink:#1a1d21;--paper:#fff;--soft:#5c6570;--rule:#d5dae0;--one:#1f6feb;--two:#c2410c;--bar:#9cc2f7}
@media (prefers-color-scheme:dark){:root{--ink:#e8eaed;--paper:#15181c;--soft:#9aa4af;--rule:#343a42;--one:#6cb0ff;--two:#ff9b62;--bar:#2d5a94}}
body{font:15px/1.5 system-ui,sans-serif;color:var(--ink);background:var(--paper);max-width:60rem;margin:2rem auto;padding:0 1rem}
h1{font-size:1.4rem}h2{font-size:1.1rem;margin-top:2rem}
table{border-collapse:collapse;width:100%}td,th{text-align:left;padding:.25rem .75rem .25rem 0;border-bottom:1px solid var(--rule);vertical-align:top}
td.n,th.n{text-align:right;font-variant-numeric:tabular-nums}
svg{width:100%;height:auto}svg text{fill:var(--soft);font:12px system-ui,sans-serif}svg .name{fill:var(--ink)}
.axis{stroke:var(--rule)}.one{stroke:var(--one);fill:none;stroke-width:2}.two{stroke:var(--two);fill:none;stroke-width:2}
.bar{fill:var(--bar)}.whisker{stroke:var(--ink)}
.warn{border-left:4px solid var(--two);padding:.5rem 1rem}.scroll{overflow-x:auto}
`

// writeHTML prints one page that needs nothing else.
func (r *benchReport) writeHTML(w io.Writer) error {
	var b strings.Builder
	title := "rpcplugin bench: " + r.Plugin
	fmt.Fprintf(&b, "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\">\n<title>%s</title><style>%s</style></head><body>\n<h1>%s</h1>\n",
		html.EscapeString(title), pageStyle, html.EscapeString(title))
	fmt.Fprintf(&b, "<p>%s · %s, %s · %s</p>\n", html.EscapeString(r.Load.String()), r.Platform, plural(r.CPUs, "CPU"), r.Began.Format("2006-01-02 15:04 MST"))
	if r.Partial {
		fmt.Fprintf(&b, "<p class=\"warn\">Partial: %s</p>\n", html.EscapeString(r.Ended))
	}
	if len(r.Lifecycle) > 0 {
		r.lifePage(&b)
	}
	if len(r.Cells) > 1 {
		r.matrixPage(&b)
	}
	for _, c := range r.Cells {
		if c.all != nil {
			c.page(&b, r.Load, len(r.Cells) == 1)
		}
	}
	b.WriteString("</body></html>\n")
	_, err := io.WriteString(w, b.String())
	return err
}

// page is one measurement.
func (c *benchCellReport) page(b *strings.Builder, how benchLoad, alone bool) {
	fmt.Fprintf(b, "<h2>%s</h2>\n", html.EscapeString(c.Name))
	if !c.KeptUp {
		fmt.Fprintf(b, "<p class=\"warn\">It could not keep up: %d calls were sent late, %d never.</p>\n", c.Late, c.NeverSent)
	}
	b.WriteString("<div class=\"scroll\"><table>\n")
	c.rows(func(name, format string, args ...any) {
		fmt.Fprintf(b, "<tr><th>%s</th><td>%s</td></tr>\n", html.EscapeString(strings.TrimSpace(name)), html.EscapeString(fmt.Sprintf(format, args...)))
	}, how)
	b.WriteString("</table></div>\n<h3>Latency: how many calls are no slower</h3>\n")
	c.distribution(b)
	if alone && len(c.Rounds) > 1 {
		b.WriteString("<h3>Calls answered a second, over time</h3>\n")
		var x, y []float64
		at := 0.0
		for _, round := range c.Rounds {
			at += round.Seconds
			x, y = append(x, at), append(y, round.CallsPerSecond)
		}
		lineChart(b, "calls answered a second", x, y, "one", func(v float64) string { return fmt.Sprintf("%.3g s", v) }, rateText)
	}
	if len(c.Usage) > 1 {
		b.WriteString("<h3>Memory of the plugin, MB</h3>\n")
		var x, memory, cpu []float64
		for _, u := range c.Usage {
			x, memory, cpu = append(x, u.Seconds), append(memory, float64(u.Memory)/1e6), append(cpu, 100*u.CPU)
		}
		inSeconds := func(v float64) string { return fmt.Sprintf("%.3g s", v) }
		lineChart(b, "memory", x, memory, "two", inSeconds, threeDigits)
		b.WriteString("<h3>CPU of the plugin, % of a core</h3>\n")
		lineChart(b, "CPU", x, cpu, "two", inSeconds, threeDigits)
	}
}

// distribution is the latency by percentile; each step to the right leaves out
// nine tenths of the slower ones.
func (c *benchCellReport) distribution(b *strings.Builder) {
	var x, y []float64
	total := float64(c.all.TotalCount())
	if total == 0 {
		b.WriteString("<p>No call was answered.</p>\n")
		return
	}
	last := math.Floor(max(1, min(5, math.Log10(total))))
	const steps = 120
	for i := range steps + 1 {
		nines := last * float64(i) / steps
		x = append(x, nines)
		y = append(y, float64(min(c.all.ValueAtQuantile(100*(1-math.Pow(10, -nines))), c.Latency["max"])))
	}
	lineChart(b, "latency by percentile", x, y, "one", func(nines float64) string {
		return fmt.Sprintf("%.6g %%", 100*(1-math.Pow(10, -nines)))
	}, spanText)
}

// lineChart draws y over x, from 0 up.
func lineChart(b *strings.Builder, name string, x, y []float64, class string, xText, yText func(float64) string) {
	top, end := 0.0, x[len(x)-1]
	for _, v := range y {
		top = max(top, v)
	}
	if top == 0 {
		top = 1
	}
	if end == 0 {
		end = 1
	}
	top *= 1.05
	across := func(v float64) float64 { return chartLeft + v/end*(chartWidth-chartLeft-30) }
	up := func(v float64) float64 { return chartHeight - chartBottom - v/top*(chartHeight-chartBottom-10) }
	fmt.Fprintf(b, "<svg viewBox=\"0 0 %g %g\" role=\"img\" aria-label=\"%s\">\n", chartWidth, chartHeight, html.EscapeString(name))
	for i := range 5 {
		v := top * float64(i) / 4
		fmt.Fprintf(b, "<line class=\"axis\" x1=\"%g\" x2=\"%g\" y1=\"%.1f\" y2=\"%.1f\"/><text x=\"%g\" y=\"%.1f\" text-anchor=\"end\">%s</text>\n",
			chartLeft, chartWidth-30, up(v), up(v), chartLeft-6, up(v)+4, yText(v))
	}
	ticks := 5
	if class == "one" && end <= 5 && end == math.Trunc(end) {
		ticks = int(end)
	}
	for i := range ticks + 1 {
		v := end * float64(i) / float64(ticks)
		fmt.Fprintf(b, "<text x=\"%.1f\" y=\"%g\" text-anchor=\"middle\">%s</text>\n", across(v), chartHeight-8, html.EscapeString(xText(v)))
	}
	b.WriteString("<polyline class=\"" + class + "\" points=\"")
	for i := range x {
		fmt.Fprintf(b, "%.1f,%.1f ", across(x[i]), up(y[i]))
	}
	b.WriteString("\"/></svg>\n")
}
