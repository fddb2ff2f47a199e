package schema

import (
	"bytes"
	"encoding/json"
	"strconv"

	"google.golang.org/protobuf/reflect/protoreflect"
)

// Template returns a message as JSON with every field in it, each with its
// empty value: something to fill in. A list and a map have one element, a oneof
// its first member, and a message that is within itself ends as {}.
func Template(message protoreflect.MessageDescriptor) []byte {
	var compact, text bytes.Buffer
	templateOf(&compact, message, nil)
	if json.Indent(&text, compact.Bytes(), "", "  ") != nil {
		return compact.Bytes()
	}
	return text.Bytes()
}

// templateOf writes one message; outer are those that it is within.
func templateOf(b *bytes.Buffer, message protoreflect.MessageDescriptor, outer []protoreflect.FullName) {
	if text, known := wellKnown(message.FullName()); known {
		b.WriteString(text)
		return
	}
	if dynamicValue(message) {
		b.WriteString("null")
		return
	}
	for _, name := range outer {
		if name == message.FullName() {
			b.WriteString("{}")
			return
		}
	}
	outer = append(outer[:len(outer):len(outer)], message.FullName())
	b.WriteByte('{')
	first := true
	for i := range message.Fields().Len() {
		field := message.Fields().Get(i)
		if one := field.ContainingOneof(); one != nil && one.Fields().Get(0) != field {
			continue
		}
		if !first {
			b.WriteByte(',')
		}
		first = false
		b.WriteString(strconv.Quote(field.JSONName()) + ":")
		templateField(b, field, outer)
	}
	b.WriteByte('}')
}

// templateField writes the value of one field.
func templateField(b *bytes.Buffer, field protoreflect.FieldDescriptor, outer []protoreflect.FullName) {
	switch {
	case field.IsMap():
		key := "key"
		switch field.MapKey().Kind() {
		case protoreflect.StringKind:
		case protoreflect.BoolKind:
			key = "false"
		default:
			key = "0"
		}
		b.WriteString("{" + strconv.Quote(key) + ":")
		templateValue(b, field.MapValue(), outer)
		b.WriteByte('}')
	case field.IsList() && field.Message() != nil && dynamicValue(field.Message()):
		b.WriteString("[]") // null is no element in the JSON of protobuf
	case field.IsList():
		b.WriteByte('[')
		templateValue(b, field, outer)
		b.WriteByte(']')
	default:
		templateValue(b, field, outer)
	}
}

// templateValue writes one value of a field.
func templateValue(b *bytes.Buffer, field protoreflect.FieldDescriptor, outer []protoreflect.FullName) {
	switch field.Kind() {
	case protoreflect.MessageKind, protoreflect.GroupKind:
		templateOf(b, field.Message(), outer)
	case protoreflect.EnumKind:
		if field.Enum().FullName() == "google.protobuf.NullValue" {
			b.WriteString("null")
			return
		}
		b.WriteString(strconv.Quote(string(field.Enum().Values().Get(0).Name())))
	case protoreflect.BoolKind:
		b.WriteString("false")
	case protoreflect.StringKind, protoreflect.BytesKind:
		b.WriteString(`""`)
	case protoreflect.Int64Kind, protoreflect.Sint64Kind, protoreflect.Sfixed64Kind, protoreflect.Uint64Kind, protoreflect.Fixed64Kind:
		b.WriteString(`"0"`) // as JSON has it: a number has 53 bits only
	default:
		b.WriteString("0")
	}
}

// dynamicValue reports whether a message is a value of Terraform, of any form.
func dynamicValue(message protoreflect.MessageDescriptor) bool {
	return message.FullName() == "tfplugin5.DynamicValue" || message.FullName() == "tfplugin6.DynamicValue"
}

// WellKnown reports whether a message has a form of its own in JSON.
func WellKnown(name protoreflect.FullName) bool {
	_, known := wellKnown(name)
	return known
}

// wellKnown returns a value of the messages with a form of their own in JSON.
func wellKnown(name protoreflect.FullName) (string, bool) {
	if name.Parent() != "google.protobuf" {
		return "", false
	}
	text, known := map[protoreflect.Name]string{
		"Any":       `{"@type":"type.googleapis.com/google.protobuf.Empty","value":{}}`,
		"Timestamp": `"1970-01-01T00:00:00Z"`, "Duration": `"0s"`, "FieldMask": `""`,
		"Struct": "{}", "Value": "null", "ListValue": "[]", "BoolValue": "false",
		"StringValue": `""`, "BytesValue": `""`, "Int64Value": `"0"`, "UInt64Value": `"0"`,
		"Int32Value": "0", "UInt32Value": "0", "FloatValue": "0", "DoubleValue": "0",
	}[name.Name()]
	return text, known
}
