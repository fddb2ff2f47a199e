package jsondoc_test

import (
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/descriptorpb"
	"google.golang.org/protobuf/types/dynamicpb"

	"github.com/pyvider/rpcplugin/internal/jsondoc"
	"github.com/pyvider/rpcplugin/internal/schema"
)

func TestNext(t *testing.T) {
	t.Parallel()
	for _, read := range []func(io.Reader) io.Reader{iotest.OneByteReader, iotest.DataErrReader, func(r io.Reader) io.Reader { return r }} {
		reader := jsondoc.NewReader(read(strings.NewReader("{\"a\": 1}\n  [2] 3\n")))
		for i, want := range []string{`{"a": 1}`, "[2]", "3"} {
			got, err := reader.Next()
			if err != nil || string(got.Data) != want || got.Number != i+1 {
				t.Fatalf("document %d is %q, number %d, error %v; want %q", i+1, got.Data, got.Number, err, want)
			}
		}
		if _, err := reader.Next(); !errors.Is(err, io.EOF) {
			t.Errorf("at the end: %v", err)
		}
	}
	failed := errors.New("the disk")
	if _, err := jsondoc.NewReader(iotest.ErrReader(failed)).Next(); !errors.Is(err, failed) {
		t.Errorf("error %v, want that of the reader", err)
	}
}

func TestNoJSON(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		text                 string
		number, line, column int
	}{
		{`{"count":`, 1, 1, 10},
		{"{}\n{\n  x}", 2, 3, 3},
		{"nonsense", 1, 1, 2},
		{"{} }", 2, 1, 4},
		{"{\"a\": 1,\n\n}", 1, 3, 1},
	} {
		reader := jsondoc.NewReader(strings.NewReader(test.text))
		var err error
		for err == nil {
			_, err = reader.Next()
		}
		wrong, ok := errors.AsType[*jsondoc.Error](err)
		if !ok || !wrong.Syntax || wrong.Document != test.number || wrong.Line != test.line || wrong.Column != test.column {
			t.Errorf("%q: %v, want request %d, line %d, column %d", test.text, err, test.number, test.line, test.column)
		}
	}
}

// message is a type with fields of many kinds.
func message(t *testing.T) protoreflect.MessageDescriptor {
	t.Helper()
	field := func(name string, number int32, kind descriptorpb.FieldDescriptorProto_Type, of string, repeated bool) *descriptorpb.FieldDescriptorProto {
		label := descriptorpb.FieldDescriptorProto_LABEL_OPTIONAL
		if repeated {
			label = descriptorpb.FieldDescriptorProto_LABEL_REPEATED
		}
		f := &descriptorpb.FieldDescriptorProto{Name: &name, Number: &number, Type: &kind, Label: &label}
		if of != "" {
			f.TypeName = &of
		}
		return f
	}
	syntax, path, pkg, outer, entry, colour, yes := "proto3", "t.proto", "t", "M", "TagsEntry", "Colour", true
	red, green, zero, one := "RED", "GREEN", int32(0), int32(1)
	file, err := protodesc.NewFile(&descriptorpb.FileDescriptorProto{
		Syntax: &syntax, Name: &path, Package: &pkg,
		EnumType: []*descriptorpb.EnumDescriptorProto{{Name: &colour, Value: []*descriptorpb.EnumValueDescriptorProto{{Name: &red, Number: &zero}, {Name: &green, Number: &one}}}},
		MessageType: []*descriptorpb.DescriptorProto{{
			Name: &outer,
			Field: []*descriptorpb.FieldDescriptorProto{
				field("count", 1, descriptorpb.FieldDescriptorProto_TYPE_INT32, "", false),
				field("big", 2, descriptorpb.FieldDescriptorProto_TYPE_UINT64, "", false),
				field("is_on", 3, descriptorpb.FieldDescriptorProto_TYPE_BOOL, "", false),
				field("data", 4, descriptorpb.FieldDescriptorProto_TYPE_BYTES, "", false),
				field("ratio", 5, descriptorpb.FieldDescriptorProto_TYPE_DOUBLE, "", false),
				field("colour", 6, descriptorpb.FieldDescriptorProto_TYPE_ENUM, ".t.Colour", false),
				field("items", 7, descriptorpb.FieldDescriptorProto_TYPE_MESSAGE, ".t.M", true),
				field("tags", 8, descriptorpb.FieldDescriptorProto_TYPE_MESSAGE, ".t.M.TagsEntry", true),
				field("name", 9, descriptorpb.FieldDescriptorProto_TYPE_STRING, "", false),
			},
			NestedType: []*descriptorpb.DescriptorProto{{
				Name: &entry, Options: &descriptorpb.MessageOptions{MapEntry: &yes},
				Field: []*descriptorpb.FieldDescriptorProto{
					field("key", 1, descriptorpb.FieldDescriptorProto_TYPE_STRING, "", false),
					field("value", 2, descriptorpb.FieldDescriptorProto_TYPE_INT64, "", false),
				},
			}},
		}},
	}, nil)
	if err != nil {
		t.Fatal(err)
	}
	return file.Messages().Get(0)
}

