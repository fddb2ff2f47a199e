package cmd

import (
	"slices"
	"strconv"
	"strings"

	"github.com/pyvider/rpcplugin/internal/load"
	"github.com/pyvider/rpcplugin/internal/load/echo"
)

// benchCell is one combination of what is varied.
type benchCell struct {
	transport, tls, streams string
	size                    int
	mux, bridge             bool
	concurrency             int
}

// benchPlan is what the flags ask for.
type benchPlan struct {
	cells  []benchCell
	varied []string // dimensions of more than one value
	stages []load.Stage
}

// defaultMatrix is --matrix default.
var defaultMatrix = []string{"transport=unix,tcp", "tls=off,auto", "size=100B,64KiB"} //nolint:gochecknoglobals // a constant

// plan checks the flags.
func (b *benchRun) plan() (benchPlan, error) {
	var plan benchPlan
	if err := b.checkFlags(); err != nil {
		return plan, err
	}
	limits, err := parseLimits(b.FailIf)
	if err != nil {
		return plan, err
	}
	b.limits = limits
	if b.Call != "" {
		if b.source, err = openData(b.Data, b.program.Stdin); err != nil {
			return plan, err
		}
		if b.source.live != nil { // each plugin of a matrix needs them
			if b.source.documents, err = allDocuments(b.source.live); err != nil {
				return plan, err
			}
			b.source.live = nil
		}
	}
	if plan.stages, err = parseRate(b.Rate, b.Duration); err != nil {
		return plan, err
	}
	if err := b.combine(&plan); err != nil {
		return plan, err
	}
	for _, cell := range plan.cells {
		if err := b.checkCell(cell); err != nil {
			return plan, err
		}
	}
	return plan, nil
}

func (b *benchRun) checkFlags() error {
	foreign := b.foreign()
	switch {
	case b.Rounds < 1 || b.Rounds > 1000:
		return usagef("for example --rounds 10", "--rounds is \"%d\", expected \"1\" to \"1000\"", b.Rounds)
	case b.Concurrency < 0 || b.Concurrency > load.MaxWorkers:
		return usagef("for example --concurrency 50", "--concurrency is \"%d\", expected \"1\" to \"%d\"", b.Concurrency, load.MaxWorkers)
	case b.Connections < 1 || b.Connections > 256:
		return usagef("for example --connections 4", "--connections is \"%d\", expected \"1\" to \"256\"", b.Connections)
	case b.Messages < 1 || b.Messages > 1_000_000:
		return usagef("for example --messages 100", "--messages is \"%d\", expected \"1\" to \"1000000\"", b.Messages)
	case b.Duration <= 0:
		return usagef("write it like 500ms, 10s or 2m", "--duration is %q, expected more than \"0s\"", b.Duration)
	case b.Warmup < 0:
		return checkDuration("--warmup", b.Warmup)
	case foreign && b.Call == "" && !b.Lifecycle:
		return usagef("\"rpcplugin connect list\" shows what it serves; without a plugin the built-in one is measured", "--call is missing, expected the method of the plugin that is to be called")
	case !foreign && b.Call != "":
		return usagef("the plugin's command follows a bare \"--\"", "--call %q is for a plugin that is named, and none is", b.Call)
	case b.Call != "" && (b.Streams != "unary" || !slices.Equal(b.Size, []string{"100B"})):
		return usagef("the method itself says what streams, and --data what is sent", "--streams and --size are for the built-in plugin, not for --call")
	case b.Lifecycle && (b.Matrix != "" || b.Rate != "" || len(b.Size) > 1):
		return usagef("run the two one after the other", "--lifecycle measures no calls, expected neither --matrix nor --rate nor several sizes")
	case b.Lifecycle && (b.Attach != "" || b.Reattach != ""):
		return usagef("name its command after \"--\"", "--lifecycle starts the plugin, expected no --attach and no --reattach")
	case len(b.Dimensions) > 0 && b.Matrix == "":
		return usagef("a plugin's command follows a bare \"--\", dimensions follow --matrix", "unexpected argument %q", b.Dimensions[0])
	}
	return nil
}

