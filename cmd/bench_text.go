package cmd

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"
)

// spanText is a time in nanoseconds, in three digits.
func spanText(ns float64) string {
	switch {
	case ns < 1e3:
		return fmt.Sprintf("%.0f ns", ns)
	case ns < 1e6:
		return threeDigits(ns/1e3) + " µs"
	case ns < 1e9:
		return threeDigits(ns/1e6) + " ms"
	default:
		return threeDigits(ns/1e9) + " s"
	}
}

func threeDigits(v float64) string {
	switch {
	case v < 9.995:
		return fmt.Sprintf("%.2f", v)
	case v < 99.95:
		return fmt.Sprintf("%.1f", v)
	default:
		return fmt.Sprintf("%.0f", v)
	}
}

// rateText is a number of calls a second.
func rateText(v float64) string {
	if v < 99.95 {
		return fmt.Sprintf("%.1f", v)
	}
	return fmt.Sprintf("%.0f", v)
}

// writeText prints for people.
func (r *benchReport) writeText(w io.Writer) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	row := func(name, format string, args ...any) { fmt.Fprintf(table, name+"\t"+format+"\n", args...) }
	if r.Partial {
		row("PARTIAL", "ended before its time: %s", firstLine(r.Ended))
	}
	row("plugin", "%s", r.Plugin)
	switch {
	case len(r.Lifecycle) > 0:
		r.lifeRows(table)
	case len(r.Cells) > 1:
		row("load", "%s", r.Load)
		if err := table.Flush(); err != nil {
			return err
		}
		return r.matrixText(w)
	default:
		row("setting", "%s", r.Cells[0].Name)
		row("load", "%s", r.Load)
		r.Cells[0].rows(row, r.Load)
	}
	return table.Flush()
}

func firstLine(text string) string {
	line, _, _ := strings.Cut(text, "\n")
	return line
}

// String says how the plugin was called.
func (l benchLoad) String() string {
	if l.Loop == "lifecycle" {
		return plural(l.Rounds, "start")
	}
	parts := []string{"closed loop", plural(l.Concurrency, "caller")}
	if l.Loop == "open" {
		parts = []string{"open loop", "calls due at " + l.Rate + "/s", l.Arrival, fmt.Sprintf("at most %d under way", l.Concurrency)}
	}
	parts = append(parts, plural(l.Connections, "connection"), l.Method)
	if l.Messages > 0 {
		parts = append(parts, plural(l.Messages, "message")+" a stream")
	}
	seconds := func(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }
	parts = append(parts, fmt.Sprintf("warm-up %v", seconds(l.Warmup)), seconds(l.Duration).String())
	if l.Rounds > 0 {
		parts = append(parts, fmt.Sprintf("in %d rounds, in turns", l.Rounds))
	}
	return strings.Join(parts, ", ")
}

func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// rows are those of one measurement.
func (c *benchCellReport) rows(row func(name, format string, args ...any), how benchLoad) {
	row("calls", "%d sent = %d answered + %d errors + %d unfinished", c.Sent, c.Answered, c.Errors, c.Unfinished)
	if how.Loop == "open" {
		row("asked", "%s calls/s", rateText(c.Asked))
		row("achieved", "%s calls/s", rateText(c.CallsPerSecond))
		switch {
		case c.KeptUp && c.Late*100 > c.Sent:
			row("", "%d calls were sent more than 1 ms late: callers or this machine were busy", c.Late)
		case !c.KeptUp:
			row("", "IT COULD NOT KEEP UP: %d calls were sent late, %d never", c.Late, c.NeverSent)
		}
	} else {
		row("calls/s", "%s", rateText(c.CallsPerSecond))
	}
	if c.BytesPerSecond > 0 {
		row("payload", "%s MB/s each way it goes", threeDigits(c.BytesPerSecond/1e6))
	}
	from := "of the callers, who wait with a plugin that stalls; --rate does not"
	if how.Loop == "open" {
		from = "from when a call was due"
	}
	row("latency", "%s", from)
	row("  mean", "%s", spanText(float64(c.Latency["mean"])))
	for _, metric := range latencyMetrics {
		row("  "+metric.name, "%s", spanText(float64(c.Latency[metric.name])))
	}
	for i, stage := range c.Stages {
		name := ""
		if i == 0 {
			name = "stages"
		}
		row(name, "%s: asked %s, achieved %s calls/s, p50 %s, p99 up to %s", stage.Rate, rateText(stage.Asked), rateText(stage.CallsPerSecond),
			spanText(float64(stage.P50)), spanText(float64(stage.P99)))
	}
	if c.Errors > 0 {
		row("errors", "%s", c.codesText())
	}
	if c.FirstError != "" {
		row("first", "%s", firstLine(c.FirstError))
	}
	if used := c.usage(); used != "" {
		row("plugin uses", "%s", used)
	}
	if c.ServerCalls != nil && *c.ServerCalls != c.WarmUp+c.Sent {
		row("plugin got", "%d calls, of %d with those of the warm-up", *c.ServerCalls, c.WarmUp+c.Sent)
	}
}

// usage is what the plugin's processes used.
func (c *benchCellReport) usage() string {
	var cpu float64
	var most int64
	for _, u := range c.Usage {
		cpu += u.CPU / float64(len(c.Usage))
		most = max(most, u.Memory)
	}
	if most == 0 {
		return ""
	}
	return fmt.Sprintf("%.0f %% of a core, %s MB at most", 100*cpu, threeDigits(float64(most)/1e6))
}

// matrixText is the table of a matrix.
func (r *benchReport) matrixText(w io.Writer) error {
	fmt.Fprintln(w)
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	of := "calls/s"
	if r.Load.Loop == "open" {
		of = "p50"
	}
	fmt.Fprintf(table, "SETTING\tCALLS/S\tP50\tP99\tRATIO OF %s TO THE FIRST, 95 %%\tERRORS\n", strings.ToUpper(of))
	for i, c := range r.Cells {
		ratio := "1"
		switch {
		case i == 0:
		case c.Ratio == nil:
			ratio = "–"
		default:
			ratio = c.Ratio.String()
		}
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\t%d\n", c.Name, rateText(c.median("calls/s")),
			spanText(c.median("p50")), spanText(c.median("p99")), ratio, c.Errors+c.Unfinished+c.NeverSent)
	}
	if err := table.Flush(); err != nil {
		return err
	}
	fmt.Fprintln(w, "\nmedians of the rounds; ratios within a round")
	for _, c := range r.Cells {
		if !c.KeptUp {
			fmt.Fprintf(w, "IT COULD NOT KEEP UP with %s: %d calls were sent late, %d never\n", c.Name, c.Late, c.NeverSent)
		}
		if c.FirstError != "" {
			fmt.Fprintf(w, "%s: %s; first: %s\n", c.Name, c.codesText(), firstLine(c.FirstError))
		}
	}
	return nil
}

// String is a ratio with its interval.
func (r benchRatio) String() string {
	text := fmt.Sprintf("%.2f (%.2f to %.2f)", r.Median, r.Low, r.High)
	if r.Same {
		text += " no difference"
	}
	return text
}
