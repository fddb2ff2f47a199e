package cmd

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"google.golang.org/grpc"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/dynamicpb"

	"github.com/pyvider/rpcplugin/internal/schema"
)

// callCommand calls one method.
type callCommand struct {
	Method string `arg:"" help:"Method: package.Service/Method or package.Service.Method."`
	Data   string `short:"d" default:"{}" placeholder:"JSON" help:"Request, several documents for a stream of requests; @ reads stdin, @FILE a file."`
}

// Run starts the plugin, calls and prints every response as a JSON document.
func (c *callCommand) Run(ctx context.Context, p *Program, g globals, f *connectFlags, command pluginCommand) error {
	data, err := c.data(p.Stdin)
	if err != nil {
		return err
	}
	documents, err := splitDocuments(data)
	if err != nil {
		return err
	}
	return f.within(ctx, p, g, command, false, func(ctx context.Context, s *session) error {
		method, err := schema.Method(s.sources, c.Method)
		if err != nil {
			return usagef("\"connect list\" shows services, \"connect list SERVICE\" methods; --descriptor-set adds what the plugin does not tell", "%w", err)
		}
		requests, err := decodeRequests(documents, method)
		if err != nil {
			return err
		}
		return call(ctx, s.Conn(), method, requests, func(response *dynamicpb.Message) error {
			return printMessage(p.Stdout, response, f.Output)
		})
	})
}

// data reads the JSON text.
func (c *callCommand) data(stdin io.Reader) ([]byte, error) {
	switch {
	case c.Data == "@":
		return io.ReadAll(stdin)
	case strings.HasPrefix(c.Data, "@"):
		data, err := os.ReadFile(c.Data[1:])
		if err != nil {
			return nil, &usageError{err: err, hint: "--data @FILE reads a file, @ reads stdin"}
		}
		return data, nil
	default:
		return []byte(c.Data), nil
	}
}

// splitDocuments cuts a text into its JSON documents.
func splitDocuments(data []byte) ([]json.RawMessage, error) {
	decoder := json.NewDecoder(bytes.NewReader(data))
	var documents []json.RawMessage
	for {
		var document json.RawMessage
		err := decoder.Decode(&document)
		if errors.Is(err, io.EOF) {
			return documents, nil
		}
		if err != nil {
			return nil, usagef("for example --data '{\"key\": \"value\"}', in quotes that keep the shell off",
				"request %d is no JSON: %w", len(documents)+1, err)
		}
		documents = append(documents, document)
	}
}

// decodeRequests turns JSON documents into requests of method.
func decodeRequests(documents []json.RawMessage, method protoreflect.MethodDescriptor) ([]*dynamicpb.Message, error) {
	if !method.IsStreamingClient() && len(documents) != 1 {
		return nil, usagef("one JSON document is one request; {} is an empty one",
			"%d requests for %q, expected \"1\"", len(documents), method.FullName())
	}
	requests := make([]*dynamicpb.Message, len(documents))
	for i, document := range documents {
		requests[i] = dynamicpb.NewMessage(method.Input())
		if err := protojson.Unmarshal(document, requests[i]); err != nil {
			// Its text begins with "proto:" and one of two kinds of space.
			reason := strings.TrimSpace(strings.TrimPrefix(err.Error(), "proto:"))
			return nil, usagef(fmt.Sprintf("%s takes a %s, whose fields are %s", method.FullName(), method.Input().FullName(), fieldList(method.Input())),
				"request %d: %s", i+1, reason)
		}
	}
	return requests, nil
}

// fieldList names the fields of a message as JSON has them.
func fieldList(message protoreflect.MessageDescriptor) string {
	fields := message.Fields()
	if fields.Len() == 0 {
		return "none"
	}
	names := make([]string, fields.Len())
	for i := range names {
		names[i] = fields.Get(i).JSONName()
	}
	return strings.Join(names, ", ")
}

// call sends the requests and hands over the responses as they come.
func call(ctx context.Context, conn *grpc.ClientConn, method protoreflect.MethodDescriptor, requests []*dynamicpb.Message, each func(*dynamicpb.Message) error) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	path := fmt.Sprintf("/%s/%s", method.Parent().FullName(), method.Name())
	failed := func(err error) error {
		return &callError{method: strings.TrimPrefix(path, "/"), status: status.Convert(err)}
	}
	stream, err := conn.NewStream(ctx, &grpc.StreamDesc{
		ServerStreams: method.IsStreamingServer(), ClientStreams: method.IsStreamingClient(),
	}, path)
	if err != nil {
		return failed(err)
	}
	sent := make(chan error, 1)
	go func() { sent <- sendAll(stream, requests) }()
	for {
		response := dynamicpb.NewMessage(method.Output())
		err := stream.RecvMsg(response)
		if errors.Is(err, io.EOF) {
			return <-sent
		}
		if err != nil {
			cancel()
			<-sent
			return failed(err)
		}
		if err := each(response); err != nil {
			cancel()
			<-sent
			return err
		}
		if !method.IsStreamingServer() {
			return <-sent
		}
	}
}

// sendAll sends the requests. That the plugin has answered before the last one
// is for the receiving side to tell.
func sendAll(stream grpc.ClientStream, requests []*dynamicpb.Message) error {
	for _, request := range requests {
		if err := stream.SendMsg(request); err != nil {
			return nil //nolint:nilerr // RecvMsg returns the status
		}
	}
	return stream.CloseSend()
}

// printMessage writes one response: over several lines for people, on one for
// programs.
func printMessage(w io.Writer, message *dynamicpb.Message, output string) error {
	options := protojson.MarshalOptions{EmitUnpopulated: false}
	data, err := options.Marshal(message)
	if err != nil {
		return err
	}
	var text bytes.Buffer // protojson varies its spaces on purpose
	if output == "json" {
		err = json.Compact(&text, data)
	} else {
		err = json.Indent(&text, data, "", "  ")
	}
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(w, text.String())
	return err
}
