package cmd

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	_ "google.golang.org/genproto/googleapis/rpc/errdetails" // so that they can be shown
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protojson"

	"github.com/pyvider/rpcplugin/internal/schema"
)

// callReport prints one call as it goes on, or as one document at its end.
type callReport struct {
	*caller

	method   string
	sources  schema.Sources
	headers  metadata.MD
	messages []json.RawMessage
	timings  callTimings
}

// callTimings are milliseconds since the call began, but for schema, which was
// before.
type callTimings struct {
	Schema float64 `json:"schema"`
	Header float64 `json:"header"`
	First  float64 `json:"first_message,omitempty"`
	Total  float64 `json:"total"`
	// Start is what the start of the plugin took.
	Start *phaseInfo `json:"start,omitempty"`
}

// callEnvelope is the JSON form of a call.
type callEnvelope struct {
	Method   string              `json:"method"`
	Headers  map[string][]string `json:"headers"`
	Messages []json.RawMessage   `json:"messages"`
	Trailers map[string][]string `json:"trailers"`
	Status   statusInfo          `json:"status"`
	Plugin   *pluginDeath        `json:"plugin,omitempty"`
	Timings  callTimings         `json:"timings_ms"`
}

// statusInfo is the JSON form of a gRPC status.
type statusInfo struct {
	Code    int               `json:"code"`
	Name    string            `json:"name"`
	Message string            `json:"message"`
	Details []json.RawMessage `json:"details"`
}

// header takes the headers of the response.
func (r *callReport) header(headers metadata.MD) {
	r.headers = headers
	if !r.Verbose || r.output == "json" {
		return
	}
	fmt.Fprintf(r.p.Stderr, "> %s\n", r.method)
	printHeaders(r.p, ">", r.caller.headers)
	printHeaders(r.p, "<", headers)
}

// message takes a response as JSON.
func (r *callReport) message(data []byte) error {
	if r.output == "json" {
		r.messages = append(r.messages, compactJSON(data))
		return nil
	}
	return writeIndented(r.p.Stdout, data, r.paint)
}

// writeIndented prints JSON over several lines.
func writeIndented(w io.Writer, data []byte, paint func(string) string) error {
	var text bytes.Buffer
	if err := json.Indent(&text, compactJSON(data), "", "  "); err != nil {
		return err
	}
	_, err := fmt.Fprintln(w, paint(text.String()))
	return err
}

// end takes the end of the call, whose error it returns.
func (r *callReport) end(x *exchange, err error) error {
	call, failed := errors.AsType[*callError](err)
	if err != nil && !failed {
		return err
	}
	r.timings.Header, r.timings.First, r.timings.Total = milliseconds(x.toHeader), milliseconds(x.toFirst), milliseconds(x.took)
	ended := status.New(codes.OK, "")
	if failed {
		ended = call.status
		call.details = r.details(ended)
	}
	if r.output != "json" {
		r.verboseEnd(x, ended)
		return err
	}
	envelope := callEnvelope{
		Method: r.method, Headers: shownHeaders(r.headers), Trailers: shownHeaders(x.trailer), Timings: r.timings,
		Messages: append([]json.RawMessage{}, r.messages...),
		Status:   statusInfo{Code: int(ended.Code()), Name: ended.Code().String(), Message: ended.Message(), Details: r.details(ended)},
	}
	if failed {
		envelope.Plugin = call.death
	}
	return errors.Join(err, writeJSON(r.p.Stdout, envelope))
}

func (r *callReport) verboseEnd(x *exchange, ended *status.Status) {
	if !r.Verbose {
		return
	}
	printHeaders(r.p, "<", x.trailer)
	first := ""
	if r.timings.First > 0 {
		first = fmt.Sprintf(", first message %.1f ms", r.timings.First)
	}
	fmt.Fprintf(r.p.Stderr, "* %s; schema %.1f ms, header %.1f ms%s, total %.1f ms\n",
		ended.Code(), r.timings.Schema, r.timings.Header, first, r.timings.Total)
	if r.timings.Start != nil {
		fmt.Fprintf(r.p.Stderr, "* start: %s\n", r.timings.Start)
	}
}

// details reads those of a status: google.rpc's, and the plugin's own. What
// nobody knows is shown as it is.
func (r *callReport) details(ended *status.Status) []json.RawMessage {
	shown := []json.RawMessage{}
	for _, detail := range ended.Proto().GetDetails() {
		data, err := protojson.MarshalOptions{Resolver: r.sources}.Marshal(detail)
		if err != nil {
			data, _ = json.Marshal(map[string]string{"@type": detail.GetTypeUrl(), "value": base64.StdEncoding.EncodeToString(detail.GetValue())})
		}
		shown = append(shown, compactJSON(data))
	}
	return shown
}

// shownHeaders is metadata with the values of -bin in base64, as they travel.
func shownHeaders(headers metadata.MD) map[string][]string {
	shown := make(map[string][]string, len(headers))
	for name, values := range headers {
		values = slices.Clone(values)
		if strings.HasSuffix(name, "-bin") {
			for i, value := range values {
				values[i] = base64.StdEncoding.EncodeToString([]byte(value))
			}
		}
		shown[name] = values
	}
	return shown
}

// printHeaders prints metadata on stderr, by name.
func printHeaders(p *Program, mark string, headers metadata.MD) {
	shown := shownHeaders(headers)
	for _, name := range slices.Sorted(maps.Keys(shown)) {
		for _, value := range shown[name] {
			fmt.Fprintf(p.Stderr, "%s %s: %s\n", mark, name, value)
		}
	}
}
