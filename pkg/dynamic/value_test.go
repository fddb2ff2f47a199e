package dynamic_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/msgpack"

	"github.com/pyvider/rpcplugin/pkg/dynamic"
)

// For random types and values, JSON and back gives go-cty's bytes again.
func TestValuesThereAndBack(t *testing.T) {
	const depth = 4
	const seeds = 6000
	read := 0
	for seed := range uint64(seeds) {
		s := source{rand.New(rand.NewPCG(seed, 1))}
		ty := s.ty(depth)
		value := s.value(s.concrete(ty, depth), depth)
		want, err := msgpack.Marshal(value, ty)
		if err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		text, err := dynamic.FromMsgpack(want, ty)
		if err != nil || !json.Valid(text) {
			t.Fatalf("seed %d: %#v of %#v: %v\n%s", seed, value, ty, err, text)
		}
		got, err := dynamic.ToMsgpack(text, ty)
		first, readable := unmarshal(want, ty)
		if !readable { // such as lists of empty lists of dynamic type, whose bytes have lost it
			var refused *dynamic.Error
			if !errors.As(err, &refused) || refused.Reason != dynamic.ReasonType {
				t.Fatalf("seed %d: %#v of %#v: %v, expected it to be refused", seed, value, ty, err)
			}
			continue
		}
		read++
		if err != nil || !bytes.Equal(got, want) {
			t.Fatalf("seed %d: %#v of %#v: %v\n%s\ngot  %x\nwant %x", seed, value, ty, err, text, got, want)
		}
		if back, _ := unmarshal(got, ty); !back.RawEquals(first) {
			t.Fatalf("seed %d: %#v, expected %#v", seed, back, first)
		}
		untyped, err := dynamic.FromMsgpack(want, cty.NilType)
		if err != nil || !json.Valid(untyped) {
			t.Fatalf("seed %d, without a type: %v", seed, err)
		}
	}
	if read < seeds*9/10 {
		t.Errorf("go-cty reads %d of %d values, expected most", read, seeds)
	}
}

// unmarshal is go-cty's own, which panics on some of what it writes.
func unmarshal(packed []byte, ty cty.Type) (value cty.Value, ok bool) {
	defer func() { _ = recover() }()
	value, err := msgpack.Unmarshal(packed, ty)
	return value, err == nil
}

func TestNotation(t *testing.T) {
	object := cty.Object(map[string]cty.Type{"a": cty.String, "n": cty.Number})
	for _, test := range []struct {
		name  string
		ty    cty.Type
		value cty.Value
		text  string
	}{
		{"string", cty.String, cty.StringVal(`<"é`), `"<\"é"`},
		{"null", cty.String, cty.NullVal(cty.String), `null`},
		{"unknown", cty.String, cty.UnknownVal(cty.String), `{"$unknown":true}`},
		{"not null", cty.Bool, cty.UnknownVal(cty.Bool).RefineNotNull(), `{"$unknown":{"not_null":true}}`},
		{
			"prefix", cty.String, cty.UnknownVal(cty.String).Refine().NotNull().StringPrefixFull("ami-").NewValue(),
			`{"$unknown":{"not_null":true,"prefix":"ami-"}}`,
		},
		{
			"range", cty.Number, cty.UnknownVal(cty.Number).Refine().NumberRangeLowerBound(cty.NumberIntVal(1), true).NumberRangeUpperBound(cty.MustParseNumberVal("1.1"), false).NewValue(),
			`{"$unknown":{"min":1,"below":1.1}}`,
		},
		{
			"length", cty.List(cty.Bool), cty.UnknownVal(cty.List(cty.Bool)).Refine().CollectionLengthLowerBound(1).CollectionLengthUpperBound(3).NewValue(),
			`{"$unknown":{"min_length":1,"max_length":3}}`,
		},
		{"big", cty.Number, cty.MustParseNumberVal("123456789012345678901234567890"), `123456789012345678901234567890`},
		{"decimal", cty.Number, cty.MustParseNumberVal("0.1"), `0.1`},
		{"double", cty.Number, cty.NumberFloatVal(0.1), `0.1000000000000000055511151231257827021181583404541015625`},
		{"tiny", cty.Number, cty.NumberFloatVal(-0.5), `-0.5`},
		{"largest", cty.Number, cty.NumberUIntVal(math.MaxUint64), `18446744073709551615`},
		{"infinity", cty.Number, cty.NegativeInfinity, `{"$number":"-inf"}`},
		{"word as data", cty.Map(cty.String), cty.MapVal(map[string]cty.Value{"$unknown": cty.StringVal("x")}), `{"$$unknown":"x"}`},
		{"escaped word", cty.Map(cty.Bool), cty.MapVal(map[string]cty.Value{"$$x": cty.True}), `{"$$$x":true}`},
		{"object", object, cty.ObjectVal(map[string]cty.Value{"a": cty.StringVal("x"), "n": cty.NumberIntVal(1)}), `{"a":"x","n":1}`},
		{"set", cty.Set(cty.String), cty.SetVal([]cty.Value{cty.StringVal("b"), cty.StringVal("a")}), `["a","b"]`},
		{"tuple", cty.Tuple([]cty.Type{cty.String, cty.Bool}), cty.TupleVal([]cty.Value{cty.StringVal("x"), cty.True}), `["x",true]`},
		{"dynamic", cty.DynamicPseudoType, cty.StringVal("x"), `{"$type":"string","$value":"x"}`},
		{"dynamic list", cty.DynamicPseudoType, cty.ListVal([]cty.Value{cty.True}), `{"$type":["list","bool"],"$value":[true]}`},
		{"dynamic unknown", cty.DynamicPseudoType, cty.DynamicVal, `{"$unknown":true}`},
		{"dynamic null", cty.DynamicPseudoType, cty.NullVal(cty.DynamicPseudoType), `null`},
		{"unknown of a type", cty.DynamicPseudoType, cty.UnknownVal(cty.Number), `{"$type":"number","$value":{"$unknown":true}}`},
		{"null of a type", cty.DynamicPseudoType, cty.NullVal(cty.Number), `{"$type":"number","$value":null}`},
	} {
		t.Run(test.name, func(t *testing.T) {
			packed, err := msgpack.Marshal(test.value, test.ty)
			if err != nil {
				t.Fatal(err)
			}
			text, err := dynamic.FromMsgpack(packed, test.ty)
			if err != nil || string(text) != test.text {
				t.Errorf("got %s, %v, expected %s", text, err, test.text)
			}
			back, err := dynamic.ToMsgpack([]byte(test.text), test.ty)
			if err != nil || !bytes.Equal(back, packed) {
				t.Errorf("got % x, %v, expected % x", back, err, packed)
			}
		})
	}
}

