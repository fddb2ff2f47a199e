package jsondoc

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/pyvider/rpcplugin/internal/schema"
)

// diagnose finds the first value that a message cannot have, nil if it sees
// none. The data is JSON.
func diagnose(data []byte, message protoreflect.MessageDescriptor) *mistake {
	w := &walker{data: data, decoder: json.NewDecoder(bytes.NewReader(data))}
	w.decoder.UseNumber()
	return w.message(message, "")
}

// walker goes through a document token by token.
type walker struct {
	data    []byte
	decoder *json.Decoder
}

// next returns the next token and where it begins.
func (w *walker) next() (json.Token, int64) {
	start := w.decoder.InputOffset()
	for start < int64(len(w.data)) && strings.IndexByte(" \t\r\n,:", w.data[start]) >= 0 {
		start++
	}
	token, _ := w.decoder.Token() // it is JSON
	return token, start
}

// skip passes over a value of which the first token was read.
func (w *walker) skip(token json.Token) {
	if token != json.Delim('{') && token != json.Delim('[') {
		return
	}
	for w.decoder.More() {
		inner, _ := w.next()
		w.skip(inner)
	}
	w.next()
}

// wrong is a value that is not what was expected.
func (w *walker) wrong(token json.Token, at int64, path, expected string) *mistake {
	return &mistake{offset: at, path: path, found: shown(token), expected: expected}
}

// shown is a token as a person sees it.
func shown(token json.Token) string {
	switch value := token.(type) {
	case json.Delim:
		if value == '{' {
			return "an object"
		}
		return "a list"
	case nil:
		return "null"
	case string:
		if len(value) > 40 {
			value = strings.ToValidUTF8(value[:40], "") + "…"
		}
		return strconv.Quote(value)
	default:
		return fmt.Sprint(value)
	}
}

// message checks a message.
func (w *walker) message(message protoreflect.MessageDescriptor, path string) *mistake {
	token, at := w.next()
	switch {
	case schema.WellKnown(message.FullName()) || (token == nil && path != ""):
		w.skip(token)
		return nil
	case token != json.Delim('{'):
		return w.wrong(token, at, path, "an object, "+string(message.FullName()))
	}
	for w.decoder.More() {
		key, at := w.next()
		name, _ := key.(string)
		field := message.Fields().ByJSONName(name)
		if field == nil {
			field = message.Fields().ByTextName(name)
		}
		here := strings.TrimPrefix(path+"."+name, ".")
		if field == nil {
			if strings.HasPrefix(name, "[") { // an extension, which protojson knows better
				token, _ := w.next()
				w.skip(token)
				continue
			}
			return &mistake{offset: at, path: path, found: "unknown field " + strconv.Quote(name), expected: fieldList(message)}
		}
		if wrong := w.field(field, here); wrong != nil {
			return wrong
		}
	}
	w.next()
	return nil
}

// fieldList names the fields of a message as JSON has them.
func fieldList(message protoreflect.MessageDescriptor) string {
	fields := message.Fields()
	if fields.Len() == 0 {
		return "none: " + string(message.FullName()) + " has no fields"
	}
	names := make([]string, fields.Len())
	for i := range names {
		names[i] = fields.Get(i).JSONName()
	}
	if len(names) == 1 {
		return names[0]
	}
	return "one of " + strings.Join(names, ", ")
}

// field checks the value of a field.
func (w *walker) field(field protoreflect.FieldDescriptor, path string) *mistake {
	if !field.IsList() && !field.IsMap() {
		return w.value(field, path)
	}
	token, at := w.next()
	switch {
	case token == nil:
		return nil
	case field.IsMap() && token != json.Delim('{'):
		return w.wrong(token, at, path, "an object, "+typeName(field))
	case field.IsList() && token != json.Delim('['):
		return w.wrong(token, at, path, "a list of "+typeName(field))
	}
	for i := 0; w.decoder.More(); i++ {
		inner, element := fmt.Sprintf("%s[%d]", path, i), field
		if field.IsMap() {
			key, _ := w.next()
			inner, element = fmt.Sprintf("%s[%s]", path, shown(key)), field.MapValue()
		}
		if wrong := w.value(element, inner); wrong != nil {
			return wrong
		}
	}
	w.next()
	return nil
}

// value checks one value of a field.
func (w *walker) value(field protoreflect.FieldDescriptor, path string) *mistake {
	if field.Message() != nil {
		return w.message(field.Message(), path)
	}
	token, at := w.next()
	if token == nil || scalar(field, token) {
		return nil
	}
	return w.wrong(token, at, path, typeName(field))
}

// typeName is what a field takes, for people.
func typeName(field protoreflect.FieldDescriptor) string {
	switch kind := field.Kind(); {
	case field.IsMap():
		return "map of " + field.MapKey().Kind().String() + " to " + typeName(field.MapValue())
	case kind == protoreflect.EnumKind:
		values := field.Enum().Values()
		names := make([]string, min(values.Len(), 12))
		for i := range names {
			names[i] = string(values.Get(i).Name())
		}
		return fmt.Sprintf("%s: one of %s", field.Enum().FullName(), strings.Join(names, ", "))
	case field.Message() != nil:
		return string(field.Message().FullName())
	case kind == protoreflect.BytesKind:
		return "bytes as base64 in a string"
	case kind == protoreflect.BoolKind:
		return "true or false"
	default:
		return kind.String()
	}
}

// scalar reports whether a token is a value of a field's type.
func scalar(field protoreflect.FieldDescriptor, token json.Token) bool {
	text, isText := token.(string)
	number, isNumber := token.(json.Number)
	if isNumber {
		text = number.String()
	}
	switch field.Kind() {
	case protoreflect.BoolKind:
		_, ok := token.(bool)
		return ok
	case protoreflect.StringKind:
		return isText
	case protoreflect.BytesKind:
		return isText && isBase64(text)
	case protoreflect.EnumKind:
		if field.Enum().FullName() == "google.protobuf.NullValue" {
			return isText || isNumber
		}
		return isNumber || (isText && field.Enum().Values().ByName(protoreflect.Name(text)) != nil)
	case protoreflect.FloatKind, protoreflect.DoubleKind:
		_, err := strconv.ParseFloat(text, 64)
		return (isText || isNumber) && err == nil
	default:
		return (isText || isNumber) && isInteger(field.Kind(), text)
	}
}

// isBase64 takes what protojson takes: both alphabets, with and without padding.
func isBase64(text string) bool {
	text = strings.NewReplacer("-", "+", "_", "/").Replace(strings.TrimRight(text, "="))
	_, err := base64.RawStdEncoding.DecodeString(text)
	return err == nil
}

// isInteger reports whether a text is a number of a kind's range; 1e3 and 1.0
// are whole as well.
func isInteger(kind protoreflect.Kind, text string) bool {
	bits, unsigned := 32, false
	switch kind {
	case protoreflect.Int64Kind, protoreflect.Sint64Kind, protoreflect.Sfixed64Kind:
		bits = 64
	case protoreflect.Uint64Kind, protoreflect.Fixed64Kind:
		bits, unsigned = 64, true
	case protoreflect.Uint32Kind, protoreflect.Fixed32Kind:
		unsigned = true
	default: // those of 32 bits
	}
	if value, err := strconv.ParseFloat(text, 64); err == nil && strings.ContainsAny(text, ".eE") && value == float64(int64(value)) {
		text = strconv.FormatInt(int64(value), 10)
	}
	var err error
	if unsigned {
		_, err = strconv.ParseUint(text, 10, bits)
	} else {
		_, err = strconv.ParseInt(text, 10, bits)
	}
	return err == nil
}
