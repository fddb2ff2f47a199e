package cmd

import (
	"context"
	"fmt"
	"io"
	"sync/atomic"
	"time"

	"github.com/pyvider/rpcplugin/internal/load"
	"github.com/pyvider/rpcplugin/internal/load/echo"
	"github.com/pyvider/rpcplugin/pkg/client"
)

// stdioBytes is how much the built-in plugin prints in one life.
const stdioBytes = 16 << 20

// stdioWait bounds how long is waited for it.
const stdioWait = 30 * time.Second

// benchPhase is one step of a plugin's life over all starts.
type benchPhase struct {
	Name   string    `json:"name"`
	Unit   string    `json:"unit"` // ms, MB/s, MB
	Median float64   `json:"median"`
	Low    float64   `json:"low"` // of the interval that holds it at 95 %
	High   float64   `json:"high"`
	Values []float64 `json:"values"`
}

// stdioStep is printed in one call; the plugin stays at most two of them ahead,
// since a stdio that nobody reads rather drops than waits.
const stdioStep = 256 << 10

// byteCounter counts what is written to it.
type byteCounter struct {
	seen  atomic.Int64
	moved chan struct{} // has a value when more has come
}

func newByteCounter() *byteCounter { return &byteCounter{moved: make(chan struct{}, 1)} }

func (c *byteCounter) Write(p []byte) (int, error) {
	c.seen.Add(int64(len(p)))
	select {
	case c.moved <- struct{}{}:
	default:
	}
	return len(p), nil
}

// await waits until that much has come.
func (c *byteCounter) await(ctx context.Context, want int64) error {
	late := time.NewTimer(stdioWait)
	defer late.Stop()
	for c.seen.Load() < want {
		select {
		case <-c.moved:
		case <-ctx.Done():
			return ctx.Err()
		case <-late.C:
			return fmt.Errorf("of %d bytes that the plugin printed %d have arrived within %s", want, c.seen.Load(), stdioWait)
		}
	}
	return nil
}

// lives starts and stops the plugin as often as there are rounds.
func (b *benchRun) lives(ctx context.Context, g globals, cell benchCell, report *benchReport) error {
	report.Load = benchLoad{Loop: "lifecycle", Rounds: b.Rounds}
	values := make(map[string][]float64)
	var order []benchPhase
	sum := func() {
		report.Lifecycle = nil
		for _, phase := range order {
			phase.Values = values[phase.Name]
			estimate := load.EstimateOf(phase.Values)
			phase.Median, phase.Low, phase.High = estimate.Median, estimate.Low, estimate.High
			report.Lifecycle = append(report.Lifecycle, phase)
		}
	}
	defer sum()
	for round := range b.Rounds {
		b.live.says("life %d of %d", round+1, b.Rounds)
		one, err := b.life(ctx, g, cell)
		if err != nil {
			return err
		}
		for _, phase := range one {
			if values[phase.Name] == nil {
				order = append(order, benchPhase{Name: phase.Name, Unit: phase.Unit})
			}
			values[phase.Name] = append(values[phase.Name], phase.Median)
		}
	}
	return nil
}

// life is one start and stop; the Medians are the values.
func (b *benchRun) life(ctx context.Context, g globals, cell benchCell) (phases []benchPhase, err error) {
	note := func(name string, took time.Duration) {
		phases = append(phases, benchPhase{Name: name, Unit: "ms", Median: milliseconds(took)})
	}
	var secured atomic.Int64
	trace := &client.Trace{TLSDone: func(done client.TLSInfo) { secured.CompareAndSwap(0, int64(done.Took)) }}
	printed := newByteCounter()
	t, err := b.launch(ctx, g, cell, trace, printed)
	if err != nil {
		return nil, err
	}
	stopped := false
	defer func() {
		if !stopped {
			err = t.autopsy(err)
			t.stop(ctx)
		}
	}()
	note("process", t.phases.Process)
	note("line", t.phases.Line)
	if took := secured.Load(); took > 0 {
		note("tls", time.Duration(took))
	}
	note("connect", t.phases.Connect)
	if err := t.awaitProgram(ctx); err != nil {
		return nil, err
	}
	if t.bridged {
		note("program", t.program)
	}
	if t.builtIn || b.Call != "" {
		if t.method, err = b.method(ctx, t.session, cell); err != nil {
			return nil, err
		}
		for _, name := range []string{"first call", "second call"} {
			began := time.Now()
			if err := t.try(ctx, t.Conn(), b.StartTimeout); err != nil {
				return nil, err
			}
			note(name, time.Since(began))
		}
	}
	if t.builtIn && !cell.bridge {
		more, err := t.through(ctx, printed)
		if err != nil {
			return nil, err
		}
		phases = append(phases, more...)
	}
	if _, memory, known := usageOfTree(t.Pid()); known {
		phases = append(phases, benchPhase{Name: "memory", Unit: "MB", Median: float64(memory) / 1e6})
	}
	began := time.Now()
	t.stop(ctx)
	stopped = true
	note("stop", time.Since(began))
	return phases, ctx.Err()
}

// through measures broker and stdio.
func (t *benchTarget) through(ctx context.Context, printed *byteCounter) ([]benchPhase, error) {
	began := time.Now()
	id, err := echo.Ask(ctx, t.Conn(), echo.Offer, 0)
	if err != nil {
		return nil, err
	}
	conn, err := t.Broker().Dial(ctx, uint32(id)) //nolint:gosec // it was one
	if err != nil {
		return nil, err
	}
	_, err = echo.Ask(ctx, conn, echo.Count, 0)
	took := time.Since(began)
	_ = conn.Close()
	if err != nil {
		return nil, err
	}
	began = time.Now()
	for asked := int64(stdioStep); asked <= stdioBytes; asked += stdioStep {
		if _, err := echo.Ask(ctx, t.Conn(), echo.Print, stdioStep); err != nil {
			return nil, err
		}
		if err := printed.await(ctx, asked-stdioStep); err != nil {
			return nil, err
		}
	}
	if err := printed.await(ctx, stdioBytes); err != nil {
		return nil, err
	}
	return []benchPhase{
		{Name: "broker open", Unit: "ms", Median: milliseconds(took)},
		{Name: "stdio", Unit: "MB/s", Median: stdioBytes / 1e6 / time.Since(began).Seconds()},
	}, nil
}

// lifeRows prints the phases.
func (r *benchReport) lifeRows(w io.Writer) {
	fmt.Fprintf(w, "starts\t%d\n", len(r.Lifecycle[0].Values))
	fmt.Fprintf(w, "\nPHASE\tMEDIAN\t95 %%\n")
	for _, phase := range r.Lifecycle {
		fmt.Fprintf(w, "%s\t%s %s\t%s to %s\n", phase.Name, threeDigits(phase.Median), phase.Unit, threeDigits(phase.Low), threeDigits(phase.High))
	}
}
