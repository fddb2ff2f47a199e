package dynamic_test

import (
	"strings"
	"testing"

	"github.com/zclconf/go-cty/cty"

	"github.com/pyvider/rpcplugin/pkg/dynamic"
)

// Every form that MessagePack has for a thing is read, also those that go-cty
// does not write.
func TestFormsOfMsgpack(t *testing.T) {
	long := strings.Repeat("x", 70000)
	for _, test := range []struct {
		packed string
		ty     cty.Type
		text   string
	}{
		{"\x7f", cty.Number, "127"},
		{"\xe0", cty.Number, "-32"},
		{"\xcc\xff", cty.Number, "255"},
		{"\xcd\xff\xff", cty.Number, "65535"},
		{"\xce\xff\xff\xff\xff", cty.Number, "4294967295"},
		{"\xcf\xff\xff\xff\xff\xff\xff\xff\xff", cty.Number, "18446744073709551615"},
		{"\xd0\x80", cty.Number, "-128"},
		{"\xd1\x80\x00", cty.Number, "-32768"},
		{"\xd2\x80\x00\x00\x00", cty.Number, "-2147483648"},
		{"\xd3\x80\x00\x00\x00\x00\x00\x00\x00", cty.Number, "-9223372036854775808"},
		{"\xca\x3f\xc0\x00\x00", cty.Number, "1.5"},
		{"\xcb\x3f\xf8\x00\x00\x00\x00\x00\x00", cty.Number, "1.5"},
		{"\xa4+1.5", cty.Number, "1.5"},
		{"\xa4-007", cty.Number, "-7"},
		{"\xa2.5", cty.Number, "0.5"},
		{"\xa4-Inf", cty.Number, `{"$number":"-inf"}`},
		{"\xab1e999999999", cty.Number, "1e999999999"}, // kept as it is
		{"\xd9\x01x", cty.String, `"x"`},
		{"\xda\x00\x01x", cty.String, `"x"`},
		{"\xdb\x00\x01\x11\x70" + long, cty.String, `"` + long + `"`},
		{"\xdc\x00\x01\xc3", cty.List(cty.Bool), "[true]"},
		{"\xdd\x00\x00\x00\x01\xc3", cty.List(cty.Bool), "[true]"},
		{"\xde\x00\x01\xa1k\xc2", cty.Map(cty.Bool), `{"k":false}`},
		{"\xdf\x00\x00\x00\x01\xa1k\xc2", cty.Map(cty.Bool), `{"k":false}`},
		{"\xd4\x00\x00", cty.String, `{"$unknown":true}`},
		{"\xc7\x00\x00", cty.String, `{"$unknown":true}`},
		{"\xd5\x0c\x80\x00", cty.String, `{"$unknown":true}`},
		{"\xc8\x00\x03\x0c\x81\x01\xc2", cty.String, `{"$unknown":{"not_null":true}}`},
		{"\xc9\x00\x00\x00\x03\x0c\x81\x01\xc3", cty.String, `{"$unknown":{"null":true}}`},
		{"\xd8\x0c\x82\x20\x81\xa1k\x92\x01\x02\x01\xc2\x00\x00\x00\x00\x00\x00", cty.String, `{"$unknown":{"not_null":true}}`}, // 0x20 means nothing yet
		{"\x92\xc4\x08\"string\"\xa1x", cty.NilType, `{"$type":"string","$value":"x"}`},
		{"\x92\xd9\x08\"string\"\xa1x", cty.DynamicPseudoType, `{"$type":"string","$value":"x"}`},
	} {
		if got, err := dynamic.FromMsgpack([]byte(test.packed), test.ty); err != nil || string(got) != test.text {
			t.Errorf("%.40q: got %.80s, %v, expected %.80s", test.packed, got, err, test.text)
		}
	}
}

// No unknown value is described so.
func TestBrokenDescriptions(t *testing.T) {
	for packed, ty := range map[string]cty.Type{
		"\xd5\x0c\x90\x00":                 cty.String, // no map
		"\xd5\x0c\x81\xa0":                 cty.String, // a key that is no number
		"\xd5\x0c\x81\x01":                 cty.String, // no value
		"\xd5\x0c\x81\x20":                 cty.String, // no value of what means nothing
		"\xc7\x03\x0c\x81\x01\x01":         cty.String, // of another kind
		"\xc7\x04\x0c\x81\x02\xa1x":        cty.Number, // a prefix of a number
		"\xc7\x05\x0c\x81\x03\x92\x01\xc3": cty.String, // a bound of a string
		"\xc7\x05\x0c\x81\x03\x92\xc0\xc3": cty.Number, // no bound
		"\xc7\x03\x0c\x81\x05\x01":         cty.Bool,   // a length of a boolean
		"\xc7\x03\x0c\x81\x05\xff":         cty.List(cty.Bool),
	} {
		if got, err := dynamic.FromMsgpack([]byte(packed), ty); err == nil {
			t.Errorf("% x: shown as %s", packed, got)
		} else {
			typed(t, err)
		}
	}
}
