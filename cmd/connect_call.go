package cmd

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// callCommand calls one method.
type callCommand struct {
	callFlags

	Method string `arg:"" help:"Method: package.Service/Method or package.Service.Method."`
	Data   string `short:"d" default:"{}" placeholder:"JSON" help:"Request, several documents for a stream of requests; @ reads stdin, as it comes where the method takes a stream, @FILE a file."`
}

// callFlags say how methods are called.
type callFlags struct {
	Header       []string      `short:"H" sep:"none" placeholder:"NAME: VALUE" help:"Header to send; may be given again. The value of one that ends in -bin is base64."`
	MaxTime      time.Duration `default:"0s" help:"How long a call may take, of which the plugin is told; 0s is no bound."`
	MessageSize  int           `placeholder:"BYTES" help:"Largest message to send and to take; default: 2 GiB."`
	EmitDefaults bool          `help:"Show fields that have their default values, too."`
	Raw          bool          `help:"Leave Terraform's dynamic values as they are on the wire."`
	Verbose      bool          `short:"v" help:"Show headers, trailers and times on stderr."`
}

// Help is the long help.
func (callCommand) Help() string {
	return `Responses are printed as they come. With -o json there is one document for the
whole call: its method, headers, messages, trailers, status and times.

  rpcplugin connect --attach ADDRESS call pkg.Service/Method \
    -H 'authorization: Bearer x' -d '{"name": "a"}'
  rpcplugin connect call pkg.Service/Stream -d @ -- ./plugin <requests.json`
}

// Run starts the plugin, calls and prints.
func (c *callCommand) Run(ctx context.Context, p *Program, g globals, f *connectFlags, command pluginCommand) error {
	source, err := openData(c.Data, p.Stdin)
	if err != nil {
		return err
	}
	caller, err := c.caller(p, g, f.Output)
	if err != nil {
		return err
	}
	return f.within(ctx, p, g, command, needs{sources: true, method: c.Method}, func(ctx context.Context, s *session) error {
		return caller.call(ctx, s, c.Method, source)
	})
}

// caller calls methods of a session and prints what comes.
type caller struct {
	callFlags

	p       *Program
	headers metadata.MD
	output  string
	paint   func(string) string
	// choose returns the codec of a method.
	choose func(context.Context, *session, protoreflect.MethodDescriptor) (codec, error)
}

// caller checks the flags.
func (f *callFlags) caller(p *Program, g globals, output string) (*caller, error) {
	headers, err := parseHeaders(f.Header)
	if err != nil {
		return nil, err
	}
	if f.MessageSize < 0 {
		return nil, usagef("for example --message-size 16777216", "--message-size is \"%d\", expected a number of bytes", f.MessageSize)
	}
	if err := checkDuration("--max-time", f.MaxTime); err != nil {
		return nil, err
	}
	return &caller{callFlags: *f, p: p, headers: headers, output: output, paint: g.painter(p), choose: f.codec}, nil
}

// parseHeaders reads NAME: VALUE.
func parseHeaders(texts []string) (metadata.MD, error) {
	headers := metadata.MD{}
	for _, text := range texts {
		name, value, found := strings.Cut(text, ":")
		name, value = strings.ToLower(strings.TrimSpace(name)), strings.TrimSpace(value)
		switch {
		case !found || name == "" || strings.ContainsAny(name, " \t"):
			return nil, usagef("for example -H 'authorization: Bearer x'", "--header %q is not of the form NAME: VALUE", text)
		case strings.HasPrefix(name, "grpc-"):
			return nil, usagef("headers that begin with grpc- are gRPC's own; --max-time sets a deadline", "--header %q is gRPC's own", name)
		case strings.HasSuffix(name, "-bin"):
			data, err := base64.RawStdEncoding.DecodeString(strings.TrimRight(value, "="))
			if err != nil {
				return nil, usagef("for example -H 'trace-bin: AAEC'", "--header %q is %q, expected base64", name, value)
			}
			value = string(data)
		}
		headers.Append(name, value)
	}
	return headers, nil
}

// call makes one call and prints it.
func (c *caller) call(ctx context.Context, s *session, name string, source *dataSource) error {
	began := time.Now()
	target, err := c.prepare(ctx, s, name, source)
	if err != nil {
		return err
	}
	report := &callReport{caller: c, method: methodPath(target.method), sources: s.sources}
	report.timings.Schema = milliseconds(time.Since(began))
	if s.attached == nil {
		report.timings.Start = new(startPhases(s.phases))
	}
	exchange := &exchange{
		conn: s.Conn(), method: target.method, headers: c.headers, maxTime: c.MaxTime, options: c.options(),
		onHeader: report.header,
		onMessage: func(response, request proto.Message) error {
			known, err := c.renewed(ctx, s, target, response)
			if err != nil {
				return err
			}
			data, err := target.codec.encode(known, request)
			if err != nil {
				return err
			}
			return report.message(data)
		},
	}
	err = exchange.run(ctx, target.requests)
	return report.end(exchange, s.autopsy(c.explain(err)))
}

// options are those of the flags.
func (c *caller) options() []grpc.CallOption {
	if c.MessageSize == 0 {
		return nil
	}
	return []grpc.CallOption{grpc.MaxCallRecvMsgSize(c.MessageSize), grpc.MaxCallSendMsgSize(c.MessageSize)}
}

// methodPath is a method as gRPC writes it, without the leading slash.
func methodPath(method protoreflect.MethodDescriptor) string {
	return fmt.Sprintf("%s/%s", method.Parent().FullName(), method.Name())
}

// compactJSON puts a document on one line: protojson varies its spaces on
// purpose.
func compactJSON(data []byte) json.RawMessage {
	var compact bytes.Buffer
	if json.Compact(&compact, data) != nil {
		return data
	}
	return compact.Bytes()
}
