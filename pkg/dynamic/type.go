package dynamic

import (
	"github.com/zclconf/go-cty/cty"
)

// parseType reads a type as schemas and dynamic values write it: "string", or
// ["list","string"]. Optional attributes of objects are kept. go-cty's own reader
// panics on some of what a provider can send.
func parseType(data []byte, at *path) (cty.Type, error) {
	tree, err := parse(data, at)
	if err != nil {
		return cty.NilType, at.because(ReasonSchema, "no type", err)
	}
	return typeOf(tree, at)
}

// typeOf turns a tree into a type.
func typeOf(tree any, at *path) (cty.Type, error) {
	wrong := func() (cty.Type, error) {
		return cty.NilType, at.fail(ReasonSchema, describe(tree)+" is no type", `"string", "number", "bool", "dynamic", or an array of "list", "set", "map", "tuple" or "object" and what it holds`)
	}
	if name, ok := tree.(string); ok {
		switch name {
		case "string":
			return cty.String, nil
		case "number":
			return cty.Number, nil
		case "bool":
			return cty.Bool, nil
		case "dynamic":
			return cty.DynamicPseudoType, nil
		}
		return wrong()
	}
	list, ok := tree.([]any)
	if !ok || len(list) < 2 {
		return wrong()
	}
	kind, _ := list[0].(string)
	if kind == "object" {
		return objectTypeOf(list, wrong, at)
	}
	if len(list) != 2 {
		return wrong()
	}
	if kind == "tuple" {
		return tupleTypeOf(list[1], wrong, at)
	}
	element, err := typeOf(list[1], at)
	if err != nil {
		return cty.NilType, err
	}
	switch kind {
	case "list":
		return cty.List(element), nil
	case "set":
		return cty.Set(element), nil
	case "map":
		return cty.Map(element), nil
	default:
		return wrong()
	}
}

func tupleTypeOf(tree any, wrong func() (cty.Type, error), at *path) (cty.Type, error) {
	elements, ok := tree.([]any)
	if !ok {
		return wrong()
	}
	types := make([]cty.Type, len(elements))
	for i, element := range elements {
		var err error
		if types[i], err = typeOf(element, at); err != nil {
			return cty.NilType, err
		}
	}
	return cty.Tuple(types), nil
}

func objectTypeOf(list []any, wrong func() (cty.Type, error), at *path) (cty.Type, error) {
	attributes, ok := list[1].(object)
	if !ok || len(list) > 3 {
		return wrong()
	}
	types := make(map[string]cty.Type, len(attributes))
	for _, m := range attributes {
		// Names are normalized as all strings of go-cty are.
		name := cty.NormalizeString(m.key)
		if _, twice := types[name]; twice {
			return wrong()
		}
		var err error
		if types[name], err = typeOf(m.value, at); err != nil {
			return cty.NilType, err
		}
	}
	if len(list) == 2 {
		return cty.Object(types), nil
	}
	given, ok := list[2].([]any)
	if !ok {
		return wrong()
	}
	var optional []string
	for _, each := range given {
		name, ok := each.(string)
		if _, known := types[cty.NormalizeString(name)]; !ok || !known {
			return wrong()
		}
		optional = append(optional, cty.NormalizeString(name))
	}
	return cty.ObjectWithOptionalAttrs(types, optional), nil
}

// typeText writes a type as parseType reads it.
func typeText(ty cty.Type) string {
	text, err := ty.MarshalJSON()
	if err != nil { // only of capsules, which no provider can send
		return ty.FriendlyName()
	}
	return string(text)
}
