package cmd

import (
	"fmt"
	"html"
	"strings"

	"github.com/pyvider/rpcplugin/internal/load"
)

// matrixPage is the table of a matrix, and its bars.
func (r *benchReport) matrixPage(b *strings.Builder) {
	b.WriteString("<h2>All settings</h2>\n<div class=\"scroll\"><table><tr><th>setting</th><th class=\"n\">calls/s</th><th class=\"n\">p50</th><th class=\"n\">p99</th><th>ratio to the first, 95 %</th></tr>\n")
	var names []string
	var rates, middles []load.Estimate
	for i, c := range r.Cells {
		ratio := ""
		switch {
		case i == 0:
			ratio = "1"
		case c.Ratio != nil:
			ratio = c.Ratio.Of + " " + c.Ratio.String()
		}
		fmt.Fprintf(b, "<tr><td>%s</td><td class=\"n\">%s</td><td class=\"n\">%s</td><td class=\"n\">%s</td><td>%s</td></tr>\n", html.EscapeString(c.Name),
			rateText(c.median("calls/s")), spanText(c.median("p50")), spanText(c.median("p99")), html.EscapeString(ratio))
		names = append(names, c.Name)
		rates = append(rates, load.EstimateOf(c.values("calls/s")))
		middles = append(middles, load.EstimateOf(c.values("p50")))
	}
	b.WriteString("</table></div>\n<h3>Calls a second: median, and the interval that holds it at 95 %</h3>\n")
	bars(b, "calls a second", names, rates, rateText)
	b.WriteString("<h3>p50: median, and the interval that holds it at 95 %</h3>\n")
	bars(b, "p50", names, middles, spanText)
}

// lifePage is the table of the phases.
func (r *benchReport) lifePage(b *strings.Builder) {
	b.WriteString("<h2>From start to stop</h2>\n<div class=\"scroll\"><table><tr><th>phase</th><th class=\"n\">median</th><th class=\"n\">95 %</th></tr>\n")
	var names []string
	var spans []load.Estimate
	for _, phase := range r.Lifecycle {
		fmt.Fprintf(b, "<tr><td>%s</td><td class=\"n\">%s %s</td><td class=\"n\">%s to %s</td></tr>\n", html.EscapeString(phase.Name),
			threeDigits(phase.Median), phase.Unit, threeDigits(phase.Low), threeDigits(phase.High))
		if phase.Unit == "ms" {
			names = append(names, phase.Name)
			spans = append(spans, load.Estimate{Median: phase.Median, Low: phase.Low, High: phase.High})
		}
	}
	b.WriteString("</table></div>\n<h3>Milliseconds</h3>\n")
	bars(b, "milliseconds", names, spans, threeDigits)
}

// bars draws a bar for each name, with its interval.
func bars(b *strings.Builder, what string, names []string, values []load.Estimate, text func(float64) string) {
	const row, left = 26.0, 300.0
	top := 0.0
	for _, v := range values {
		top = max(top, v.High)
	}
	if top == 0 {
		top = 1
	}
	scale := (chartWidth - left - 90) / top
	fmt.Fprintf(b, "<svg viewBox=\"0 0 %g %g\" role=\"img\" aria-label=\"%s\">\n", chartWidth, row*float64(len(names))+4, html.EscapeString(what))
	for i, v := range values {
		y := row * float64(i)
		fmt.Fprintf(b, "<text class=\"name\" x=\"%g\" y=\"%.1f\" text-anchor=\"end\">%s</text>", left-8, y+17, html.EscapeString(names[i]))
		fmt.Fprintf(b, "<rect class=\"bar\" x=\"%g\" y=\"%.1f\" width=\"%.1f\" height=\"18\"/>", left, y+4, v.Median*scale)
		fmt.Fprintf(b, "<line class=\"whisker\" x1=\"%.1f\" x2=\"%.1f\" y1=\"%.1f\" y2=\"%.1f\"/>", left+v.Low*scale, left+v.High*scale, y+13, y+13)
		fmt.Fprintf(b, "<text x=\"%.1f\" y=\"%.1f\">%s</text>\n", left+v.High*scale+6, y+17, text(v.Median))
	}
	b.WriteString("</svg>\n")
}
