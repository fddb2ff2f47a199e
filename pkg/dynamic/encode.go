package dynamic

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/msgpack"
)

// ToMsgpack turns JSON in this package's notation into the bytes of a
// DynamicValue of that type. With cty.NilType the type follows from the JSON. The
// error is an *Error.
func ToMsgpack(data []byte, ty cty.Type) ([]byte, error) {
	tree, err := parse(data, nil)
	if err != nil {
		return nil, err
	}
	if ty == cty.NilType {
		return toMsgpack(tree, nil, nil)
	}
	s := shapeOf(ty)
	return toMsgpack(tree, &s, nil)
}

// toMsgpack encodes a tree; without a shape, one that follows from the tree.
func toMsgpack(tree any, s *shape, at *path) (data []byte, err error) {
	if s == nil {
		implied := shape{ty: impliedType(tree)}
		s = &implied
	}
	// Every condition under which go-cty is known to panic is checked before it is
	// called. This is for the unknown ones: input must not bring a program down.
	defer func() {
		if cause := recover(); cause != nil {
			data, err = nil, at.because(ReasonValue, "the value cannot be", fmt.Errorf("%v", cause))
		}
	}()
	value, err := valueOf(tree, *s, at)
	if err != nil {
		return nil, err
	}
	if unlike := value.Type().TestConformance(s.ty); unlike != nil {
		return nil, at.because(ReasonType, "expected "+typeText(s.ty), unlike[0])
	}
	if data, err = msgpack.Marshal(value, s.ty); err != nil {
		return nil, at.because(ReasonValue, "the value cannot be sent", err)
	}
	return data, nil
}

// valueOf turns a tree into a value of that shape.
func valueOf(tree any, s shape, at *path) (cty.Value, error) {
	members, isObject := tree.(object)
	if isObject {
		if value, done, err := wordOf(members, s, at); done {
			return value, err
		}
	}
	text, isString := tree.(string)
	flag, isBool := tree.(bool)
	list, isList := tree.([]any)
	switch ty := s.ty; {
	case tree == nil:
		return cty.NullVal(ty), nil
	case ty == cty.DynamicPseudoType:
		return impliedOf(tree, s, at)
	case ty == cty.String && isString:
		return cty.StringVal(text), nil
	case ty == cty.Bool && isBool:
		return cty.BoolVal(flag), nil
	case ty == cty.Number:
		return numberOf(tree, at)
	case (ty.IsListType() || ty.IsSetType()) && isList:
		return collectionOf(list, s, at)
	case ty.IsTupleType() && isList && len(list) == ty.Length():
		return tupleOf(list, func(i int) shape { return shape{ty: ty.TupleElementType(i)} }, at)
	case ty.IsMapType() && isObject:
		return mapOf(members, s, at)
	case ty.IsObjectType() && isObject:
		return objectOf(members, s, at)
	default:
		return cty.NilVal, at.fail(ReasonType, describe(tree), typeText(ty))
	}
}

// wordOf reads an object that is a word of the notation, if it is one.
func wordOf(members object, s shape, at *path) (value cty.Value, done bool, err error) {
	var words []string
	for _, m := range members {
		if _, data := unescape(m.key); !data {
			words = append(words, m.key)
		}
	}
	fail := func() (cty.Value, bool, error) {
		return cty.NilVal, true, at.fail(ReasonNotation, "object with "+strings.Join(quoted(words), ", "),
			`"$unknown" alone, "$number" alone for a number, or "$type" and "$value" for a value of dynamic type`)
	}
	if len(words) == 0 {
		return cty.NilVal, false, nil
	}
	first := members[0]
	switch {
	case len(members) == 1 && first.key == "$unknown":
		value, err = unknownOf(first.value, s.ty, at)
		return value, true, err
	case len(members) == 1 && first.key == "$number":
		if s.ty != cty.Number && s.ty != cty.DynamicPseudoType {
			return fail()
		}
		value, err = numberOf(members, at)
		return value, true, err
	case len(members) != 2 || s.ty != cty.DynamicPseudoType:
		return fail()
	}
	typeTree, hasType := members.get("$type")
	valueTree, hasValue := members.get("$value")
	if !hasType || !hasValue {
		return fail()
	}
	ty, err := typeOf(typeTree, at.field("$type"))
	if err != nil {
		return cty.NilVal, true, err
	}
	value, err = valueOf(valueTree, shapeOf(ty), at.field("$value"))
	return value, true, err
}

// numberOf reads a number.
func numberOf(tree any, at *path) (cty.Value, error) {
	switch tree := tree.(type) {
	case json.Number:
		value, err := parseNumber(tree.String())
		if err != nil {
			return cty.NilVal, at.because(ReasonValue, describe(tree), err)
		}
		return value, nil
	case object:
		if len(tree) == 1 && tree[0].key == "$number" {
			switch tree[0].value {
			case "inf":
				return cty.PositiveInfinity, nil
			case "-inf":
				return cty.NegativeInfinity, nil
			}
			return cty.NilVal, at.fail(ReasonNotation, describe(tree[0].value), `"inf" or "-inf"`)
		}
	}
	return cty.NilVal, at.fail(ReasonType, describe(tree), typeText(cty.Number))
}

// elementOf is the shape of the elements of a collection.
func elementOf(s shape) shape {
	if s.element != nil {
		return *s.element
	}
	return shape{ty: s.ty.ElementType()}
}

// collectionOf reads a list or set.
func collectionOf(list []any, s shape, at *path) (cty.Value, error) {
	element := elementOf(s)
	values := make([]cty.Value, len(list))
	for i, tree := range list {
		var err error
		if values[i], err = valueOf(tree, element, at.element(i)); err != nil {
			return cty.NilVal, err
		}
	}
	switch {
	case len(values) == 0 && s.ty.IsSetType():
		return cty.SetValEmpty(element.ty), nil
	case len(values) == 0:
		return cty.ListValEmpty(element.ty), nil
	case !cty.CanListVal(values): // the same holds for sets
		return cty.NilVal, at.fail(ReasonType, "elements of several types", "elements of one type")
	case s.ty.IsSetType():
		return cty.SetVal(values), nil
	default:
		return cty.ListVal(values), nil
	}
}

// tupleOf reads a tuple.
func tupleOf(list []any, element func(int) shape, at *path) (cty.Value, error) {
	values := make([]cty.Value, len(list))
	for i, tree := range list {
		var err error
		if values[i], err = valueOf(tree, element(i), at.element(i)); err != nil {
			return cty.NilVal, err
		}
	}
	return cty.TupleVal(values), nil
}

// membersOf reads the values of an object's members, which are data.
func membersOf(members object, element func(string) shape, where func(string) *path) (map[string]cty.Value, error) {
	values := make(map[string]cty.Value, len(members))
	for _, m := range members {
		key, _ := unescape(m.key)
		key = cty.NormalizeString(key)
		if _, twice := values[key]; twice {
			return nil, where(key).fail(ReasonJSON, "the key stands twice", "")
		}
		var err error
		if values[key], err = valueOf(m.value, element(key), where(key)); err != nil {
			return nil, err
		}
	}
	return values, nil
}

// mapOf reads a map.
func mapOf(members object, s shape, at *path) (cty.Value, error) {
	element := elementOf(s)
	values, err := membersOf(members, func(string) shape { return element }, at.at)
	switch {
	case err != nil:
		return cty.NilVal, err
	case len(values) == 0:
		return cty.MapValEmpty(element.ty), nil
	case !cty.CanMapVal(values):
		return cty.NilVal, at.fail(ReasonType, "elements of several types", "elements of one type")
	default:
		return cty.MapVal(values), nil
	}
}
