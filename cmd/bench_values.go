package cmd

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/pyvider/rpcplugin/internal/load"
)

// maxSize is the largest message: it is held several times over.
const maxSize = 512 << 20

// sizeUnits are tried in this order.
var sizeUnits = []struct { //nolint:gochecknoglobals // a constant
	suffix string
	bytes  int
}{{"KiB", 1 << 10}, {"MiB", 1 << 20}, {"kB", 1000}, {"KB", 1000}, {"MB", 1_000_000}, {"B", 1}, {"", 1}}

func parseSize(text string) (int, error) {
	for _, unit := range sizeUnits {
		digits, found := strings.CutSuffix(text, unit.suffix)
		if !found {
			continue
		}
		n, err := strconv.Atoi(digits)
		if err != nil || n < 0 || n > maxSize/unit.bytes {
			break
		}
		return n * unit.bytes, nil
	}
	return 0, usagef("for example --size 100B,64KiB,4MiB", "size %q, expected \"0B\" to %q", text, sizeText(maxSize))
}

func sizeText(n int) string {
	switch {
	case n >= 1<<20 && n%(1<<20) == 0:
		return fmt.Sprintf("%dMiB", n>>20)
	case n >= 1<<10 && n%(1<<10) == 0:
		return fmt.Sprintf("%dKiB", n>>10)
	default:
		return fmt.Sprintf("%dB", n)
	}
}

// parseRate reads the stages of --rate; those without a time share the whole.
func parseRate(text string, whole time.Duration) ([]load.Stage, error) {
	if text == "" {
		return nil, nil
	}
	refuse := func(part string) error {
		return usagef("for example --rate 1000, --rate 100,200,400 or --rate 100..1000/10s", "--rate %q is no rate, expected calls a second up to \"%g\"", part, load.MaxRate)
	}
	parts := strings.Split(text, ",")
	stages := make([]load.Stage, len(parts))
	for i, part := range parts {
		rates, span, timed := strings.Cut(part, "/")
		stage := load.Stage{Duration: whole / time.Duration(len(parts))}
		var err error
		if timed {
			if stage.Duration, err = time.ParseDuration(span); err != nil || stage.Duration <= 0 {
				return nil, refuse(part)
			}
		}
		from, to, ramp := strings.Cut(rates, "..")
		if !ramp {
			to = from
		}
		stage.From, err = strconv.ParseFloat(from, 64)
		if err == nil {
			stage.To, err = strconv.ParseFloat(to, 64)
		}
		if err != nil || !(stage.From >= 0 && stage.To >= 0 && max(stage.From, stage.To) > 0 && max(stage.From, stage.To) <= load.MaxRate) {
			return nil, refuse(part)
		}
		stages[i] = stage
	}
	return stages, nil
}
