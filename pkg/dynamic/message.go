package dynamic

import "google.golang.org/protobuf/reflect/protoreflect"

// Accessors of messages that are known by name only. What a message does not
// have, such as the nested types of protocol 5, reads as empty.

// field returns a field's value and whether the message has such a field, set.
func field(m protoreflect.Message, name protoreflect.Name) (protoreflect.Value, bool) {
	if m == nil {
		return protoreflect.Value{}, false
	}
	descriptor := m.Descriptor().Fields().ByName(name)
	if descriptor == nil || !m.Has(descriptor) {
		return protoreflect.Value{}, false
	}
	return m.Get(descriptor), true
}

func text(m protoreflect.Message, name protoreflect.Name) string {
	if value, ok := field(m, name); ok {
		return value.String()
	}
	return ""
}

func flag(m protoreflect.Message, name protoreflect.Name) bool {
	value, ok := field(m, name)
	return ok && value.Bool()
}

func integer(m protoreflect.Message, name protoreflect.Name) int64 {
	if value, ok := field(m, name); ok {
		return value.Int()
	}
	return 0
}

func data(m protoreflect.Message, name protoreflect.Name) []byte {
	if value, ok := field(m, name); ok {
		return value.Bytes()
	}
	return nil
}

func enum(m protoreflect.Message, name protoreflect.Name) protoreflect.EnumNumber {
	if value, ok := field(m, name); ok {
		return value.Enum()
	}
	return 0
}

// child returns a message's message, nil when there is none.
func child(m protoreflect.Message, name protoreflect.Name) protoreflect.Message {
	if value, ok := field(m, name); ok {
		return value.Message()
	}
	return nil
}

// children returns the messages of a repeated field.
func children(m protoreflect.Message, name protoreflect.Name) []protoreflect.Message {
	value, ok := field(m, name)
	if !ok {
		return nil
	}
	list := value.List()
	result := make([]protoreflect.Message, list.Len())
	for i := range result {
		result[i] = list.Get(i).Message()
	}
	return result
}

// named returns the messages of a map by their keys.
func named(m protoreflect.Message, name protoreflect.Name) map[string]protoreflect.Message {
	result := map[string]protoreflect.Message{}
	if value, ok := field(m, name); ok {
		value.Map().Range(func(key protoreflect.MapKey, each protoreflect.Value) bool {
			result[key.String()] = each.Message()
			return true
		})
	}
	return result
}
