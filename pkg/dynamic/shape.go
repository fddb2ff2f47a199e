package dynamic

import (
	"maps"
	"slices"

	"github.com/zclconf/go-cty/cty"
)

// shape is a type, and what a type does not say: which attributes may be left
// out, and what they are then.
type shape struct {
	ty      cty.Type
	attrs   map[string]attr // of an object; nil: as ty has them
	element *shape          // of a collection, or of a dynamic one of blocks; nil: as ty has it
}

// attr is an attribute or nested block of an object.
type attr struct {
	shape
	absent cty.Value // what it is when left out; cty.NilVal: it must be given
}

// shapeOf is the shape of a type alone.
func shapeOf(ty cty.Type) shape {
	s := shape{ty: ty.WithoutOptionalAttributesDeep()}
	switch {
	case ty.IsObjectType():
		s.attrs = make(map[string]attr, len(ty.AttributeTypes()))
		for name, each := range ty.AttributeTypes() {
			a := attr{shape: shapeOf(each)}
			if ty.AttributeOptional(name) {
				a.absent = cty.NullVal(a.ty)
			}
			s.attrs[name] = a
		}
	case ty.IsCollectionType():
		element := shapeOf(ty.ElementType())
		s.element = &element
	}
	return s
}

// objectShape is the shape of an object of these attributes.
func objectShape(attrs map[string]attr) shape {
	types := make(map[string]cty.Type, len(attrs))
	for name, a := range attrs {
		types[name] = a.ty
	}
	return shape{ty: cty.Object(types), attrs: attrs}
}

// keysOf returns the keys of a map, sorted.
func keysOf[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
