package dynamic_test

import (
	"fmt"
	"testing"

	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/msgpack"

	"github.com/pyvider/rpcplugin/pkg/dynamic"
)

// A state of ten thousand objects, there and back; go-cty reads and writes the
// same bytes to compare with.
func BenchmarkLargeState(b *testing.B) {
	var objects []cty.Value
	for i := range 10_000 {
		objects = append(objects, cty.ObjectVal(map[string]cty.Value{
			"id": cty.StringVal(fmt.Sprintf("id-%d", i)), "port": cty.NumberIntVal(int64(i)), "tags": cty.MapVal(map[string]cty.Value{"name": cty.StringVal("x")}),
		}))
	}
	value := cty.ListVal(objects)
	packed, err := msgpack.Marshal(value, value.Type())
	if err != nil {
		b.Fatal(err)
	}
	text, err := dynamic.FromMsgpack(packed, value.Type())
	if err != nil {
		b.Fatal(err)
	}
	for name, run := range map[string]func() error{
		"decode": func() error { _, err := dynamic.FromMsgpack(packed, value.Type()); return err },
		"encode": func() error { _, err := dynamic.ToMsgpack(text, value.Type()); return err },
		"go-cty": func() error {
			read, err := msgpack.Unmarshal(packed, value.Type())
			if err == nil {
				_, err = msgpack.Marshal(read, value.Type())
			}
			return err
		},
	} {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(packed)))
			for b.Loop() {
				if err := run(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
