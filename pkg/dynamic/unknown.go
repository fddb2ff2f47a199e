package dynamic

import (
	"fmt"
	"math"
	"math/big"
	"strconv"
	"unicode/utf8"

	"github.com/zclconf/go-cty/cty"
)

// extensionRefined is MessagePack's extension type of an unknown value of which
// something is known; any other extension is an unknown value and nothing more.
const extensionRefined = 0x0c

// The keys of what is known, as go-cty numbers them.
const (
	refinedNull      = 1
	refinedPrefix    = 2
	refinedMin       = 3
	refinedMax       = 4
	refinedMinLength = 5
	refinedMaxLength = 6
)

// mostElements is how long a collection of unknown elements may be.
const mostElements = 1 << 16

// unknown writes an unknown value.
func (d *decoder) unknown(t token, ty cty.Type, at *path) error {
	if len(t.data) <= 1 {
		d.text(`{"$unknown":true}`)
		return nil
	}
	if t.code != extensionRefined {
		return at.because(ReasonMsgpack, "", fmt.Errorf("extension 0x%02x of %d bytes is no unknown value", t.code, len(t.data)))
	}
	inner := decoder{in: reader{t.data}}
	head, err := inner.in.next()
	if err != nil || head.kind != kindMap {
		return at.because(ReasonMsgpack, "", fmt.Errorf("an unknown value is described by no map but %s", head))
	}
	for range head.size {
		if err := inner.refinement(ty, at); err != nil {
			return err
		}
	}
	if len(inner.out) == 0 {
		d.text(`{"$unknown":true}`)
		return nil
	}
	d.text(`{"$unknown":{`)
	d.out = append(d.out, inner.out...)
	d.text("}}")
	return nil
}

// refinement writes one thing that is known. What is not understood is left out,
// as the protocol asks.
func (d *decoder) refinement(ty cty.Type, at *path) error {
	broken := func(err error) error {
		if err == nil {
			err = fmt.Errorf("an unknown value is described wrongly")
		}
		return at.because(ReasonMsgpack, "", err)
	}
	key, err := d.in.next()
	if err != nil || key.kind != kindInt && key.kind != kindUint {
		return broken(err)
	}
	code := key.uint
	if code == refinedMin || code == refinedMax {
		return d.bound(code, ty, at)
	}
	if code < refinedNull || code > refinedMaxLength {
		if err := d.in.skip(1); err != nil {
			return broken(err)
		}
		return nil
	}
	t, err := d.in.next()
	if err != nil {
		return broken(err)
	}
	switch {
	case code == refinedNull && t.kind == kindBool && t.flag:
		d.entry("null", "true")
	case code == refinedNull && t.kind == kindBool:
		d.entry("not_null", "true")
	case code == refinedPrefix && t.kind == kindString && utf8.Valid(t.data) && mayBe(ty, cty.String):
		d.entry("prefix", string(renderString(nil, string(t.data))))
	case code == refinedMinLength && t.kind == kindUint && mayBeCollection(ty):
		d.entry("min_length", strconv.FormatUint(t.uint, 10))
	case code == refinedMaxLength && t.kind == kindUint && mayBeCollection(ty):
		d.entry("max_length", strconv.FormatUint(t.uint, 10))
	default:
		return broken(nil)
	}
	return nil
}

// bound writes a bound of a number: a pair of the number and whether it belongs.
func (d *decoder) bound(code uint64, ty cty.Type, at *path) error {
	inner := decoder{in: d.in}
	head, err := inner.in.next()
	if err == nil && head.kind == kindArray && head.size == 2 && mayBe(ty, cty.Number) {
		if err := inner.value(cty.Number, at); err != nil {
			return err
		}
		included, err := inner.in.next()
		if err == nil && included.kind == kindBool && string(inner.out) != "null" {
			d.in = inner.in
			names := map[bool]string{true: "min", false: "above"}
			if code == refinedMax {
				names = map[bool]string{true: "max", false: "below"}
			}
			d.entry(names[included.flag], string(inner.out))
			return nil
		}
	}
	return at.because(ReasonMsgpack, "", fmt.Errorf("the bound of an unknown number is described wrongly"))
}

// entry writes one entry of a description.
func (d *decoder) entry(name, text string) {
	if len(d.out) > 0 {
		d.text(",")
	}
	d.text(`"` + name + `":` + text)
}

