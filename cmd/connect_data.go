package cmd

import (
	"bytes"
	"errors"
	"io"
	"os"
	"strings"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/pyvider/rpcplugin/internal/jsondoc"
)

// dataHint is the advice about what is no JSON.
const dataHint = "for example --data '{\"key\": \"value\"}', in quotes that keep the shell off"

// dataSource is where the documents of a call come from.
type dataSource struct {
	documents []jsondoc.Document // that were given as a whole
	live      *jsondoc.Reader    // or nil
}

// openData reads data that is there, so that a mistake in it is found before a
// plugin is started; stdin is read by the call.
func openData(data string, stdin io.Reader) (*dataSource, error) {
	if data == "@" {
		return &dataSource{live: jsondoc.NewReader(stdin)}, nil
	}
	text := []byte(data)
	if path, isFile := strings.CutPrefix(data, "@"); isFile {
		var err error
		if text, err = os.ReadFile(path); err != nil {
			return nil, &usageError{err: err, hint: "--data @FILE reads a file, @ reads stdin"}
		}
	}
	documents, err := allDocuments(jsondoc.NewReader(bytes.NewReader(text)))
	return &dataSource{documents: documents}, err
}

func allDocuments(reader *jsondoc.Reader) ([]jsondoc.Document, error) {
	var documents []jsondoc.Document
	for {
		document, err := reader.Next()
		if errors.Is(err, io.EOF) {
			return documents, nil
		}
		if err != nil {
			return nil, &usageError{err: err, hint: dataHint}
		}
		documents = append(documents, document)
	}
}

// requests returns a function that yields the requests of a method and then
// io.EOF. They are all checked before, but for stdin where the method takes a
// stream: there each is read when the one before was sent.
func (d *dataSource) requests(method protoreflect.MethodDescriptor, codec codec) (func() (proto.Message, error), error) {
	if d.live != nil && method.IsStreamingClient() {
		return func() (proto.Message, error) {
			document, err := d.live.Next()
			if errors.Is(err, io.EOF) {
				return nil, err
			}
			if err != nil {
				return nil, &usageError{err: err, hint: dataHint}
			}
			return decodeRequest(document, method, codec)
		}, nil
	}
	if d.live != nil {
		documents, err := allDocuments(d.live)
		if err != nil {
			return nil, err
		}
		d.documents, d.live = documents, nil
	}
	requests, err := decodeAll(d.documents, method, codec)
	return once(requests...), err
}

// decodeAll turns JSON documents into requests of method.
func decodeAll(documents []jsondoc.Document, method protoreflect.MethodDescriptor, codec codec) ([]proto.Message, error) {
	if !method.IsStreamingClient() && len(documents) != 1 {
		return nil, usagef("one JSON document is one request; {} is an empty one",
			"%d requests for %q, expected \"1\"", len(documents), method.FullName())
	}
	requests := make([]proto.Message, len(documents))
	for i, document := range documents {
		var err error
		if requests[i], err = decodeRequest(document, method, codec); err != nil {
			return nil, err
		}
	}
	return requests, nil
}

func decodeRequest(document jsondoc.Document, method protoreflect.MethodDescriptor, codec codec) (proto.Message, error) {
	request, err := codec.decode(document, method.Input())
	if err != nil {
		hint := hintOf(err)
		if hint == "" {
			hint = "connect describe " + string(method.FullName()) + " --template shows a request to fill in"
		}
		return nil, &usageError{err: err, hint: hint}
	}
	return request, nil
}

// once yields messages, each once, and then io.EOF.
func once(messages ...proto.Message) func() (proto.Message, error) {
	return func() (proto.Message, error) {
		if len(messages) == 0 {
			return nil, io.EOF
		}
		first := messages[0]
		messages = messages[1:]
		return first, nil
	}
}
