package dynamic

import (
	"fmt"
	"strconv"
	"unicode/utf8"

	"github.com/zclconf/go-cty/cty"
)

// FromMsgpack turns the bytes of a DynamicValue of that type into JSON in this
// package's notation. With cty.NilType it goes by the bytes alone. The error is
// an *Error.
func FromMsgpack(data []byte, ty cty.Type) ([]byte, error) {
	return fromMsgpack(data, ty, nil)
}

func fromMsgpack(data []byte, ty cty.Type, at *path) ([]byte, error) {
	d := decoder{in: reader{data}}
	if err := d.value(ty, at); err != nil {
		return nil, err
	}
	if len(d.in.rest) > 0 {
		return nil, at.because(ReasonMsgpack, "", errLong)
	}
	return d.out, nil
}

// decoder writes JSON as it reads MessagePack.
type decoder struct {
	in    reader
	out   []byte
	depth int
}

// value reads one value of that type.
func (d *decoder) value(ty cty.Type, at *path) error {
	if d.depth == deepest {
		return at.because(ReasonMsgpack, "", fmt.Errorf("nested more than %d deep", deepest))
	}
	d.depth++
	defer func() { d.depth-- }()
	t, err := d.in.next()
	if err != nil {
		return at.because(ReasonMsgpack, "", err)
	}
	switch {
	case t.kind == kindExtension:
		return d.unknown(t, ty, at)
	case ty == cty.NilType:
		return d.untyped(t, at)
	case t.kind == kindNil:
		d.text("null")
		return nil
	case ty == cty.DynamicPseudoType:
		return d.dynamic(t, at)
	case ty == cty.Bool && t.kind == kindBool:
		d.text(strconv.FormatBool(t.flag))
		return nil
	case ty == cty.Number:
		return d.number(t, at)
	case ty == cty.String && t.kind == kindString:
		return d.string(t, at)
	case (ty.IsListType() || ty.IsSetType()) && t.kind == kindArray:
		return d.array(t.size, func(int) cty.Type { return ty.ElementType() }, at)
	case ty.IsTupleType() && t.kind == kindArray && t.size == ty.Length():
		return d.array(t.size, ty.TupleElementType, at)
	case ty.IsMapType() && t.kind == kindMap:
		_, err := d.pairs(t.size, func(key string) *path { return at.at(key) }, func(string) cty.Type { return ty.ElementType() }, at)
		return err
	case ty.IsObjectType() && t.kind == kindMap:
		return d.object(t.size, ty.AttributeTypes(), at)
	default:
		return at.fail(ReasonType, t.String(), typeText(ty))
	}
}

// String says what a token is, for errors.
func (t token) String() string {
	switch t.kind {
	case kindArray, kindMap:
		return fmt.Sprintf("%s of %d", t.kind, t.size)
	case kindString:
		return fmt.Sprintf("string %q", shortened(string(t.data), 40))
	case kindBool:
		return fmt.Sprintf("boolean %t", t.flag)
	default:
		return t.kind.String()
	}
}

func (d *decoder) text(text string) { d.out = append(d.out, text...) }

// string writes a string.
func (d *decoder) string(t token, at *path) error {
	if !utf8.Valid(t.data) {
		return at.because(ReasonMsgpack, "", fmt.Errorf("string %q is not UTF-8", shortened(string(t.data), 40)))
	}
	d.out = renderString(d.out, string(t.data))
	return nil
}

// number writes a number, which may travel as text.
func (d *decoder) number(t token, at *path) error {
	text, err := "", error(nil)
	switch t.kind {
	case kindInt:
		text = strconv.FormatInt(t.int, 10)
	case kindUint:
		text = strconv.FormatUint(t.uint, 10)
	case kindFloat:
		text, err = floatText(t.real)
	case kindString:
		text, err = numberText(string(t.data))
	default:
		return at.fail(ReasonType, t.String(), typeText(cty.Number))
	}
	if err != nil {
		return at.because(ReasonType, t.String(), err)
	}
	d.text(text)
	return nil
}