// Where a type is dynamic, plain JSON has the type that Terraform would give it.
func TestPlainJSONForDynamicTypes(t *testing.T) {
	for text, want := range map[string]cty.Value{
		`"x"`:                 cty.StringVal("x"),
		`1.5`:                 cty.MustParseNumberVal("1.5"),
		`[1,"x"]`:             cty.TupleVal([]cty.Value{cty.NumberIntVal(1), cty.StringVal("x")}),
		`{"a":null,"$$b":{}}`: cty.ObjectVal(map[string]cty.Value{"a": cty.NullVal(cty.DynamicPseudoType), "$b": cty.EmptyObjectVal}),
		`{"a":{"$type":["set","string"],"$value":["y","x","x"]}}`: cty.ObjectVal(map[string]cty.Value{
			"a": cty.SetVal([]cty.Value{cty.StringVal("x"), cty.StringVal("y")}),
		}),
		`[{"$unknown":true},{"$number":"inf"}]`: cty.TupleVal([]cty.Value{cty.DynamicVal, cty.PositiveInfinity}),
	} {
		packed, err := dynamic.ToMsgpack([]byte(text), cty.DynamicPseudoType)
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		if got, err := msgpack.Unmarshal(packed, cty.DynamicPseudoType); err != nil || !got.RawEquals(want) {
			t.Errorf("%s: got %#v, %v, expected %#v", text, got, err, want)
		}
	}
}