// foreign reports whether another plugin than the built-in one is meant.
func (b *benchRun) foreign() bool {
	return len(b.command) > 0 || b.Attach != "" || b.Reattach != ""
}

// combine makes the cells.
func (b *benchRun) combine(plan *benchPlan) error {
	size, err := parseSize(b.Size[0])
	if err != nil {
		return err
	}
	plan.cells = []benchCell{{
		transport: b.Transport, tls: b.TLS, streams: b.Streams, size: size,
		mux: b.Mux == "on", bridge: b.Bridge == "on", concurrency: b.Concurrency,
	}}
	dimensions := slices.Clone(b.Dimensions)
	switch {
	case b.Matrix == "default":
		dimensions = append(slices.Clone(defaultMatrix), dimensions...)
	case b.Matrix != "":
		dimensions = append([]string{b.Matrix}, dimensions...)
	}
	if len(b.Size) > 1 {
		dimensions = append(dimensions, "size="+strings.Join(b.Size, ","))
	}
	for _, dimension := range dimensions {
		name, list, found := strings.Cut(dimension, "=")
		if !found || list == "" {
			return usagef("for example --matrix transport=unix,tcp tls=off,auto", "--matrix %q is not of the form NAME=A,B", dimension)
		}
		if slices.Contains(plan.varied, name) {
			return usagef("name all its values at once", "--matrix has %q twice", name)
		}
		plan.varied = append(plan.varied, name)
		var next []benchCell
		for _, cell := range plan.cells {
			for value := range strings.SplitSeq(list, ",") {
				other := cell
				if err := other.set(name, value); err != nil {
					return err
				}
				next = append(next, other)
			}
		}
		if plan.cells = next; len(plan.cells) > 256 {
			return usagef("vary less at once", "--matrix makes more than \"256\" combinations")
		}
	}
	return nil
}

// set gives a dimension its value.
func (c *benchCell) set(name, value string) error {
	oneOf := func(target *string, values ...string) error {
		if !slices.Contains(values, value) {
			return usagef("one of "+strings.Join(values, ", "), "--matrix %s=%q is not known", name, value)
		}
		*target = value
		return nil
	}
	var choice string
	var err error
	switch name {
	case "transport":
		return oneOf(&c.transport, "unix", "tcp")
	case "tls":
		return oneOf(&c.tls, "off", "auto", "rsa")
	case "streams":
		return oneOf(&c.streams, echo.Kinds()...)
	case "mux":
		err = oneOf(&choice, "off", "on")
		c.mux = choice == "on"
	case "bridge":
		err = oneOf(&choice, "off", "on")
		c.bridge = choice == "on"
	case "size":
		c.size, err = parseSize(value)
	case "concurrency":
		if c.concurrency, err = strconv.Atoi(value); err != nil || c.concurrency < 1 || c.concurrency > load.MaxWorkers {
			return usagef("for example --matrix concurrency=1,50", "--matrix concurrency=%q, expected \"1\" to \"%d\"", value, load.MaxWorkers)
		}
	default:
		return usagef("it varies transport, tls, size, mux, bridge, streams, concurrency", "--matrix %q is not known", name)
	}
	return err
}

// checkCell refuses what no plugin can be.
func (b *benchRun) checkCell(c benchCell) error {
	switch {
	case c.tls == "rsa" && (b.foreign() || c.bridge):
		return usagef("tls=auto or tls=off", "tls=rsa is for the built-in plugin without a bridge")
	case (c.bridge || c.mux) && (b.Attach != "" || b.Reattach != ""):
		return usagef("name its command after \"--\"", "a plugin that runs already cannot be given a bridge or multiplexing")
	case b.Call != "" && c.size != 100:
		return usagef("--data says what is sent", "size is for the built-in plugin, not for --call")
	}
	return nil
}

// value is a dimension's value as it is typed.
func (c benchCell) value(name string) string {
	onOff := map[bool]string{false: "off", true: "on"}
	switch name {
	case "transport":
		return c.transport
	case "tls":
		return c.tls
	case "streams":
		return c.streams
	case "mux":
		return onOff[c.mux]
	case "bridge":
		return onOff[c.bridge]
	case "concurrency":
		return strconv.Itoa(c.concurrency)
	default:
		return sizeText(c.size)
	}
}