// array writes the elements of an array.
func (d *decoder) array(size int, element func(int) cty.Type, at *path) error {
	d.text("[")
	for i := range size {
		if i > 0 {
			d.text(",")
		}
		if err := d.value(element(i), at.element(i)); err != nil {
			return err
		}
	}
	d.text("]")
	return nil
}

// pairs writes the pairs of a map and returns its keys.
func (d *decoder) pairs(size int, where func(string) *path, element func(string) cty.Type, at *path) (map[string]bool, error) {
	seen := map[string]bool{}
	d.text("{")
	for i := range size {
		t, err := d.in.next()
		if err != nil {
			return nil, at.because(ReasonMsgpack, "", err)
		}
		key := cty.NormalizeString(string(t.data))
		switch {
		case t.kind != kindString || !utf8.Valid(t.data):
			return nil, at.because(ReasonMsgpack, "", fmt.Errorf("a key is no string but %s", t))
		case seen[key]:
			return nil, at.because(ReasonMsgpack, "", fmt.Errorf("key %q stands twice in a map", key))
		}
		seen[key] = true
		if i > 0 {
			d.text(",")
		}
		d.out = renderString(d.out, escape(key))
		d.text(":")
		if err := d.value(element(key), where(key)); err != nil {
			return nil, err
		}
	}
	d.text("}")
	return seen, nil
}

// object writes an object, which must have all attributes and no others.
func (d *decoder) object(size int, types map[string]cty.Type, at *path) error {
	var stranger error
	seen, err := d.pairs(size, at.field, func(name string) cty.Type {
		ty, known := types[name]
		if !known && stranger == nil {
			stranger = unknownName(at, "attribute", name, keysOf(types))
		}
		return ty // cty.NilType for a stranger, whose value is read and forgotten
	}, at)
	if stranger != nil {
		return stranger
	}
	if err != nil || len(seen) == len(types) {
		return err
	}
	for _, name := range keysOf(types) {
		if !seen[name] {
			return at.fail(ReasonMissing, fmt.Sprintf("object without attribute %q", name), typeText(types[name]))
		}
	}
	return nil
}

// dynamic writes a value that brings its type.
func (d *decoder) dynamic(t token, at *path) error {
	if t.kind != kindArray || t.size != 2 {
		return at.fail(ReasonType, t.String(), "a pair of a type and a value, since the type is dynamic")
	}
	t, err := d.in.next()
	if err != nil {
		return at.because(ReasonMsgpack, "", err)
	}
	if t.kind != kindBytes && t.kind != kindString {
		return at.fail(ReasonType, t.String(), "a type")
	}
	ty, err := parseType(t.data, at)
	if err != nil {
		return err
	}
	ty = ty.WithoutOptionalAttributesDeep()
	d.text(`{"$type":` + typeText(ty) + `,"$value":`)
	if err := d.value(ty, at); err != nil {
		return err
	}
	d.text("}")
	return nil
}

// untyped writes a value by what the bytes say.
func (d *decoder) untyped(t token, at *path) error {
	switch t.kind {
	case kindNil:
		d.text("null")
		return nil
	case kindBool:
		d.text(strconv.FormatBool(t.flag))
		return nil
	case kindInt, kindUint, kindFloat:
		return d.number(t, at)
	case kindString:
		return d.string(t, at)
	case kindArray:
		// Only a type travels as bytes.
		if ahead := d.in; t.size == 2 {
			if first, err := ahead.next(); err == nil && first.kind == kindBytes {
				return d.dynamic(t, at)
			}
		}
		return d.array(t.size, func(int) cty.Type { return cty.NilType }, at)
	case kindMap:
		_, err := d.pairs(t.size, at.at, func(string) cty.Type { return cty.NilType }, at)
		return err
	default:
		return at.fail(ReasonType, t.String(), "a value")
	}
}
