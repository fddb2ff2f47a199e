package dynamic

import (
	"encoding/json"
	"errors"

	"google.golang.org/protobuf/reflect/protoreflect"
)

// walker goes through a message and its JSON side by side.
type walker struct {
	*finder
	provider *Provider
	change   func(f protoreflect.FieldDescriptor, v place) (any, error)
}

// place is one value of a field.
type place struct {
	message protoreflect.Message // that has the field; nil when JSON is read
	name    string               // of the resource, action or function that it belongs to
	index   int                  // in a repeated field
	key     string               // in a map
	tree    any
	at      *path
}

// object goes through the members of a message.
func (w *walker) object(d protoreflect.MessageDescriptor, v place) (any, error) {
	members, ok := v.tree.(object)
	if !ok {
		return v.tree, nil // protobuf says what is wrong with it
	}
	v.name = nameOf(d, members, v.name)
	result := make(object, len(members))
	for i, m := range members {
		f := d.Fields().ByJSONName(m.key)
		if f == nil {
			f = d.Fields().ByTextName(m.key)
		}
		if f == nil {
			return nil, unknownName(v.at, "field", m.key, fieldNames(d))
		}
		inner := v
		inner.tree, inner.at = m.value, v.at.field(m.key)
		value, err := w.field(f, inner)
		if err != nil {
			return nil, err
		}
		result[i] = member{m.key, value}
	}
	return result, nil
}

// field goes through the values of a field.
func (w *walker) field(f protoreflect.FieldDescriptor, v place) (any, error) {
	if w.spellingOf(f) == spelledAsEver {
		return v.tree, nil
	}
	if list, ok := v.tree.([]any); ok && f.IsList() {
		result := make([]any, len(list))
		for i, tree := range list {
			inner := v
			inner.tree, inner.index, inner.at = tree, i, v.at.element(i)
			var err error
			if result[i], err = w.change(f, inner); err != nil {
				return nil, err
			}
		}
		return result, nil
	}
	if members, ok := v.tree.(object); ok && f.IsMap() {
		result := make(object, len(members))
		for i, m := range members {
			inner := v
			inner.tree, inner.key, inner.at = m.value, m.key, v.at.at(m.key)
			value, err := w.change(f, inner)
			if err != nil {
				return nil, err
			}
			result[i] = member{m.key, value}
		}
		return result, nil
	}
	if f.IsList() || f.IsMap() {
		return v.tree, nil // protobuf says what is wrong with it
	}
	return w.change(f, v)
}

// nameOf is the name that values of this message belong to: its own, or that of
// the message around it.
func nameOf(d protoreflect.MessageDescriptor, members object, outer string) string {
	for _, field := range namingFields(localName(d)) {
		f := d.Fields().ByName(field)
		if f == nil {
			continue
		}
		if name, found := members.get(f.JSONName(), f.TextName()); found {
			text, _ := name.(string)
			return text
		}
	}
	return outer
}

// nameIn is the same for a message, nil included.
func nameIn(m protoreflect.Message) string {
	if m == nil {
		return ""
	}
	for _, field := range namingFields(localName(m.Descriptor())) {
		if name := text(m, field); name != "" {
			return name
		}
	}
	return ""
}

// messageType is the type of a field's messages.
func messageType(f protoreflect.FieldDescriptor) protoreflect.MessageDescriptor {
	if f.IsMap() {
		f = f.MapValue()
	}
	return f.Message()
}

// fieldNames are the names of a message's fields in JSON.
func fieldNames(d protoreflect.MessageDescriptor) []string {
	names := make([]string, d.Fields().Len())
	for i := range names {
		names[i] = d.Fields().Get(i).JSONName()
	}
	return names
}

// reasonOf returns the reason of this package's errors, or "".
func reasonOf(err error) Reason {
	var e *Error
	if errors.As(err, &e) {
		return e.Reason
	}
	return ""
}

// compact returns JSON without spaces.
func compact(text []byte) (json.RawMessage, error) {
	tree, err := parse(text, nil)
	if err != nil {
		return nil, err
	}
	return render(nil, tree), nil
}
