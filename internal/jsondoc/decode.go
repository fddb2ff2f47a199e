package jsondoc

import (
	"errors"
	"regexp"
	"strconv"
	"strings"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoregistry"
)

// Resolver finds the types of what is in an Any, and extensions.
type Resolver interface {
	protoregistry.MessageTypeResolver
	protoregistry.ExtensionTypeResolver
}

// Decode reads a document into a message. The error is an *Error.
func Decode(document Document, message proto.Message, resolver Resolver) error {
	err := protojson.UnmarshalOptions{Resolver: resolver}.Unmarshal(document.Data, message)
	if err == nil {
		return nil
	}
	wrong := diagnose(document.Data, message.ProtoReflect().Descriptor())
	if wrong == nil {
		wrong = refused(err)
	}
	return wrong.in(document)
}

// mistake is an Error within one document.
type mistake struct {
	offset                int64
	path, found, expected string
	err                   error
	// line and column are set, and offset is not, where protojson found it.
	line, column int
}

// in is the mistake as an Error of the whole text.
func (m *mistake) in(document Document) *Error {
	wrong := &Error{Document: document.Number, Path: m.path, Found: m.found, Expected: m.expected, Err: m.err}
	if m.line == 0 {
		wrong.Line, wrong.Column = document.position(m.offset)
		return wrong
	}
	wrong.Line, wrong.Column = document.position(0)
	if m.line == 1 {
		wrong.Column += m.column - 1
	} else {
		wrong.Column = m.column
	}
	wrong.Line += m.line - 1
	return wrong
}

// refused is what protojson refuses and diagnose sees nothing wrong with. Its
// texts begin with "proto:", one of two kinds of space, and the position.
func refused(err error) *mistake {
	text := strings.TrimSpace(strings.TrimPrefix(err.Error(), "proto:"))
	wrong := &mistake{line: 1, column: 1}
	if at := regexp.MustCompile(`\(line (\d+):(\d+)\): `).FindStringSubmatchIndex(text); at != nil {
		wrong.line, _ = strconv.Atoi(text[at[2]:at[3]])
		wrong.column, _ = strconv.Atoi(text[at[4]:at[5]])
		text = text[:at[0]] + text[at[1]:]
	}
	wrong.err = errors.New(text)
	return wrong
}
