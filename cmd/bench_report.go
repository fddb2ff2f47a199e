package cmd

import (
	"cmp"
	"encoding/base64"
	"fmt"
	"io"
	"maps"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"

	"github.com/pyvider/rpcplugin/internal/load"
)

// benchReport is a whole result; its JSON form is what compare reads.
type benchReport struct {
	Format    int                `json:"format"` // of this document: 1
	Version   string             `json:"rpcplugin"`
	Began     time.Time          `json:"began"`
	Platform  string             `json:"platform"`
	CPUs      int                `json:"cpus"`
	Plugin    string             `json:"plugin"`
	Load      benchLoad          `json:"load"`
	Partial   bool               `json:"partial"`
	Ended     string             `json:"ended,omitempty"` // why it is partial
	Cells     []*benchCellReport `json:"cells,omitempty"`
	Lifecycle []benchPhase       `json:"lifecycle,omitempty"`
}

// benchLoad is how the plugin was called.
type benchLoad struct {
	Loop        string  `json:"loop"` // closed or open
	Rate        string  `json:"rate,omitempty"`
	Arrival     string  `json:"arrival,omitempty"`
	Concurrency int     `json:"concurrency"`
	Connections int     `json:"connections"`
	Method      string  `json:"method"`
	Messages    int     `json:"messages,omitempty"`
	Warmup      float64 `json:"warmup_seconds"`
	Duration    float64 `json:"duration_seconds"`
	Rounds      int     `json:"rounds,omitempty"`
}

// benchCellReport is what was measured of one combination.
type benchCellReport struct {
	Name           string             `json:"name"` // transport=unix tls=auto …
	WarmUp         uint64             `json:"warm_up_calls"`
	Sent           uint64             `json:"sent"`
	Answered       uint64             `json:"answered"`
	Errors         uint64             `json:"errors"`
	Unfinished     uint64             `json:"unfinished"`
	NeverSent      uint64             `json:"never_sent"`
	Late           uint64             `json:"late"`
	KeptUp         bool               `json:"kept_up"`
	ByCode         map[string]uint64  `json:"errors_by_code,omitempty"`
	FirstError     string             `json:"first_error,omitempty"`
	ServerCalls    *uint64            `json:"server_calls,omitempty"` // by the built-in plugin's count, warm-up included
	Seconds        float64            `json:"seconds"`
	Asked          float64            `json:"asked_per_second,omitempty"`
	CallsPerSecond float64            `json:"calls_per_second"`
	BytesPerSecond float64            `json:"payload_bytes_per_second,omitempty"` // in each direction that carries it
	Latency        map[string]int64   `json:"latency_ns"`
	Rounds         []benchRound       `json:"rounds"`              // of a matrix its turns, else intervals
	Ratio          *benchRatio        `json:"ratio,omitempty"`     // to the first cell
	Histogram      string             `json:"histogram,omitempty"` // HdrHistogram V2, compressed, base64, in ns
	Usage          []benchUsage       `json:"usage,omitempty"`
	Stages         []benchStageReport `json:"stages,omitempty"`

	all     *hdrhistogram.Histogram
	took    time.Duration
	planned time.Duration
	mean    float64 // summed up, in ns
	payload int
}

// benchRound is a part of a measurement.
type benchRound struct {
	Seconds        float64 `json:"seconds"`
	CallsPerSecond float64 `json:"calls_per_second"`
	Errors         uint64  `json:"errors"`
	P50            int64   `json:"p50_ns"`
	P99            int64   `json:"p99_ns"`
}

// benchRatio compares with the first cell, round by round.
type benchRatio struct {
	Of     string  `json:"of"` // calls/s or, where the rate is given, p50
	Median float64 `json:"median"`
	Low    float64 `json:"low"` // of the interval that holds it at 95 %
	High   float64 `json:"high"`
	Same   bool    `json:"no_difference"`
}

// benchStageReport is one stage of --rate.
type benchStageReport struct {
	Rate           string  `json:"rate"`
	Asked          float64 `json:"asked_per_second"`
	CallsPerSecond float64 `json:"calls_per_second"`
	P50            int64   `json:"p50_ns"` // medians of its intervals, of P99 the highest
	P99            int64   `json:"p99_ns"`
}