func TestInputErrors(t *testing.T) {
	rules := cty.Object(map[string]cty.Type{"rule": cty.List(cty.Object(map[string]cty.Type{"name": cty.String, "port": cty.Number})), "tags": cty.Map(cty.String)})
	optional := cty.ObjectWithOptionalAttrs(map[string]cty.Type{"a": cty.String, "b": cty.String}, []string{"b"})
	for _, test := range []struct {
		text   string
		ty     cty.Type
		reason dynamic.Reason
		path   string
		says   string
	}{
		{`{`, rules, dynamic.ReasonJSON, "", "no JSON document"},
		{`{} {}`, rules, dynamic.ReasonJSON, "", "text after"},
		{`{"a":1,"a":2}`, rules, dynamic.ReasonJSON, "", `"a" stands twice`},
		{strings.Repeat("[", 5000), cty.DynamicPseudoType, dynamic.ReasonJSON, "", "nested"},
		{`{"rule":[{"name":"x","port":1},{"name":"y","port":"80"}],"tags":null}`, rules, dynamic.ReasonType, "rule[1].port", `string "80", expected "number"`},
		{`{"rule":{},"tags":null}`, rules, dynamic.ReasonType, "rule", `object, expected ["list",["object",{"name":"string","port":"number"}]]`},
		{`{"rule":[],"tags":{"x":1}}`, rules, dynamic.ReasonType, `tags["x"]`, `number 1, expected "string"`},
		{`{"rule":[],"tag":{}}`, rules, dynamic.ReasonName, "", `no attribute is named "tag"`},
		{`{"rule":[]}`, rules, dynamic.ReasonMissing, "", `without attribute "tags"`},
		{`{"b":"x"}`, optional, dynamic.ReasonMissing, "", `without attribute "a"`},
		{`true`, cty.String, dynamic.ReasonType, "", `boolean true, expected "string"`},
		{`[1]`, cty.Tuple([]cty.Type{cty.Number, cty.Number}), dynamic.ReasonType, "", `array of 1`},
		{`["x",1]`, cty.List(cty.DynamicPseudoType), dynamic.ReasonType, "", "several types"},
		{`{"$ref":1}`, cty.Map(cty.Number), dynamic.ReasonNotation, "", `"$ref"`},
		{`{"$type":"string","$value":"x"}`, cty.String, dynamic.ReasonNotation, "", `"$type", "$value"`},
		{`{"$type":"strin","$value":"x"}`, cty.DynamicPseudoType, dynamic.ReasonSchema, "$type", `"strin" is no type`},
		{`{"$unknown":false}`, cty.String, dynamic.ReasonNotation, "$unknown", "boolean false"},
		{`{"$unknown":{"min":1}}`, cty.String, dynamic.ReasonNotation, "$unknown.min", "nothing that can be known"},
		{`{"$unknown":{"min":2,"below":2}}`, cty.Number, dynamic.ReasonValue, "$unknown", "contradicts"},
		{`{"$unknown":{"not_null":true,"null":true}}`, cty.Number, dynamic.ReasonValue, "$unknown", "contradicts"},
		{`{"$unknown":{"min_length":3,"max_length":2}}`, cty.Set(cty.Bool), dynamic.ReasonValue, "$unknown", "contradicts"},
		{`{"$unknown":{"not_null":true,"min_length":99999999,"max_length":99999999}}`, cty.List(cty.Bool), dynamic.ReasonValue, "$unknown", "at most"},
		{`1e99999999`, cty.Number, dynamic.ReasonValue, "", "digits"},
		{`0.` + strings.Repeat("7", 200), cty.Number, dynamic.ReasonValue, "", "512 bits"},
	} {
		_, err := dynamic.ToMsgpack([]byte(test.text), test.ty)
		var got *dynamic.Error
		if !errors.As(err, &got) {
			t.Errorf("%.60s: %v, expected an *Error", test.text, err)
			continue
		}
		if got.Reason != test.reason || got.Path != test.path || !strings.Contains(got.Error(), test.says) {
			t.Errorf("%.60s: %s at %q: %v, expected %s at %q with %q", test.text, got.Reason, got.Path, got, test.reason, test.path, test.says)
		}
	}
}

func TestNearestNames(t *testing.T) {
	ty := cty.Object(map[string]cty.Type{"triggers": cty.String, "create_duration": cty.String, "destroy_duration": cty.String, "id": cty.String})
	_, err := dynamic.ToMsgpack([]byte(`{"trigers":"x"}`), ty)
	var got *dynamic.Error
	if !errors.As(err, &got) || len(got.Names) == 0 || got.Names[0] != "triggers" || !strings.Contains(got.Hint(), `"triggers"`) {
		t.Errorf("%v, names %v, expected triggers first", err, slices.Clip(got.Names))
	}
}

// What go-cty takes and no value can be is refused.
func TestOutputErrors(t *testing.T) {
	object := cty.Object(map[string]cty.Type{"a": cty.String})
	for _, test := range []struct {
		packed string
		ty     cty.Type
		reason dynamic.Reason
		says   string
	}{
		{"", object, dynamic.ReasonMsgpack, "end in the middle"},
		{"\x80", object, dynamic.ReasonMissing, `without attribute "a"`},
		{"\x81\xa1a\xc3", object, dynamic.ReasonType, `a: boolean true, expected "string"`},
		{"\x81\xa1b\xc3", object, dynamic.ReasonName, `"b"`},
		{"\x82\xa1a\xc0\xa1a\xc0", object, dynamic.ReasonMsgpack, "twice"},
		{"\xc0\xc0", object, dynamic.ReasonMsgpack, "follow the end"},
		{"\xdd\xff\xff\xff\xff", cty.List(cty.String), dynamic.ReasonMsgpack, "end in the middle"},
		{"\xc1", object, dynamic.ReasonMsgpack, "0xc1"},
		{"\xa1\xff", cty.String, dynamic.ReasonMsgpack, "UTF-8"},
		{"\xcb\x7f\xf8\x00\x00\x00\x00\x00\x00", cty.Number, dynamic.ReasonType, "number"},
		{"\xa3abc", cty.Number, dynamic.ReasonType, `string "abc"`},
		{"\xa1x", cty.DynamicPseudoType, dynamic.ReasonType, "a pair"},
		{"\x92\xc4\x03foo\xc0", cty.DynamicPseudoType, dynamic.ReasonSchema, "no type"},
		{"\xd5\x07xx", cty.String, dynamic.ReasonMsgpack, "0x07"},
		{strings.Repeat("\x91", 5000), cty.NilType, dynamic.ReasonMsgpack, "nested"},
	} {
		text, err := dynamic.FromMsgpack([]byte(test.packed), test.ty)
		var got *dynamic.Error
		if !errors.As(err, &got) || got.Reason != test.reason || !strings.Contains(got.Error(), test.says) {
			t.Errorf("%.40q: %s, %v, expected %s with %q", test.packed, text, err, test.reason, test.says)
		}
	}
}
