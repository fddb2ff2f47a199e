package cmd

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"unicode"

	"github.com/pyvider/rpcplugin/pkg/handshake"
)

// handshakeCommand explains lines.
type handshakeCommand struct {
	Parse parseCommand `cmd:"" help:"Explain a handshake line, field by field."`
}

// parseCommand explains one line.
type parseCommand struct {
	Line   string `arg:"" optional:"" default:"-" help:"The line; - reads stdin, @FILE a file."`
	Output string `short:"o" enum:"text,json" default:"text" help:"Form of the output."`
}

// lineInfo is the JSON form of a line.
type lineInfo struct {
	CoreVersion int              `json:"core_version"`
	AppVersion  int              `json:"app_version"`
	Network     string           `json:"network"`
	Address     string           `json:"address"`
	Protocol    string           `json:"protocol"`
	Certificate *certificateInfo `json:"certificate,omitempty"`
	Multiplex   *bool            `json:"multiplex,omitempty"`
}

// Run reads, checks and prints. A line that a host would refuse is shown as
// far as it goes, and the refusal is the error.
func (c *parseCommand) Run(p *Program) error {
	text, err := c.text(p.Stdin)
	if err != nil {
		return err
	}
	expected := handshake.Expectation{Protocols: []string{handshake.ProtocolGRPC, handshake.ProtocolNetRPC}}
	line, err := handshake.ParseLine(text)
	if err != nil {
		// A host reports the first thing wrong in its own order, and passes over
		// a field 7 that it did not ask for.
		if line, err = handshake.AcceptLine(text, expected); err != nil {
			return &startError{err: err}
		}
	}
	info := lineInfo{
		CoreVersion: line.CoreVersion, AppVersion: line.AppVersion,
		Network: line.Network, Address: line.Address, Protocol: line.Protocol,
	}
	if line.Multiplex != handshake.MultiplexAbsent {
		multiplex := line.Multiplex == handshake.MultiplexYes
		info.Multiplex = &multiplex
	}
	refusal := line.Check(expected)
	info.Certificate, _ = describeCertificate(line.Certificate) // the check says what is wrong with it
	if c.Output == "json" {
		err = writeJSON(p.Stdout, info)
	} else {
		err = info.write(p.Stdout, line, text)
	}
	if err == nil && refusal != nil {
		return &startError{err: refusal}
	}
	return err
}

// text finds the line: the first one of what was given.
func (c *parseCommand) text(stdin io.Reader) (string, error) {
	var data []byte
	var err error
	switch {
	case c.Line == "-" && isTerminal(stdin):
		return "", usagef("rpcplugin handshake parse '1|6|unix|/path|grpc|', in quotes that keep the shell off", "no line was given")
	case c.Line == "-":
		data, err = bufio.NewReader(io.LimitReader(stdin, handshake.MaxLineBytes)).ReadBytes('\n')
		if errors.Is(err, io.EOF) { // that ends a line as well
			err = nil
		}
	case strings.HasPrefix(c.Line, "@"):
		data, err = os.ReadFile(c.Line[1:])
	default:
		return c.Line, nil
	}
	if err != nil {
		return "", &usageError{err: err, hint: "a line is given as it is, @FILE reads a file, - reads stdin"}
	}
	first, _, _ := strings.Cut(string(data), "\n")
	return first, nil
}

// narrow is the width of a terminal that a table is to fit.
const narrow = 80

// write prints a row a field: number, name, value and meaning. Where that is too
// wide for a terminal, the meanings go below the values.
func (i lineInfo) write(w io.Writer, line handshake.Line, text string) error {
	rows := i.rows(line, text)
	for _, form := range []string{"%s\t%s\t%s\t%s\n", "%s\t%s\t%s\n\t\t  %s\n"} {
		var b strings.Builder
		table := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
		for _, row := range rows {
			fmt.Fprintf(table, form, row[0], row[1], row[2], row[3])
		}
		if err := table.Flush(); err != nil {
			return err
		}
		widest := slices.MaxFunc(strings.Split(b.String(), "\n"), func(a, b string) int { return len(a) - len(b) })
		if len(widest) <= narrow || strings.Contains(form, "\n\t") {
			_, err := io.WriteString(w, b.String())
			return err
		}
	}
	return nil
}

// rows are the fields as people read them.
func (i lineInfo) rows(line handshake.Line, text string) (rows [][4]string) {
	row := func(number int, name, value, meaning string) {
		rows = append(rows, [4]string{strconv.Itoa(number), name, printable(value), meaning})
	}
	row(1, "core version", fmt.Sprint(i.CoreVersion), "of the go-plugin protocol itself, always 1")
	row(2, "app version", fmt.Sprint(i.AppVersion), "of the plugin's services, offered by the host")
	row(3, "network", i.Network, "how the plugin is reached: unix or tcp")
	row(4, "address", i.Address, "where: a socket's path, or host:port")
	row(5, "protocol", i.Protocol, protocolMeaning(i.Protocol))
	switch {
	case i.Certificate != nil:
		row(6, "certificate", fmt.Sprintf("%s, %s, until %s", i.Certificate.Key, i.Certificate.Subject, i.Certificate.NotAfter.Format("2006-01-02")),
			"sha256 "+i.Certificate.SHA256)
	case len(line.Certificate) > 0:
		row(6, "certificate", fmt.Sprintf("%d bytes", len(line.Certificate)), "that are no certificate")
	case len(strings.Split(text, "|")) > 5 && strings.TrimSpace(strings.Split(text, "|")[5]) != "":
		row(6, "certificate", strings.TrimSpace(strings.Split(text, "|")[5]), "too short for a certificate: hosts pass it over")
	default:
		row(6, "certificate", "none", "no TLS: the host sent no PLUGIN_CLIENT_CERT")
	}
	row(7, "multiplexing", line.Multiplex.String(), multiplexMeaning(line.Multiplex))
	return rows
}

// printable quotes what would move the cursor or change the colour.
func printable(value string) string {
	if strings.IndexFunc(value, func(r rune) bool { return !unicode.IsPrint(r) }) < 0 {
		return value
	}
	return strconv.Quote(value)
}

func protocolMeaning(protocol string) string {
	if protocol == handshake.ProtocolNetRPC {
		return "Go's net/rpc, which only Go plugins speak"
	}
	return "what is spoken there"
}

func multiplexMeaning(m handshake.Multiplex) string {
	switch m {
	case handshake.MultiplexYes:
		return "brokered connections share this one"
	case handshake.MultiplexNo:
		return "brokered connections are sockets of their own"
	case handshake.MultiplexAbsent:
		return "not asked for"
	default:
		return ""
	}
}
