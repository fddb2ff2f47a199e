package dynamic_test

import (
	"fmt"
	"math/big"
	"math/rand/v2"
	"strings"

	"github.com/zclconf/go-cty/cty"
)

// source makes random types and values.
type source struct{ *rand.Rand }

// ty makes a type with dynamic ones in it.
func (s source) ty(depth int) cty.Type {
	n := 10
	if depth == 0 {
		n = 4
	}
	switch s.IntN(n) {
	case 0:
		return cty.String
	case 1:
		return cty.Number
	case 2:
		return cty.Bool
	case 3:
		return cty.DynamicPseudoType
	case 4, 5:
		return cty.List(s.ty(depth - 1))
	case 6:
		return cty.Set(s.ty(depth - 1))
	case 7:
		return cty.Map(s.ty(depth - 1))
	case 8:
		types := make([]cty.Type, s.IntN(4))
		for i := range types {
			types[i] = s.ty(depth - 1)
		}
		return cty.Tuple(types)
	default:
		types := map[string]cty.Type{}
		for range s.IntN(4) {
			types[s.key()] = s.ty(depth - 1)
		}
		return cty.Object(types)
	}
}

// concrete puts types in the place of dynamic ones.
func (s source) concrete(ty cty.Type, depth int) cty.Type {
	switch {
	case ty == cty.DynamicPseudoType:
		for {
			if ty := s.ty(max(depth-1, 0)); !ty.HasDynamicTypes() {
				return ty
			}
		}
	case ty.IsListType():
		return cty.List(s.concrete(ty.ElementType(), depth-1))
	case ty.IsSetType():
		return cty.Set(s.concrete(ty.ElementType(), depth-1))
	case ty.IsMapType():
		return cty.Map(s.concrete(ty.ElementType(), depth-1))
	case ty.IsTupleType():
		types := make([]cty.Type, ty.Length())
		for i := range types {
			types[i] = s.concrete(ty.TupleElementType(i), depth-1)
		}
		return cty.Tuple(types)
	case ty.IsObjectType():
		types := map[string]cty.Type{}
		for name, each := range ty.AttributeTypes() {
			types[name] = s.concrete(each, depth-1)
		}
		return cty.Object(types)
	default:
		return ty
	}
}

func (s source) key() string {
	return []string{"a", "name", "$unknown", "$$type", "$", "ünï", "x y", "id", "é\"<>&", ""}[s.IntN(10)]
}

// value makes a value of a type without dynamic ones.
func (s source) value(ty cty.Type, depth int) cty.Value {
	switch s.IntN(10) {
	case 0:
		return cty.NullVal(ty)
	case 1:
		return s.unknown(ty)
	}
	switch {
	case ty == cty.String:
		return cty.StringVal(s.key() + strings.Repeat("ab", s.IntN(3)))
	case ty == cty.Bool:
		return cty.BoolVal(s.IntN(2) == 0)
	case ty == cty.Number:
		return s.number()
	case ty.IsTupleType():
		values := make([]cty.Value, ty.Length())
		for i := range values {
			values[i] = s.value(ty.TupleElementType(i), depth-1)
		}
		return cty.TupleVal(values)
	case ty.IsObjectType():
		values := map[string]cty.Value{}
		for name, each := range ty.AttributeTypes() {
			values[name] = s.value(each, depth-1)
		}
		return cty.ObjectVal(values)
	}
	element, list, byKey := ty.ElementType(), []cty.Value(nil), map[string]cty.Value{}
	for range s.IntN(4) {
		list = append(list, s.value(element, depth-1))
		byKey[s.key()] = list[len(list)-1]
	}
	switch {
	case ty.IsListType() && len(list) > 0:
		return cty.ListVal(list)
	case ty.IsListType():
		return cty.ListValEmpty(element)
	case ty.IsSetType() && len(list) > 0:
		return cty.SetVal(list)
	case ty.IsSetType():
		return cty.SetValEmpty(element)
	case len(list) > 0:
		return cty.MapVal(byKey)
	default:
		return cty.MapValEmpty(element)
	}
}

func (s source) number() cty.Value {
	digits := fmt.Sprint(s.Uint64(), s.Uint64())
	digits = strings.ReplaceAll(digits, " ", "")
	sign := []string{"", "-"}[s.IntN(2)]
	switch s.IntN(9) {
	case 0:
		return cty.NumberIntVal(s.Int64() >> s.IntN(64))
	case 1:
		return cty.NumberUIntVal(s.Uint64())
	case 2:
		return cty.NumberFloatVal(s.NormFloat64())
	case 3:
		return cty.NumberFloatVal(s.NormFloat64() * 1e-290)
	case 4:
		return cty.MustParseNumberVal(sign + digits)
	case 5:
		return cty.MustParseNumberVal(sign + "0." + digits)
	case 6:
		return cty.MustParseNumberVal(sign + digits + "." + digits + "e" + fmt.Sprint(s.IntN(80)-40))
	case 7: // more than the usual 512 bits
		wide, _ := new(big.Int).SetString("1"+strings.Repeat(digits, 6), 10)
		return cty.NumberVal(new(big.Float).SetInt(wide))
	default:
		return []cty.Value{cty.PositiveInfinity, cty.NegativeInfinity, cty.Zero}[s.IntN(3)]
	}
}

// unknown makes an unknown value of which something may be known.
func (s source) unknown(ty cty.Type) cty.Value {
	builder := cty.UnknownVal(ty).Refine()
	if s.IntN(2) == 0 {
		builder = builder.NotNull()
	}
	few := s.IntN(3)
	switch {
	case s.IntN(2) == 0:
	case ty == cty.String:
		builder = builder.StringPrefixFull("pre-" + s.key())
	case ty == cty.Number:
		builder = builder.NumberRangeLowerBound(cty.MustParseNumberVal("0.1"), few == 0)
		if few > 0 {
			builder = builder.NumberRangeUpperBound(cty.NumberIntVal(7), few == 1)
		}
	case ty.IsCollectionType():
		builder = builder.CollectionLengthLowerBound(few).CollectionLengthUpperBound(few + s.IntN(3))
	}
	return builder.NewValue()
}
