package dynamic

import (
	"encoding/json"
	"fmt"

	"github.com/zclconf/go-cty/cty"
)

// objectOf reads an object and fills in what may be left out.
func objectOf(members object, s shape, at *path) (cty.Value, error) {
	attrs := s.attrs
	if attrs == nil {
		attrs = shapeOf(s.ty).attrs
	}
	for _, m := range members {
		key, _ := unescape(m.key)
		if _, known := attrs[cty.NormalizeString(key)]; !known {
			return cty.NilVal, unknownName(at, "attribute", key, keysOf(attrs))
		}
	}
	values, err := membersOf(members, func(name string) shape { return attrs[name].shape }, at.field)
	if err != nil {
		return cty.NilVal, err
	}
	if len(values) == len(attrs) {
		return cty.ObjectVal(values), nil
	}
	for _, name := range keysOf(attrs) {
		if _, given := values[name]; given {
			continue
		}
		absent := attrs[name].absent
		if absent == cty.NilVal {
			return cty.NilVal, at.fail(ReasonMissing, fmt.Sprintf("object without attribute %q", name), typeText(attrs[name].ty))
		}
		values[name] = absent
	}
	return cty.ObjectVal(values), nil
}

// impliedOf reads plain JSON where the type is dynamic.
func impliedOf(tree any, s shape, at *path) (cty.Value, error) {
	if s.element != nil { // nested blocks, one after the other or by name
		switch tree := tree.(type) {
		case []any:
			return tupleOf(tree, func(int) shape { return *s.element }, at)
		case object:
			values, err := membersOf(tree, func(string) shape { return *s.element }, at.at)
			if err != nil {
				return cty.NilVal, err
			}
			return cty.ObjectVal(values), nil
		}
	}
	return valueOf(tree, shape{ty: impliedType(tree)}, at)
}

// impliedType is the type that plain JSON has by itself.
func impliedType(tree any) cty.Type {
	switch tree := tree.(type) {
	case bool:
		return cty.Bool
	case json.Number:
		return cty.Number
	case string:
		return cty.String
	case []any:
		types := make([]cty.Type, len(tree))
		for i, element := range tree {
			types[i] = impliedType(element)
		}
		return cty.Tuple(types)
	case object:
		if _, infinite := tree.get("$number"); infinite && len(tree) == 1 {
			return cty.Number
		}
		types := make(map[string]cty.Type, len(tree))
		for _, m := range tree {
			key, data := unescape(m.key)
			if !data {
				return cty.DynamicPseudoType
			}
			types[cty.NormalizeString(key)] = impliedType(m.value)
		}
		return cty.Object(types)
	default:
		return cty.DynamicPseudoType
	}
}
