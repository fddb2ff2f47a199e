package dynamic

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strings"
)

// deepest is how many arrays and objects may stand in each other.
const deepest = 1000

// A tree is a JSON document: nil, bool, json.Number, string, []any, object, or,
// for output only, json.RawMessage.

// object is a JSON object in the order of its text.
type object []member

type member struct {
	key   string
	value any
}

// get returns the value of the first of these keys that is there.
func (o object) get(keys ...string) (any, bool) {
	for _, key := range keys {
		for _, m := range o {
			if m.key == key {
				return m.value, true
			}
		}
	}
	return nil, false
}

// parse reads one JSON document.
func parse(data []byte, at *path) (any, error) {
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.UseNumber()
	tree, err := parseValue(decoder, 0)
	if err == nil {
		if _, err = decoder.Token(); err == nil {
			err = fmt.Errorf("text after the end of the document")
		} else if err == io.EOF { //nolint:errorlint // the decoder returns it bare
			return tree, nil
		}
	}
	if err == io.EOF { //nolint:errorlint // the decoder returns it bare
		err = io.ErrUnexpectedEOF
	}
	return nil, at.because(ReasonJSON, "no JSON document", err)
}

// parseValue reads the next value.
func parseValue(decoder *json.Decoder, depth int) (any, error) {
	token, err := decoder.Token()
	if err != nil {
		return nil, err
	}
	delimiter, compound := token.(json.Delim)
	if !compound {
		return token, nil
	}
	if depth == deepest {
		return nil, fmt.Errorf("nested more than %d deep", deepest)
	}
	if delimiter == '[' {
		list := []any{}
		for decoder.More() {
			value, err := parseValue(decoder, depth+1)
			if err != nil {
				return nil, err
			}
			list = append(list, value)
		}
		_, err = decoder.Token()
		return list, err
	}
	result, seen := object{}, map[string]bool{}
	for decoder.More() {
		token, err := decoder.Token()
		if err != nil {
			return nil, err
		}
		key, ok := token.(string)
		if !ok || seen[key] {
			return nil, fmt.Errorf("key %q stands twice in an object", fmt.Sprint(token))
		}
		seen[key] = true
		value, err := parseValue(decoder, depth+1)
		if err != nil {
			return nil, err
		}
		result = append(result, member{key, value})
	}
	_, err = decoder.Token()
	return result, err
}

// render appends the text of a tree.
func render(out []byte, tree any) []byte {
	switch tree := tree.(type) {
	case bool:
		if tree {
			return append(out, "true"...)
		}
		return append(out, "false"...)
	case json.Number:
		return append(out, tree...)
	case json.RawMessage:
		return append(out, tree...)
	case string:
		return renderString(out, tree)
	case []any:
		out = append(out, '[')
		for i, value := range tree {
			if i > 0 {
				out = append(out, ',')
			}
			out = render(out, value)
		}
		return append(out, ']')
	case object:
		out = append(out, '{')
		for i, m := range tree {
			if i > 0 {
				out = append(out, ',')
			}
			out = renderString(out, m.key)
			out = append(out, ':')
			out = render(out, m.value)
		}
		return append(out, '}')
	default:
		return append(out, "null"...)
	}
}

// renderString appends a string, with <, > and & as they are.
func renderString(out []byte, text string) []byte {
	var buffer bytes.Buffer
	encoder := json.NewEncoder(&buffer)
	encoder.SetEscapeHTML(false)
	_ = encoder.Encode(text) // a string is always encodable, a buffer always writable
	return append(out, bytes.TrimSuffix(buffer.Bytes(), []byte("\n"))...)
}

// describe says what a tree is, for errors.
func describe(tree any) string {
	const most = 40
	switch tree := tree.(type) {
	case nil:
		return "null"
	case bool:
		return fmt.Sprintf("boolean %t", tree)
	case json.Number:
		return "number " + shortened(tree.String(), most)
	case string:
		return fmt.Sprintf("string %q", shortened(tree, most))
	case []any:
		return fmt.Sprintf("array of %d", len(tree))
	default:
		return "object"
	}
}

// shortened cuts a text to about that many bytes.
func shortened(text string, most int) string {
	if len(text) <= most {
		return text
	}
	return strings.ToValidUTF8(text[:most], "") + "…"
}

// escape writes a key of data; unescape reads it, and is false for a word.
func escape(key string) string {
	if strings.HasPrefix(key, "$") {
		return "$" + key
	}
	return key
}

func unescape(key string) (string, bool) {
	if !strings.HasPrefix(key, "$") {
		return key, true
	}
	return key[1:], strings.HasPrefix(key, "$$")
}
