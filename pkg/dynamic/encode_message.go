package dynamic

import (
	"encoding/base64"
	"errors"
	"regexp"
	"strings"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/dynamicpb"
)

// EncodeMessage turns JSON as DecodeMessage writes it into a message of type d.
// Fields may also have the names that they have in the .proto file. For a reply,
// request is what was asked; it may be nil. The error is an *Error, also when a
// type is named that the schema does not have; {"$msgpack": …} and {"$json": …}
// need none.
func (p *Provider) EncodeMessage(d protoreflect.MessageDescriptor, data []byte, request protoreflect.Message) (*dynamicpb.Message, error) {
	w := &walker{finder: newFinder(), provider: p}
	w.change = w.encode
	tree, err := parse(data, nil)
	if err != nil {
		return nil, err
	}
	if w.has(d) {
		if tree, err = w.object(d, place{name: nameIn(request), tree: tree}); err != nil {
			return nil, err
		}
	}
	message := dynamicpb.NewMessage(d)
	if err := protojson.Unmarshal(render(nil, tree), message); err != nil {
		return nil, messageError(err)
	}
	return message, nil
}

// encode turns what is written for one value of a field into protobuf's JSON.
func (w *walker) encode(f protoreflect.FieldDescriptor, v place) (any, error) {
	switch w.spellingOf(f) {
	case spelledJSON:
		if text, ok := v.tree.(string); ok && f.ContainingMessage().Name() == "RawState" {
			return text, nil // a state is an object: this is its base64
		}
		return base64.StdEncoding.EncodeToString(render(nil, v.tree)), nil
	case spelledValue:
		return w.read(f, v)
	default:
		return w.object(messageType(f), v)
	}
}

// read turns what is written for a DynamicValue into protobuf's JSON.
func (w *walker) read(f protoreflect.FieldDescriptor, v place) (any, error) {
	if raw, ok := v.tree.(object); ok && len(raw) == 1 {
		switch raw[0].key {
		case "$json":
			return object{{"json", base64.StdEncoding.EncodeToString(render(nil, raw[0].value))}}, nil
		case "$msgpack":
			text, _ := raw[0].value.(string)
			if _, err := base64.StdEncoding.DecodeString(text); err != nil || raw[0].value != text {
				return nil, v.at.fail(ReasonNotation, describe(raw[0].value), "bytes in base64")
			}
			return object{{"msgpack", text}}, nil
		}
	}
	s, err := w.provider.lookup(subjectOf(f), v.name, v.index, v.at)
	if err != nil {
		return nil, err
	}
	packed, err := toMsgpack(v.tree, s, v.at)
	if err != nil {
		return nil, err
	}
	return object{{"msgpack", base64.StdEncoding.EncodeToString(packed)}}, nil
}

// protobufPrefix is how protobuf's errors begin, with a space of one of two kinds,
// and their place in a text that nobody has seen.
var protobufPrefix = regexp.MustCompile(`^proto:[\s\x{00a0}]*|\(line [0-9]+:[0-9]+\):[\s\x{00a0}]*`)

// messageError is an error of protobuf's.
func messageError(err error) error {
	text := strings.TrimSpace(protobufPrefix.ReplaceAllString(err.Error(), ""))
	return &Error{Reason: ReasonMessage, Err: errors.New(text)}
}
