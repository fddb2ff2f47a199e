package cmd

import (
	"encoding/json"
	"fmt"
	"os"
	"text/tabwriter"

	"github.com/pyvider/rpcplugin/internal/load"
)

// significant is the chance below which a difference is taken for one.
const significant = 0.05

// benchCompare holds two results against each other.
type benchCompare struct {
	Old    string `arg:"" help:"Result that was written with -o json."`
	New    string `arg:"" help:"Another one."`
	Output string `short:"o" enum:"text,json" default:"text" help:"Form of the output."`
}

// benchDifference is one measure of one setting in both results.
type benchDifference struct {
	Setting string  `json:"setting"`
	Measure string  `json:"measure"` // calls/s, p50, p99, or a phase
	Old     float64 `json:"old"`
	New     float64 `json:"new"` // medians of the rounds; latencies in ns
	Ratio   float64 `json:"ratio"`
	P       float64 `json:"p"` // of the Mann-Whitney U test
	Differs bool    `json:"differs"`
}

// Run reads both and prints.
func (c *benchCompare) Run(p *Program) error {
	before, err := readReport(c.Old)
	if err != nil {
		return err
	}
	after, err := readReport(c.New)
	if err != nil {
		return err
	}
	if before.Load.Loop != after.Load.Loop {
		return usagef("run both alike", "%q is of the %s loop and %q of the %s one: they measure different things", c.Old, before.Load.Loop, c.New, after.Load.Loop)
	}
	found := differences(before, after)
	if len(found) == 0 {
		return usagef("run both with the same settings", "%q and %q have no setting in common", c.Old, c.New)
	}
	if before.Load != after.Load {
		fmt.Fprintf(p.Stderr, "note: the loads differ: %s; and %s\n", before.Load, after.Load)
	}
	if before.Partial || after.Partial {
		fmt.Fprintln(p.Stderr, "note: a partial result is among them")
	}
	if c.Output == "json" {
		return writeJSON(p.Stdout, found)
	}
	table := tabwriter.NewWriter(p.Stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintf(table, "SETTING\tMEASURE\tOLD\tNEW\tRATIO\tP\t\n")
	for _, d := range found {
		verdict := "no difference"
		if d.Differs {
			verdict = "differs"
		}
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%.2f\t%.3f\t%s\n", d.Setting, d.Measure, d.text(d.Old), d.text(d.New), d.Ratio, d.P, verdict)
	}
	return table.Flush()
}

func (d benchDifference) text(v float64) string {
	switch d.Measure {
	case "p50", "p99":
		return spanText(v)
	case "calls/s":
		return rateText(v)
	default:
		return threeDigits(v)
	}
}

func readReport(path string) (*benchReport, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, &usageError{err: err, hint: "rpcplugin bench -o json > FILE writes one"}
	}
	var r benchReport
	if err := json.Unmarshal(data, &r); err != nil || r.Format != 1 {
		return nil, usagef("rpcplugin bench -o json > FILE writes one", "%q is no result of bench, expected its JSON form 1", path)
	}
	return &r, nil
}

// differences compares what both results have.
func differences(before, after *benchReport) []benchDifference {
	var found []benchDifference
	compare := func(setting, measure string, a, b []float64) {
		if len(a) == 0 || len(b) == 0 {
			return
		}
		d := benchDifference{
			Setting: setting, Measure: measure, Old: load.EstimateOf(a).Median, New: load.EstimateOf(b).Median, P: load.Differ(a, b),
		}
		if d.Old != 0 {
			d.Ratio = d.New / d.Old
		}
		d.Differs = d.P < significant
		found = append(found, d)
	}
	for _, a := range before.Cells {
		for _, b := range after.Cells {
			if a.Name != b.Name {
				continue
			}
			for _, measure := range []string{"calls/s", "p50", "p99"} {
				compare(a.Name, measure, a.values(measure), b.values(measure))
			}
		}
	}
	for _, a := range before.Lifecycle {
		for _, b := range after.Lifecycle {
			if a.Name == b.Name {
				compare("lifecycle", a.Name+" "+a.Unit, a.Values, b.Values)
			}
		}
	}
	return found
}
