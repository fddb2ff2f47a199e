package hclog_test

import (
	"bytes"
	"errors"
	"log/slog"
	"math"
	"testing"
	"time"

	"github.com/pyvider/rpcplugin/internal/hclog"
)

type password string

func (password) LogValue() slog.Value { return slog.StringValue("REDACTED") }

type selfEncoded struct{}

func (selfEncoded) MarshalJSON() ([]byte, error) { return []byte(`{"self": true}`), nil }
func (selfEncoded) Error() string                { return "not this" }

type broken struct{}

func (broken) MarshalJSON() ([]byte, error) { panic("no form") }

func TestHandlerAttributes(t *testing.T) {
	tests := []struct {
		name string
		attr slog.Attr
		want string
	}{
		{"string", slog.String("k", "a\"\\\n\r\t\x00\x7fé\xff"), `"k":"a\"\\\n\r\t\u0000` + "\x7f" + `é` + "\uFFFD" + `"`},
		{"int", slog.Int("k", -5), `"k":-5`},
		{"uint", slog.Uint64("k", math.MaxUint64), `"k":18446744073709551615`},
		{"float", slog.Float64("k", 0.25), `"k":0.25`},
		{"no number", slog.Float64("k", math.NaN()), `"k":"NaN"`},
		{"infinite", slog.Float64("k", math.Inf(-1)), `"k":"-Inf"`},
		{"bool", slog.Bool("k", true), `"k":true`},
		{"duration", slog.Duration("k", 1500*time.Millisecond), `"k":"1.5s"`},
		{"time", slog.Time("k", time.Date(2026, 1, 2, 3, 4, 5, 6, time.UTC)), `"k":"2026-01-02T03:04:05.000000006Z"`},
		{"nil", slog.Any("k", nil), `"k":null`},
		{"list", slog.Any("k", []string{"a", "b"}), `"k":["a","b"]`},
		{"error", slog.Any("k", errors.New("boom")), `"k":"boom"`},
		{"error with a form", slog.Any("k", selfEncoded{}), `"k":{"self":true}`},
		{"no form", slog.Any("k", func() {}), `"k":"!ERROR: json: unsupported type: func()"`},
		{"panics", slog.Any("k", broken{}), `"k":"!PANIC: no form"`},
		{"log value", slog.Any("k", password("secret")), `"k":"REDACTED"`},
		{"group", slog.Group("g", "a", 1, slog.Group("h", "b", 2)), `"g.a":1,"g.h.b":2`},
		{"group without a name", slog.Group("", "a", 1), `"a":1`},
		{"empty group", slog.Group("g"), ``},
		{"empty", slog.Attr{}, ``},
		{"key in need of escapes", slog.Int("a\"b", 1), `"a\"b":1`},
		{"level", slog.String("@level", "x"), `"_@level":"x"`},
		{"message", slog.String("@message", "x"), `"_@message":"x"`},
		{"timestamp", slog.Int("@timestamp", 1), `"_@timestamp":1`},
		{"module of another type", slog.Int("@module", 1), `"_@module":1`},
		{"reserved in a group", slog.Group("g", "@level", 1), `"g.@level":1`},
		{"caller", slog.String("@caller", "f:1"), `"@caller":"f:1"`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			want := `{"@level":"info","@message":"m"`
			if tt.want != "" {
				want += "," + tt.want
			}
			want += "}\n"
			var direct, with bytes.Buffer
			record := slog.NewRecord(time.Time{}, slog.LevelInfo, "m", 0)
			bare := record.Clone()
			record.AddAttrs(tt.attr)
			handle(t, hclog.NewHandler(&direct, hclog.Options{}), record)
			handle(t, hclog.NewHandler(&with, hclog.Options{}).WithAttrs([]slog.Attr{tt.attr}), bare)
			if direct.String() != want {
				t.Errorf("record:    got %swant %s", &direct, want)
			}
			if with.String() != want {
				t.Errorf("WithAttrs: got %swant %s", &with, want)
			}
		})
	}
}