func decode(text string, message protoreflect.MessageDescriptor) error {
	document, err := jsondoc.NewReader(strings.NewReader(text)).Next()
	if err != nil {
		return err
	}
	return jsondoc.Decode(document, dynamicpb.NewMessage(message), schema.Sources(nil))
}

func TestDecode(t *testing.T) {
	t.Parallel()
	message := message(t)
	for _, text := range []string{
		"{}", `{"count": 1.0, "big": "18446744073709551615", "isOn": true, "data": "-_8", "ratio": "NaN"}`,
		`{"is_on": false, "colour": 7, "items": [{"colour": "GREEN"}, {}], "tags": {"a": "1", "b": 2}, "name": null}`,
		string(schema.Template(message)),
	} {
		if err := decode(text, message); err != nil {
			t.Errorf("%s: %v", text, err)
		}
	}
	for _, test := range []struct{ text, want string }{
		{`{"count": "many"}`, `line 1, column 11: count: found "many", expected int32`},
		{"{\n  \"count\": 2147483648\n}", `line 2, column 12: count: found 2147483648, expected int32`},
		{`{"count": 1.5}`, "count: found 1.5, expected int32"},
		{`{"big": -1}`, "big: found -1, expected uint64"},
		{`{"isOn": "yes"}`, `isOn: found "yes", expected true or false`},
		{`{"data": "§"}`, "expected bytes as base64 in a string"},
		{`{"ratio": "x"}`, `ratio: found "x", expected double`},
		{`{"colour": "BLUE"}`, `colour: found "BLUE", expected t.Colour: one of RED, GREEN`},
		{`{"name": 3}`, "name: found 3, expected string"},
		{`{"items": {}}`, "items: found an object, expected a list of t.M"},
		{`{"items": [{}, {"items": [{"count": []}]}]}`, "line 1, column 37: items[1].items[0].count: found a list, expected int32"},
		{`{"items": [3]}`, "items[0]: found 3, expected an object, t.M"},
		{`{"tags": []}`, "tags: found a list, expected an object, map of string to int64"},
		{`{"tags": {"a": "x"}}`, `tags["a"]: found "x", expected int64`},
		{`{"items": [{"cuont": 1}]}`, `line 1, column 13: items[0]: found unknown field "cuont", expected one of count, big, isOn`},
		{`[]`, "line 1, column 1: found a list, expected an object, t.M"},
		{"\n{\"count\": 1,\n \"count\": 2}", `line 3, column 2: duplicate field "count"`},
		{`{"name": "` + strings.Repeat("x", 100) + `", "count": "` + strings.Repeat("x", 100) + `"}`, `found "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx…", expected`},
	} {
		err := decode(test.text, message)
		if _, ok := errors.AsType[*jsondoc.Error](err); !ok || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s:\n  %v\nwant %s", test.text, err, test.want)
		}
	}
}

// Whatever protojson refuses is an *Error with a position within the text.
func FuzzDecode(f *testing.F) {
	for _, seed := range []string{`{}`, `{"count": "x"}`, `{"items": [{"tags": {"a": 1}}]}`, "{\n\"a\": [}", `{"[x]": 1}`} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		err := decode(text, message(t))
		wrong, ok := errors.AsType[*jsondoc.Error](err)
		if err == nil || errors.Is(err, io.EOF) {
			return
		}
		if !ok || wrong.Line < 1 || wrong.Column < 1 || wrong.Line > strings.Count(text, "\n")+1 || wrong.Error() == "" {
			t.Errorf("%q: %#v", text, err)
		}
	})
}