// mayBe reports whether a value of ty can turn out to be of type want.
func mayBe(ty, want cty.Type) bool {
	return ty == cty.NilType || ty == cty.DynamicPseudoType || ty == want
}

func mayBeCollection(ty cty.Type) bool {
	return ty == cty.NilType || ty == cty.DynamicPseudoType || ty.IsCollectionType()
}

// unknownOf reads what stands behind "$unknown".
func unknownOf(tree any, ty cty.Type, at *path) (cty.Value, error) {
	at = at.field("$unknown")
	if tree == true {
		return cty.UnknownVal(ty), nil
	}
	known, ok := tree.(object)
	if !ok {
		return cty.NilVal, at.fail(ReasonNotation, describe(tree), "true, or an object of what is known")
	}
	if ty == cty.DynamicPseudoType {
		return cty.DynamicVal, nil // of it nothing can be known
	}
	r := refiner{ty: ty, minLength: 0, maxLength: math.MaxInt}
	for _, m := range known {
		if err := r.set(m.key, m.value, at.field(m.key)); err != nil {
			return cty.NilVal, err
		}
	}
	return r.value(at)
}

// refiner collects what is known of an unknown value.
type refiner struct {
	ty                   cty.Type
	null, notNull        bool
	prefix               string
	min, max             *big.Float
	minInside, maxInside bool
	minLength, maxLength int
}

// set takes one entry.
func (r *refiner) set(name string, tree any, at *path) error {
	text, isString := tree.(string)
	number, isNumber := tree.(interface{ Int64() (int64, error) })
	switch {
	case (name == "null" || name == "not_null") && tree == true:
		r.null, r.notNull = r.null || name == "null", r.notNull || name == "not_null"
		return nil
	case name == "prefix" && isString && r.ty == cty.String:
		r.prefix = text
		return nil
	case (name == "min_length" || name == "max_length") && isNumber && r.ty.IsCollectionType():
		n, err := number.Int64()
		if err != nil || n < 0 {
			return at.fail(ReasonValue, describe(tree), "a length")
		}
		if name == "min_length" {
			r.minLength = int(n)
		} else {
			r.maxLength = int(n)
		}
		return nil
	case (name == "min" || name == "above" || name == "max" || name == "below") && r.ty == cty.Number:
		bound, err := numberOf(tree, at)
		if err != nil {
			return err
		}
		inside := name == "min" || name == "max"
		if name == "min" || name == "above" {
			r.min, r.minInside = bound.AsBigFloat(), inside
		} else {
			r.max, r.maxInside = bound.AsBigFloat(), inside
		}
		return nil
	default:
		return at.fail(ReasonNotation, describe(tree)+" is nothing that can be known of "+typeText(r.ty),
			`"null" or "not_null" true, "prefix" of a string, "min", "above", "max" or "below" of a number, "min_length" or "max_length" of a collection`)
	}
}

// value is the unknown value. What contradicts itself makes go-cty panic, so it
// is found here.
func (r *refiner) value(at *path) (cty.Value, error) {
	contradiction := r.null && r.notNull || r.minLength > r.maxLength
	if r.min != nil && r.max != nil {
		order := r.min.Cmp(r.max)
		contradiction = contradiction || order > 0 || order == 0 && (!r.minInside || !r.maxInside)
	}
	// A list of which the length is known becomes that many unknown elements.
	if r.notNull && r.minLength == r.maxLength && r.minLength > mostElements {
		return cty.NilVal, at.fail(ReasonValue, fmt.Sprintf("length %d", r.minLength), fmt.Sprintf("at most %d", mostElements))
	}
	if contradiction {
		return cty.NilVal, at.fail(ReasonValue, "what is known contradicts itself", "")
	}
	if r.null {
		return cty.NullVal(r.ty), nil
	}
	builder := cty.UnknownVal(r.ty).Refine()
	if r.notNull {
		builder = builder.NotNull()
	}
	if r.prefix != "" {
		builder = builder.StringPrefixFull(r.prefix)
	}
	if r.min != nil {
		builder = builder.NumberRangeLowerBound(cty.NumberVal(r.min), r.minInside)
	}
	if r.max != nil {
		builder = builder.NumberRangeUpperBound(cty.NumberVal(r.max), r.maxInside)
	}
	if r.ty.IsCollectionType() {
		builder = builder.CollectionLengthLowerBound(r.minLength).CollectionLengthUpperBound(r.maxLength)
	}
	return builder.NewValue(), nil
}