func newBenchReport(b *benchRun, plan benchPlan) *benchReport {
	r := &benchReport{
		Format: 1, Version: version, Began: time.Now().UTC().Truncate(time.Second),
		Platform: runtime.GOOS + "/" + runtime.GOARCH, CPUs: runtime.NumCPU(),
		Plugin: "built-in echo", Load: benchLoad{
			Loop: "closed", Concurrency: max(1, b.Concurrency), Connections: b.Connections, Method: cmp.Or(b.Call, b.Streams),
			Warmup: b.Warmup.Seconds(), Duration: b.Duration.Seconds(),
		},
	}
	if b.foreign() {
		r.Plugin = cmp.Or(strings.Join(b.command, " "), b.Attach, "--reattach")
	}
	if b.Call == "" && (b.Streams == "client" || b.Streams == "server") {
		r.Load.Messages = b.Messages
	}
	if len(plan.stages) > 0 {
		r.Load.Loop, r.Load.Rate, r.Load.Arrival = "open", b.Rate, b.Arrival
		r.Load.Concurrency = cmp.Or(b.Concurrency, load.DefaultOpenWorkers)
		r.Load.Duration = 0
		for _, stage := range plan.stages {
			r.Load.Duration += stage.Duration.Seconds()
		}
	}
	if len(plan.cells) > 1 || b.Lifecycle {
		r.Load.Rounds = b.Rounds
	}
	return r
}

func (r *benchReport) empty() bool {
	return len(r.Lifecycle) == 0 && !slices.ContainsFunc(r.Cells, func(c *benchCellReport) bool { return c.Sent+c.NeverSent > 0 })
}

// newCell is a cell's report before anything was measured.
func newCell(name string, payload int) *benchCellReport {
	return &benchCellReport{Name: name, KeptUp: true, Latency: map[string]int64{}, ByCode: map[string]uint64{}, payload: payload}
}

// add adds a measurement; asked is its calls a second, 0 in a closed loop.
func (c *benchCellReport) add(result *load.Result) {
	c.WarmUp += result.WarmUp
	c.Sent += result.Sent
	c.Answered += result.Answered
	c.Errors += result.Failed
	c.Unfinished += result.Unfinished
	c.NeverSent += result.NeverSent
	c.Late += result.Late
	c.KeptUp = c.KeptUp && result.KeptUp()
	for code, n := range result.ByCode {
		c.ByCode[code.String()] += n
	}
	if c.FirstError == "" && result.FirstError != nil {
		c.FirstError = result.FirstError.Error()
	}
	c.took += result.Took
	c.mean += float64(result.Mean) * float64(result.Latency.TotalCount())
	c.Latency["max"] = max(c.Latency["max"], int64(result.Max))
	if c.all == nil {
		c.all = result.Latency
	} else {
		c.all.Merge(result.Latency)
	}
	c.Seconds = c.took.Seconds()
	if c.Seconds > 0 {
		c.CallsPerSecond = float64(c.Answered) / c.Seconds
		c.BytesPerSecond = c.CallsPerSecond * float64(c.payload)
		if result.Open {
			c.planned += result.Planned
			c.Asked = float64(c.Sent+c.NeverSent) / max(c.planned.Seconds(), 1e-9)
		}
	}
	for _, metric := range latencyMetrics {
		if metric.q < 1 {
			c.Latency[metric.name] = min(c.all.ValueAtQuantile(100*metric.q), c.Latency["max"])
		}
	}
	c.Latency["mean"] = int64(c.mean / float64(max(1, c.all.TotalCount())))
	if data, err := c.all.Encode(hdrhistogram.V2CompressedEncodingCookieBase); err == nil {
		c.Histogram = string(data)
		if strings.ContainsFunc(c.Histogram, func(r rune) bool { return r > 126 }) {
			c.Histogram = base64.StdEncoding.EncodeToString(data)
		}
	}
}

// codesText lists errors by code.
func (c *benchCellReport) codesText() string {
	var parts []string
	for _, code := range slices.Sorted(maps.Keys(c.ByCode)) {
		parts = append(parts, fmt.Sprintf("%s %d", code, c.ByCode[code]))
	}
	return strings.Join(parts, ", ")
}

// write prints in one of the forms of --output.
func (r *benchReport) write(w io.Writer, form string) error {
	switch form {
	case "json":
		return writeJSON(w, r)
	case "csv":
		return r.writeCSV(w)
	case "benchfmt":
		return r.writeBenchfmt(w)
	case "hdr":
		return r.writeHDR(w)
	case "html":
		return r.writeHTML(w)
	default:
		return r.writeText(w)
	}
}
