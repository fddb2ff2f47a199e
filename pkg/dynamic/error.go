package dynamic

import (
	"fmt"
	"strings"
)

// Reason says which kind of thing went wrong. The set is closed.
type Reason string

const (
	// ReasonJSON: the input is no JSON document, has a key twice or is nested too deeply.
	ReasonJSON Reason = "json"
	// ReasonNotation: a key with one dollar sign is none of the notation's words, or
	// stands where it means nothing.
	ReasonNotation Reason = "notation"
	// ReasonType: a value is of another type than the schema says.
	ReasonType Reason = "type"
	// ReasonName: an attribute, a resource type or a function that the schema does not have.
	ReasonName Reason = "name"
	// ReasonMissing: an attribute that must be given is missing.
	ReasonMissing Reason = "missing"
	// ReasonValue: a value that cannot be, or that cannot be kept exactly.
	ReasonValue Reason = "value"
	// ReasonMsgpack: the bytes are no MessagePack, or none that holds a value.
	ReasonMsgpack Reason = "msgpack"
	// ReasonSchema: the provider's schema cannot be understood.
	ReasonSchema Reason = "schema"
	// ReasonMessage: the input does not fit the protobuf message around the values.
	ReasonMessage Reason = "message"
)

// Error is what every function of this package returns as its error.
type Error struct {
	Reason   Reason
	Path     string   // where, such as config.rule[0].name; "" is the whole
	Expected string   // what should be there, or ""
	Found    string   // what is there
	Names    []string // for ReasonName: the nearest names that there are, best first
	Err      error    // the cause, or nil
}

// Error says what is wrong, where, with what was found and what was expected.
func (e *Error) Error() string {
	text := e.Found
	if e.Expected != "" {
		text += ", expected " + e.Expected
	}
	if e.Err != nil {
		if text != "" {
			text += ": "
		}
		text += e.Err.Error()
	}
	if e.Path == "" {
		return text
	}
	return e.Path + ": " + text
}

// Unwrap returns the cause, nil when there is none.
func (e *Error) Unwrap() error { return e.Err }

// Hint returns advice for the person at the terminal, or "".
func (e *Error) Hint() string {
	switch e.Reason {
	case ReasonNotation:
		return `"$unknown", "$type" with "$value" and "$number" are words of the notation; data is written with one dollar sign more, as "$$name"`
	case ReasonName:
		if len(e.Names) > 0 {
			return "the nearest names are " + strings.Join(quoted(e.Names), ", ")
		}
		return "the provider's schema shows which names there are"
	case ReasonMissing:
		return "write null where null is meant; only optional and computed attributes may be left out"
	case ReasonMsgpack, ReasonSchema:
		return "this is a fault of the provider; {\"$msgpack\": …} shows and takes the bytes as they are"
	case ReasonType:
		return `{"$unknown": true} stands for any value that is not known yet, {"$msgpack": "BASE64"} for the bytes of a whole value`
	default:
		return ""
	}
}

// quoted returns names in quotation marks.
func quoted(names []string) []string {
	result := make([]string, len(names))
	for i, name := range names {
		result[i] = fmt.Sprintf("%q", name)
	}
	return result
}
