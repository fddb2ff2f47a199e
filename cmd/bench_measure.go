package cmd

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/pyvider/rpcplugin/internal/load"
	"github.com/pyvider/rpcplugin/internal/load/echo"
)

// loadPlan is the engine's plan for one measurement.
func (b *benchRun) loadPlan(cell benchCell, stages []load.Stage, warmup, duration time.Duration) load.Plan {
	plan := load.Plan{
		Workers: cell.concurrency, Stages: stages, Warmup: warmup, Requests: b.Requests,
		Seed: uint64(time.Now().UnixNano()), //nolint:gosec // any number will do
	}
	if len(stages) == 0 && (b.Requests == 0 || b.Duration != 10*time.Second) {
		plan.Duration = duration
	}
	if b.Arrival == "constant" {
		plan.Arrival = load.ArrivalConstant
	}
	return plan
}

// payload is how many bytes of --size a call carries in one direction.
func (b *benchRun) payload(cell benchCell) int {
	switch {
	case b.Call != "":
		return 0
	case cell.streams == "client" || cell.streams == "server":
		return cell.size * b.Messages
	default:
		return cell.size
	}
}

// cellName names a cell by what is varied.
func (b *benchRun) cellName(cell benchCell, varied []string) string {
	var parts []string
	for _, name := range varied {
		parts = append(parts, name+"="+cell.value(name))
	}
	return strings.Join(parts, " ")
}

// singleNames are what names the only cell.
func (b *benchRun) singleNames(cell benchCell) []string {
	names := []string{"transport", "tls"}
	if b.Call == "" {
		names = append(names, "streams", "size")
	}
	if cell.mux {
		names = append(names, "mux")
	}
	if cell.bridge {
		names = append(names, "bridge")
	}
	return names
}

// single measures one cell.
func (b *benchRun) single(ctx context.Context, g globals, plan benchPlan, report *benchReport) error {
	cell := plan.cells[0]
	b.live.says("starting %s", report.Plugin)
	target, err := b.ready(ctx, g, cell)
	if err != nil {
		return err
	}
	defer target.stop(ctx)
	if line := target.Line(); line.Network != "" {
		cell.transport = line.Network
	}
	if target.attached != nil {
		cell.tls = "off" // so it is attached to
	}
	measured := newCell(b.cellName(cell, b.singleNames(cell)), b.payload(cell))
	report.Cells = append(report.Cells, measured)
	engine := b.loadPlan(cell, plan.stages, b.Warmup, b.Duration)
	engine.Observe = b.live.progress
	usage := watchUsage(target.Pid())
	result, err := target.run(ctx, engine)
	measured.Usage = usage()
	if result == nil {
		return err
	}
	report.Partial = result.Partial
	measured.add(result)
	measured.Rounds = intervals(result.Samples)
	measured.Stages = stageReports(plan.stages, strings.Split(b.Rate, ","), result.Samples)
	if err == nil {
		measured.ServerCalls = target.counted(ctx)
	}
	return err
}

// countWait bounds the question for it: the plugin may hang.
const countWait = 2 * time.Second

// counted is how many calls the built-in plugin says that it got.
func (t *benchTarget) counted(ctx context.Context) *uint64 {
	if !t.builtIn || ctx.Err() != nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, countWait)
	defer cancel()
	n, err := echo.Ask(ctx, t.Conn(), echo.Count, 0)
	if err != nil {
		return nil
	}
	n -= t.before
	return &n
}

// stageReports sums the samples up by stage, if there are several.
func stageReports(stages []load.Stage, names []string, samples []load.Sample) []benchStageReport {
	if len(stages) < 2 {
		return nil
	}
	var reports []benchStageReport
	var from time.Duration
	for i, stage := range stages {
		to := from + stage.Duration
		name, _, _ := strings.Cut(names[i], "/")
		report := benchStageReport{Rate: name, Asked: (stage.From + stage.To) / 2}
		var answered uint64
		var seconds float64
		var middles []int64
		for _, s := range samples {
			if middle := s.At - s.Took/2; middle < from || middle >= to {
				continue
			}
			answered += s.Answered
			seconds += s.Took.Seconds()
			middles = append(middles, int64(s.P50))
			report.P99 = max(report.P99, int64(s.P99))
		}
		if seconds > 0 {
			slices.Sort(middles)
			report.CallsPerSecond, report.P50 = float64(answered)/seconds, middles[len(middles)/2]
		}
		reports = append(reports, report)
		from = to
	}
	return reports
}

// matrix measures all cells, in turns.
func (b *benchRun) matrix(ctx context.Context, g globals, plan benchPlan, report *benchReport) (err error) {
	var targets []*benchTarget
	defer func() {
		for _, target := range targets {
			target.stop(ctx)
		}
	}()
	for i, cell := range plan.cells {
		name := b.cellName(cell, plan.varied)
		b.live.says("starting and warming up %d of %d: %s", i+1, len(plan.cells), name)
		target, err := b.ready(ctx, g, cell)
		if err != nil {
			return &advisedError{err: err, hint: strings.TrimSpace("this was " + name + "\n" + hintOf(err))}
		}
		targets = append(targets, target)
		report.Cells = append(report.Cells, newCell(name, b.payload(cell)))
	}
	slice := max(b.Duration/time.Duration(b.Rounds), time.Millisecond)
	stages := slices.Clone(plan.stages)
	for i := range stages {
		stages[i].Duration = max(stages[i].Duration/time.Duration(b.Rounds), time.Millisecond)
	}
	warmup := b.Warmup
	for round := range b.Rounds {
		for turn := range targets {
			at := (turn + round) % len(targets)
			measured := report.Cells[at]
			b.live.says("round %d of %d: %s", round+1, b.Rounds, measured.Name)
			engine := b.loadPlan(plan.cells[at], stages, warmup, slice)
			result, err := targets[at].run(ctx, engine)
			if result != nil && (err != nil || result.Partial) { // no whole turn
				report.rank()
				return err
			}
			if err != nil {
				return err
			}
			measured.add(result)
			measured.Rounds = append(measured.Rounds, roundOf(result))
		}
		warmup = min(b.Warmup, slice/10) // the plugin is warm, its caches may be not
		report.rank()
	}
	for i, target := range targets {
		report.Cells[i].ServerCalls = target.counted(ctx)
	}
	return nil
}

func countText(n uint64) string { return strconv.FormatUint(n, 10) }
