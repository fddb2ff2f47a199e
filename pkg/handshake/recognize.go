package handshake

import (
	"regexp"
	"strconv"
	"strings"
	"sync"
)

// Output is a kind of output that is found where a handshake line should be.
// The values are stable and fit for machine-readable output.
type Output string

// The kinds of output that [Recognize] knows.
const (
	OutputUnknown   Output = ""          // nothing that is often seen
	OutputNothing   Output = "nothing"   // no text at all, or a blank first line
	OutputLine      Output = "line"      // a handshake line
	OutputLaterLine Output = "late-line" // a handshake line, but not in the first line
	OutputDressed   Output = "dressed"   // a handshake line with a mark, colours or quotes around it
	OutputUTF16     Output = "utf-16"    // text of two bytes a character
	OutputBinary    Output = "binary"    // a program or an archive, not its output
	OutputScript    Output = "script"    // a program's text, not its output
	OutputMarkup    Output = "markup"    // HTML or XML
	OutputPEM       Output = "pem"       // a certificate or key
	OutputCrash     Output = "crash"     // the last words of some language's runtime
	OutputShell     Output = "shell"     // a shell or loader could not run the program
	OutputNoCookie  Output = "no-cookie" // what plugins say to people who start them
	OutputUsage     Output = "usage"     // a help text
	OutputReattach  Output = "reattach"  // how to attach, of a plugin that serves by itself
	OutputLog       Output = "log"       // a log line
)

// sign is how one kind of output is known by its first line.
type sign struct {
	kind    Output
	pattern *regexp.Regexp
	advice  string
}

// signs are tried in their order.
var signs = sync.OnceValue(func() []sign {
	of := func(kind Output, pattern, advice string) sign {
		return sign{kind, regexp.MustCompile(`(?i)^\s*(?:` + pattern + `)`), advice}
	}
	return []sign{
		of(OutputMarkup, `<(!doctype|html|head|body|\?xml|!--)`,
			"this is HTML or XML: a web page was saved in the place of the plugin, or it prints one; download the plugin itself"),
		of(OutputPEM, `-----BEGIN `,
			"this is PEM: a certificate goes into field 6 as base64 without its BEGIN and END lines, and a key nowhere"),
		of(OutputCrash, `Traceback \(most recent call last\)|Traceback|panic:|fatal error:|thread '.*' panicked|Exception in thread|Unhandled exception|`+
			`node:internal|Uncaught |(\w+\.)*\w*Error: |SyntaxError|segmentation fault`,
			"the plugin crashed before its handshake line: what follows on its stdout and stderr says why"),
		of(OutputReattach, `Provider started|\{"[^"]*/[^"]*":\{"Protocol"|\{"Protocol"|(export )?TF_REATTACH_PROVIDERS=`,
			"this plugin serves by itself and says how to attach: start it without its debug flag, or attach with connect --reattach"),
		of(OutputNoCookie, `.*(binary is a plugin|not meant to be executed directly|is a plugin and does nothing useful)`,
			"the plugin did not find its magic cookie: start it by its host, or with the variables that \"handshake env\" prints"),
		of(OutputShell, `.*(command not found|: not found$|No such file or directory|Permission denied|cannot execute|exec format error|`+
			`error while loading shared libraries|bad interpreter|is not recognized as an internal)`,
			"the program could not be run at all: check its path, its mode, its interpreter and that it is for this machine"),
		of(OutputUsage, `usage\b|.*: unknown (flag|option|command)|.*unrecognized (option|argument)|flag provided but not defined`,
			"the program printed its usage: check the command and arguments that start the plugin"),
		of(OutputLog, `[{]|\[|level=|time=|ts=|msg=|\d{4}[-/]\d\d[-/]\d\d[ T]|\d\d:\d\d:\d\d|(TRACE|DEBUG|INFO|WARN|WARNING|ERROR|CRITICAL)\b`,
			"this looks like a log line: stdout belongs to the handshake, so send logs to stderr"),
	}
})

// binaries are how files begin that are no text.
func binaries() []string {
	return []string{
		"\x7fELF", "MZ", "\xcf\xfa\xed\xfe", "\xca\xfe\xba\xbe", "\x1f\x8b", "PK\x03\x04", "\x00asm", "\xfd7zXZ", "\x28\xb5\x2f\xfd",
	}
}

var (
	lineShape = regexp.MustCompile(`^[ \t]*\+?\d+\|\+?\d+\|[a-z]+\|`)
	colours   = regexp.MustCompile(`\x1b\[[0-9;?]*[A-Za-z]`)
)

// Recognize says what output is that was found where a handshake line should
// be, and what to do about it: one line, lower case, no full stop. The output is
// the first line of a plugin's stdout, or more. Of output that is nothing known,
// and of a handshake line, the advice is empty.
func Recognize(output string) (kind Output, advice string) {
	line, rest, _ := strings.Cut(output, "\n")
	if lineShape.MatchString(line) {
		return OutputLine, ""
	}
	if kind, advice := recognizeBytes(line); kind != OutputUnknown {
		return kind, advice
	}
	later := 2
	for next := range strings.SplitSeq(rest, "\n") {
		if lineShape.MatchString(next) {
			return OutputLaterLine, laterAdvice(line, later)
		}
		later++
	}
	return recognizeText(line)
}

// recognizeBytes knows text by the bytes around it, and what is no text.
func recognizeBytes(line string) (Output, string) {
	bare := strings.Trim(colours.ReplaceAllString(strings.TrimPrefix(line, "\ufeff"), ""), " \t\r\"'`")
	dressed := lineShape.MatchString(bare)
	switch {
	case dressed && strings.HasPrefix(line, "\ufeff"):
		return OutputDressed, "the line starts with a byte order mark: write plain UTF-8 without one"
	case dressed && strings.Contains(line, "\x1b"):
		return OutputDressed, "the line has terminal colors in it: write it without them"
	case dressed:
		return OutputDressed, "the line has quotes around it: print it without them"
	case strings.HasPrefix(line, "#!"):
		return OutputScript, "this is the text of a script, not what it prints: start it and give its first line"
	}
	for _, start := range binaries() {
		if strings.HasPrefix(line, start) {
			return OutputBinary, "this is a program or an archive, not what it prints: start the plugin and give its first line"
		}
	}
	switch {
	case strings.HasPrefix(line, "\xff\xfe"), strings.HasPrefix(line, "\xfe\xff"), strings.Contains(line, "|\x00"), strings.Contains(line, "\x00|"):
		return OutputUTF16, "the line is written in UTF-16: write plain UTF-8"
	case strings.Contains(line, "\x00"):
		return OutputBinary, "this is no text: start the plugin and give the first line that it prints"
	}
	return OutputUnknown, ""
}

func laterAdvice(line string, number int) string {
	where := "the handshake line is line " + strconv.Itoa(number) + " and must be the first: "
	if strings.TrimSpace(line) == "" {
		return where + "take away the empty print before it"
	}
	kind, advice := recognizeText(line)
	if kind == OutputUnknown || kind == OutputLog {
		advice = "send what was printed before it to stderr"
	}
	return where + advice
}

func recognizeText(line string) (Output, string) {
	if strings.TrimSpace(line) == "" {
		return OutputNothing, "the first thing on the plugin's stdout was a blank line, or nothing at all: " +
			"the handshake line must come first, so look for an empty print and read the plugin's stderr"
	}
	for _, s := range signs() {
		if s.pattern.MatchString(line) {
			return s.kind, s.advice
		}
	}
	return OutputUnknown, ""
}
