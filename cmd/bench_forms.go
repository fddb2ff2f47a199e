package cmd

import (
	"encoding/csv"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/pyvider/rpcplugin/internal/load"
)

// median is that of one measure of the rounds.
func (c *benchCellReport) median(of string) float64 {
	return load.EstimateOf(c.values(of)).Median
}

// writeCSV prints a line for each cell, or for each phase of a life.
func (r *benchReport) writeCSV(w io.Writer) error {
	table := csv.NewWriter(w)
	if len(r.Lifecycle) > 0 {
		_ = table.Write([]string{"phase", "unit", "median", "low", "high"})
		for _, phase := range r.Lifecycle {
			_ = table.Write([]string{phase.Name, phase.Unit, floatText(phase.Median), floatText(phase.Low), floatText(phase.High)})
		}
		table.Flush()
		return table.Error()
	}
	head := []string{"setting", "loop", "partial", "warm_up_calls", "sent", "answered", "errors", "unfinished", "never_sent", "late", "seconds", "asked_per_second", "calls_per_second", "mean_ns"}
	for _, metric := range latencyMetrics {
		head = append(head, metric.name+"_ns")
	}
	_ = table.Write(append(head, "ratio", "ratio_low", "ratio_high"))
	for _, c := range r.Cells {
		line := []string{
			c.Name, r.Load.Loop, strconv.FormatBool(r.Partial), countText(c.WarmUp), countText(c.Sent), countText(c.Answered), countText(c.Errors),
			countText(c.Unfinished), countText(c.NeverSent), countText(c.Late), floatText(c.Seconds), floatText(c.Asked), floatText(c.CallsPerSecond),
			strconv.FormatInt(c.Latency["mean"], 10),
		}
		for _, metric := range latencyMetrics {
			line = append(line, strconv.FormatInt(c.Latency[metric.name], 10))
		}
		if c.Ratio != nil {
			line = append(line, floatText(c.Ratio.Median), floatText(c.Ratio.Low), floatText(c.Ratio.High))
		} else {
			line = append(line, "", "", "")
		}
		_ = table.Write(line)
	}
	table.Flush()
	return table.Error() // also that of a Write
}

func floatText(v float64) string { return strconv.FormatFloat(v, 'g', 6, 64) }

// writeBenchfmt prints in the form of Go's benchmarks, a line for each round,
// which benchstat reads.
func (r *benchReport) writeBenchfmt(w io.Writer) error {
	fmt.Fprintf(w, "rpcplugin: %s\nplatform: %s\n", r.Version, r.Platform)
	if r.Partial {
		fmt.Fprintln(w, "partial: true")
	}
	if len(r.Lifecycle) > 0 {
		for _, phase := range r.Lifecycle {
			for _, value := range phase.Values {
				fmt.Fprintf(w, "BenchmarkLifecycle/phase=%s-%d 1 %s %s\n", strings.ReplaceAll(phase.Name, " ", "-"), r.CPUs, floatText(value), phase.Unit)
			}
		}
		return nil
	}
	for _, c := range r.Cells {
		for _, round := range c.Rounds {
			calls := max(1, int64(round.CallsPerSecond*round.Seconds+0.5))
			fmt.Fprintf(w, "BenchmarkCalls/loop=%s/%s-%d %d %s calls/s %d p50-ns %d p99-ns %d errors\n", r.Load.Loop,
				strings.ReplaceAll(c.Name, " ", "/"), r.CPUs, calls, floatText(round.CallsPerSecond), round.P50, round.P99, round.Errors)
		}
	}
	return nil
}

// writeHDR prints the distributions as HdrHistogram's own tools do, in
// microseconds.
func (r *benchReport) writeHDR(w io.Writer) error {
	if len(r.Cells) == 0 {
		return usagef("-o json has the values", "a life has no distribution, expected another -o than \"hdr\"")
	}
	for _, c := range r.Cells {
		if c.all == nil {
			continue
		}
		fmt.Fprintf(w, "#[%s; %s loop; latencies in µs]\n", c.Name, r.Load.Loop)
		if r.Partial {
			fmt.Fprintln(w, "#[partial]")
		}
		if _, err := c.all.PercentilesPrint(w, 5, 1000); err != nil {
			return err
		}
	}
	return nil
}
