package dynamic

import (
	"fmt"

	"github.com/zclconf/go-cty/cty"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// The nesting modes of blocks and of attributes with a nested type.
const (
	nestingSingle = 1
	nestingList   = 2
	nestingSet    = 3
	nestingMap    = 4
	nestingGroup  = 5
)

// BlockType returns the type of the values that a message Schema or Schema.Block
// describes. The error is an *Error.
func BlockType(block protoreflect.Message) (cty.Type, error) {
	s, err := schemaShape(block, nil)
	return s.ty, err
}

// schemaShape is the shape that a Schema, Schema.Block or ActionSchema describes.
func schemaShape(schema protoreflect.Message, at *path) (shape, error) {
	for _, inner := range []protoreflect.Name{"schema", "block"} {
		if schema != nil && schema.Descriptor().Fields().ByName(inner) != nil {
			schema = child(schema, inner)
		}
	}
	return blockShape(schema, at, 0)
}

// blockShape is the shape of a block; of none, that of an empty object.
func blockShape(block protoreflect.Message, at *path, depth int) (shape, error) {
	if depth == deepest {
		return shape{}, at.fail(ReasonSchema, fmt.Sprintf("blocks nested more than %d deep", deepest), "")
	}
	attrs, err := attributeShapes(children(block, "attributes"), at, depth)
	if err != nil {
		return shape{}, err
	}
	for _, nested := range children(block, "block_types") {
		name := cty.NormalizeString(text(nested, "type_name"))
		if _, taken := attrs[name]; taken {
			continue // as Terraform does: the attribute wins
		}
		if attrs[name], err = nestedShape(nested, at.field(name), depth+1); err != nil {
			return shape{}, err
		}
	}
	return objectShape(attrs), nil
}

// attributeShapes are the shapes of attributes by name.
func attributeShapes(attributes []protoreflect.Message, at *path, depth int) (map[string]attr, error) {
	attrs := make(map[string]attr, len(attributes))
	for _, attribute := range attributes {
		name := cty.NormalizeString(text(attribute, "name"))
		s, err := attributeShape(attribute, at.field(name), depth)
		if err != nil {
			return nil, err
		}
		a := attr{shape: s}
		if flag(attribute, "optional") || flag(attribute, "computed") {
			a.absent = cty.NullVal(s.ty)
		}
		attrs[name] = a
	}
	return attrs, nil
}

// attributeShape is the shape of an attribute of a block or of a nested type.
func attributeShape(attribute protoreflect.Message, at *path, depth int) (shape, error) {
	nested := child(attribute, "nested_type")
	if nested == nil {
		ty, err := parseType(data(attribute, "type"), at)
		if err != nil {
			return shape{}, err
		}
		return shapeOf(ty), nil
	}
	if depth == deepest {
		return shape{}, at.fail(ReasonSchema, fmt.Sprintf("types nested more than %d deep", deepest), "")
	}
	attrs, err := attributeShapes(children(nested, "attributes"), at, depth+1)
	if err != nil {
		return shape{}, err
	}
	element := objectShape(attrs)
	switch mode := enum(nested, "nesting"); mode {
	case nestingSingle:
		return element, nil
	case nestingList:
		return shape{ty: cty.List(element.ty), element: &element}, nil
	case nestingSet:
		return shape{ty: cty.Set(element.ty), element: &element}, nil
	case nestingMap:
		return shape{ty: cty.Map(element.ty), element: &element}, nil
	default:
		return shape{}, at.fail(ReasonSchema, fmt.Sprintf("nesting mode %d", mode), "SINGLE, LIST, SET or MAP")
	}
}

// nestedShape is the shape of nested blocks, and what they are when there are none.
func nestedShape(nested protoreflect.Message, at *path, depth int) (attr, error) {
	element, err := blockShape(child(nested, "block"), at, depth)
	if err != nil {
		return attr{}, err
	}
	// Lists and maps hold elements of one type. Where blocks need not be of one,
	// Terraform sends tuples and objects.
	varied := shape{ty: cty.DynamicPseudoType, element: &element}
	dynamic := element.ty.HasDynamicTypes()
	switch mode := enum(nested, "nesting"); {
	case mode == nestingSingle:
		return attr{shape: element, absent: cty.NullVal(element.ty)}, nil
	case mode == nestingGroup:
		return attr{shape: element, absent: emptyGroup(element)}, nil
	case mode == nestingList && dynamic:
		return attr{shape: varied, absent: cty.EmptyTupleVal}, nil
	case mode == nestingList:
		return attr{shape: shape{ty: cty.List(element.ty), element: &element}, absent: cty.ListValEmpty(element.ty)}, nil
	case mode == nestingSet:
		return attr{shape: shape{ty: cty.Set(element.ty), element: &element}, absent: cty.SetValEmpty(element.ty)}, nil
	case mode == nestingMap && dynamic:
		return attr{shape: varied, absent: cty.EmptyObjectVal}, nil
	case mode == nestingMap:
		return attr{shape: shape{ty: cty.Map(element.ty), element: &element}, absent: cty.MapValEmpty(element.ty)}, nil
	default:
		return attr{}, at.fail(ReasonSchema, fmt.Sprintf("nesting mode %d", mode), "SINGLE, LIST, SET, MAP or GROUP")
	}
}

// emptyGroup is a group of which nothing is given: its attributes are null, and
// its own blocks are what they are when left out.
func emptyGroup(group shape) cty.Value {
	values := make(map[string]cty.Value, len(group.attrs))
	for name, a := range group.attrs {
		values[name] = a.absent
		if a.absent == cty.NilVal {
			values[name] = cty.NullVal(a.ty)
		}
	}
	return cty.ObjectVal(values)
}
