package dynamic_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/msgpack"

	"github.com/pyvider/rpcplugin/pkg/dynamic"
)

// typed fails unless an error is one of this package's, and not the last resort:
// what go-cty panics on is found before it is asked.
func typed(t *testing.T, err error) {
	t.Helper()
	var e *dynamic.Error
	if err == nil {
		return
	}
	if !errors.As(err, &e) || e.Reason == "" || e.Error() == "" {
		t.Fatalf("%#v is no *Error", err)
	}
	if strings.Contains(e.Error(), "the value cannot be:") {
		t.Fatalf("go-cty panicked: %v", e)
	}
}

// anyType reads a type, or makes one up.
func anyType(text string) cty.Type {
	var ty cty.Type
	if json.Valid([]byte(text)) {
		func() {
			defer func() { _ = recover() }() // go-cty's reader panics
			if ty.UnmarshalJSON([]byte(text)) != nil {
				ty = cty.NilType
			}
		}()
	}
	if ty == cty.NilType && len(text)%2 == 0 {
		return source{rand.New(rand.NewPCG(uint64(len(text)), 2))}.ty(3)
	}
	return ty
}

// Any bytes are shown or refused, and what is shown is read again. Where go-cty
// reads them, too, and shows them the same, the value is the same.
func FuzzFromMsgpack(f *testing.F) {
	for seed := range uint64(100) {
		s := source{rand.New(rand.NewPCG(seed, 3))}
		ty := s.ty(3)
		packed, err := msgpack.Marshal(s.value(s.concrete(ty, 3), 3), ty)
		text, typeErr := ty.MarshalJSON()
		if err := errors.Join(err, typeErr); err != nil {
			f.Fatal(err)
		}
		f.Add(packed, string(text))
		f.Add(packed, "")
	}
	f.Fuzz(func(t *testing.T, packed []byte, typeText string) {
		ty := anyType(typeText)
		text, err := dynamic.FromMsgpack(packed, ty)
		typed(t, err)
		if err != nil {
			return
		}
		if !json.Valid(text) {
			t.Fatalf("%s is no JSON", text)
		}
		again, err := dynamic.ToMsgpack(text, ty)
		typed(t, err)
		if err != nil || ty == cty.NilType {
			return
		}
		got, ok := unmarshal(again, ty)
		if !ok {
			t.Fatalf("%s becomes % x, which go-cty does not read", text, again)
		}
		// go-cty does not pass over what it does not understand of a description.
		if want, ok := unmarshal(packed, ty); ok && !bytes.Contains(text, []byte(`"$unknown":{`)) && !alike(got, want, ty) {
			t.Fatalf("% x is %#v, and %s is %#v", packed, want, text, got)
		}
	})
}

// alike reports whether go-cty writes two values the same. Numbers of another
// precision are the same then, and so are numbers that it rounds.
func alike(a, b cty.Value, ty cty.Type) bool {
	one, err := msgpack.Marshal(a, ty)
	other, otherErr := msgpack.Marshal(b, ty)
	return err != nil || otherErr != nil || bytes.Equal(one, other)
}

// Any JSON is taken or refused, and what is taken is shown again.
func FuzzToMsgpack(f *testing.F) {
	for seed := range uint64(100) {
		s := source{rand.New(rand.NewPCG(seed, 4))}
		ty := s.ty(3)
		packed, err := msgpack.Marshal(s.value(s.concrete(ty, 3), 3), ty)
		typeText, typeErr := ty.MarshalJSON()
		text, textErr := dynamic.FromMsgpack(packed, ty)
		if err := errors.Join(err, typeErr, textErr); err != nil {
			f.Fatal(err)
		}
		f.Add(text, string(typeText))
		f.Add(text, "")
	}
	f.Add([]byte(`{"$unknown":{"min":1,"max":1,"not_null":true}}`), `"number"`)
	f.Add([]byte(`{"$unknown":{"min":{"$number":"inf"}}}`), `"number"`)
	f.Add([]byte(`{"$unknown":{"not_null":true,"max_length":0}}`), `["set","string"]`)
	f.Fuzz(func(t *testing.T, text []byte, typeText string) {
		ty := anyType(typeText)
		packed, err := dynamic.ToMsgpack(text, ty)
		typed(t, err)
		if err != nil {
			return
		}
		shown, err := dynamic.FromMsgpack(packed, ty)
		if err != nil {
			t.Fatalf("%s becomes % x: %v", text, packed, err)
		}
		again, err := dynamic.ToMsgpack(shown, ty)
		if err != nil || !bytes.Equal(again, packed) {
			t.Fatalf("%s becomes % x, which is shown as %s and becomes % x, %v", text, packed, shown, again, err)
		}
	})
}

// Any message with any schema is taken or refused, and what is taken is shown.
func FuzzEncodeMessage(f *testing.F) {
	all := messages(f, "tfplugin6")
	names := keys(all)
	f.Add(`{"resourceSchemas":{"x":{"block":{"attributes":[{"name":"a","type":["list","dynamic"],"optional":true},{"name":"n","nestedType":{"nesting":"SET","attributes":[]}}],`+
		`"blockTypes":[{"typeName":"b","nesting":"GROUP","block":{}},{"typeName":"l","nesting":"LIST","block":{"attributes":[{"name":"d","type":"dynamic"}]}}]}}}}`,
		`{"typeName":"x","currentState":{"n":[],"l":[{"d":{"$unknown":true}}]},"providerMeta":{"$json":1}}`, uint8(slices.Index(names, "ReadResource.Request")))
	f.Add(`{"functions":{"f":{"parameters":[{"name":"p","type":["set","number"]}],"return":{"type":"bool"}}}}`, `{"name":"f","arguments":[[1,1,2]]}`,
		uint8(slices.Index(names, "CallFunction.Request")))
	f.Add(`{}`, `{"typeName":"x","rawState":{"json":{}}}`, uint8(slices.Index(names, "UpgradeResourceState.Request")))
	f.Add(`{}`, `{"functions":{"f":{"return":{"type":"bool"}}}}`, uint8(slices.Index(names, "GetFunctions.Response")))
	f.Fuzz(func(t *testing.T, schema, text string, which uint8) {
		reply, err := (*dynamic.Provider)(nil).EncodeMessage(all["GetProviderSchema.Response"], []byte(schema), nil)
		typed(t, err)
		if err != nil {
			return
		}
		_, err = dynamic.SchemaJSON("x", reply)
		typed(t, err)
		provider, err := dynamic.NewProvider(reply)
		typed(t, err)
		d := all[names[int(which)%len(names)]]
		for _, p := range []*dynamic.Provider{nil, provider} {
			m, err := p.EncodeMessage(d, []byte(text), nil)
			typed(t, err)
			if err != nil {
				continue
			}
			shown, err := p.DecodeMessage(m, nil)
			typed(t, err)
			// Raw bytes may hold what they like.
			if err != nil && !strings.Contains(text, `$`) || err == nil && !json.Valid(shown) {
				t.Fatalf("%s is shown as %s, %v", text, shown, err)
			}
		}
	})
}

// keys returns the keys of a map, sorted.
func keys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
