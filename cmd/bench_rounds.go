package cmd

import "github.com/pyvider/rpcplugin/internal/load"

// roundOf is one measurement as a round.
func roundOf(result *load.Result) benchRound {
	return benchRound{
		Seconds: result.Took.Seconds(), CallsPerSecond: result.Rate(), Errors: result.Failed,
		P50: int64(result.Quantile(0.5)), P99: int64(result.Quantile(0.99)),
	}
}

// intervals are the samples of one measurement as rounds.
func intervals(samples []load.Sample) []benchRound {
	var rounds []benchRound
	for _, s := range samples {
		rounds = append(rounds, benchRound{
			Seconds: s.Took.Seconds(), CallsPerSecond: s.Rate(), Errors: s.Failed, P50: int64(s.P50), P99: int64(s.P99),
		})
	}
	return rounds
}

// values are one measure of all rounds.
func (c *benchCellReport) values(of string) []float64 {
	values := make([]float64, len(c.Rounds))
	for i, round := range c.Rounds {
		switch of {
		case "p50":
			values[i] = float64(round.P50)
		case "p99":
			values[i] = float64(round.P99)
		default:
			values[i] = round.CallsPerSecond
		}
	}
	return values
}

// rank compares all cells with the first.
func (r *benchReport) rank() {
	of := "calls/s"
	if r.Load.Loop == "open" {
		of = "p50"
	}
	for i, cell := range r.Cells {
		if i == 0 || len(cell.Rounds) == 0 {
			continue
		}
		ratio := load.RatioOf(cell.values(of), r.Cells[0].values(of))
		cell.Ratio = &benchRatio{Of: of, Median: ratio.Median, Low: ratio.Low, High: ratio.High, Same: ratio.Holds(1)}
	}
}
