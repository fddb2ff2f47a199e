package hclog_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"reflect"
	"strings"
	"testing"
	"time"

	peer "github.com/hashicorp/go-hclog"

	"github.com/pyvider/rpcplugin/internal/hclog"
)

func TestParseLine(t *testing.T) {
	at := time.Date(2026, 3, 4, 5, 6, 7, 890123000, time.UTC)
	tests := []struct {
		name, line string
		want       hclog.Entry
	}{
		{
			"all the keys", `{"@level":"warn","@message":"low","@module":"disk","@timestamp":"2026-03-04T05:06:07.890123Z"}`,
			hclog.Entry{Level: slog.LevelWarn, Message: "low", Module: "disk", Time: at},
		},
		{"no timestamp", `{"@level":"info","@message":""}`, hclog.Entry{Level: slog.LevelInfo}},
		{"level in capitals", `{"@level":"TRACE","@message":"m"}`, hclog.Entry{Level: hclog.LevelTrace, Message: "m"}},
		{"white space", " {\t\"@level\" : \"error\" ,\r \"@message\" : \"m\" } \r\n", hclog.Entry{Level: slog.LevelError, Message: "m"}},
		{"escapes", `{"@level":"debug","@message":"a\"b\\c\n\u00e9\ud83d\ude00"}`, hclog.Entry{Level: slog.LevelDebug, Message: "a\"b\\c\né😀"}},
		{"last of two counts", `{"@level":7,"@message":"a","@level":"info","@message":"b"}`, hclog.Entry{Level: slog.LevelInfo, Message: "b"}},
		{"no UTF-8", "{\"@level\":\"info\",\"@message\":\"a\xffb\"}", hclog.Entry{Level: slog.LevelInfo, Message: "a\uFFFDb"}},
		{
			"attributes in order",
			`{"z":"s","@level":"info","i":-7,"u":18446744073709551615,"f":1.5,"t":true,"n":null,"@message":"m","o":{"b":[1,"}"]},"l":[{}],"@module":5,"big":1e999}`,
			hclog.Entry{Level: slog.LevelInfo, Message: "m", Attrs: []slog.Attr{
				slog.String("z", "s"), slog.Int64("i", -7), slog.Uint64("u", 18446744073709551615),
				slog.Float64("f", 1.5), slog.Bool("t", true), slog.Any("n", nil),
				slog.Any("o", hclog.RawJSON(`{"b":[1,"}"]}`)), slog.Any("l", hclog.RawJSON(`[{}]`)),
				slog.Int64("@module", 5), slog.Any("big", json.Number("1e999")),
			}},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, ok := hclog.ParseLine([]byte(tt.line))
			if !ok {
				t.Fatalf("ParseLine(%q) refused the line", tt.line)
			}
			if !reflect.DeepEqual(got, tt.want) {
				t.Errorf("got  %+v\nwant %+v", got, tt.want)
			}
		})
	}
}

func TestParseLineRefuses(t *testing.T) {
	for _, line := range []string{
		"", "text", "null", "[]", `"@message"`, "{}", "{", `{"@message":"m"}`, `{"@level":"info"}`,
		`{"@message":1,"@level":"info"}`, `{"@message":"m","@level":2}`, `{"@message":"m","@level":"loud"}`,
		`{"@message":"m","@level":"info"} x`, `{"@message":"m","@level":"info"`,
		`{"@message":"m","@level":"info","@timestamp":5}`, `{"@message":"m","@level":"info","@timestamp":null}`,
		`{"@message":"m","@level":"info","@timestamp":"2026-03-04T05:06:07Z"}`,
		`{"@message":"m","@level":"info","@timestamp":"2026-03-04T05:06:07.123456789Z"}`,
	} {
		if got, ok := hclog.ParseLine([]byte(line)); ok {
			t.Errorf("ParseLine(%q) = %+v, want it refused", line, got)
		}
	}
}

func TestParseLineCopies(t *testing.T) {
	line := []byte(`{"@level":"info","@message":"abc","o":{"k":"v"}}`)
	entry, _ := hclog.ParseLine(line)
	for i := range line {
		line[i] = 'X'
	}
	if entry.Message != "abc" || entry.Attrs[0].Value.String() != `{"k":"v"}` {
		t.Errorf("the entry changed with the line: %+v", entry)
	}
}

// What the real logger writes, we read.
func TestParseLineOfPeer(t *testing.T) {
	var out bytes.Buffer
	logger := peer.New(&peer.LoggerOptions{Name: "root", Level: peer.Trace, Output: &out, JSONFormat: true, IncludeLocation: true})
	logger = logger.Named("sub").With("request", "r1")
	before := time.Now().Truncate(time.Microsecond)
	logger.Trace("one")
	logger.Debug("two <&> \"q\"", "n", 3)
	logger.Info("three", "err", errors.New("boom"))
	logger.Warn("four", "list", []int{1, 2})
	logger.Error("five\nlines", "map", map[string]any{"a": 1})
	want := []struct {
		level   slog.Level
		message string
		attr    slog.Attr
	}{
		{hclog.LevelTrace, "one", slog.String("request", "r1")},
		{slog.LevelDebug, "two <&> \"q\"", slog.Int("n", 3)},
		{slog.LevelInfo, "three", slog.String("err", "boom")},
		{slog.LevelWarn, "four", slog.Any("list", hclog.RawJSON("[1,2]"))},
		{slog.LevelError, "five\nlines", slog.Any("map", hclog.RawJSON(`{"a":1}`))},
	}
	lines := strings.SplitAfter(out.String(), "\n")
	if len(lines) != len(want)+1 {
		t.Fatalf("got %d lines, want %d: %q", len(lines)-1, len(want), lines)
	}
	for i, w := range want {
		entry, ok := hclog.ParseLine([]byte(lines[i]))
		if !ok {
			t.Fatalf("refused %q", lines[i])
		}
		if entry.Level != w.level || entry.Message != w.message || entry.Module != "root.sub" || entry.Time.Before(before) {
			t.Errorf("got %+v, want %v %q of root.sub, not before %v", entry, w.level, w.message, before)
		}
		if !hasAttr(entry, w.attr) || !hasKey(entry, "@caller") {
			t.Errorf("got attributes %v, want @caller and %v among them", entry.Attrs, w.attr)
		}
	}
}

func hasAttr(entry hclog.Entry, want slog.Attr) bool {
	for _, attr := range entry.Attrs {
		if reflect.DeepEqual(attr, want) {
			return true
		}
	}
	return false
}

func hasKey(entry hclog.Entry, key string) bool {
	for _, attr := range entry.Attrs {
		if attr.Key == key {
			return true
		}
	}
	return false
}

func TestEntryLog(t *testing.T) {
	const line = `{"@level":"warn","@message":"m","@module":"a.b","@timestamp":"2026-03-04T05:06:07.890123+01:00","k":{"x":[1]},"n":null,"f":0.1}` + "\n"
	entry, ok := hclog.ParseLine([]byte(line))
	if !ok {
		t.Fatal("refused the line")
	}
	var out bytes.Buffer
	level := new(slog.LevelVar)
	logger := slog.New(hclog.NewHandler(&out, hclog.Options{Level: level, Module: "other"}))
	entry.Log(context.Background(), logger)
	if out.String() != line {
		t.Errorf("got  %swant %s", &out, line)
	}

	out.Reset()
	level.Set(slog.LevelError)
	entry.Log(context.Background(), logger)
	if out.Len() != 0 {
		t.Errorf("got %q from a logger that is off at this level", &out)
	}

	out.Reset()
	before := time.Now().Truncate(time.Microsecond)
	hclog.Entry{Level: slog.LevelError, Message: "now"}.Log(context.Background(), logger)
	back, ok := hclog.ParseLine(out.Bytes())
	if !ok || back.Time.Before(before) || back.Module != "other" {
		t.Errorf("got %+v, want the present time and the logger's own module", back)
	}
}

func TestRawJSON(t *testing.T) {
	var out bytes.Buffer
	logger := slog.New(slog.NewTextHandler(&out, nil))
	logger.Info("m", "raw", hclog.RawJSON(`[1]`))
	if !strings.Contains(out.String(), `raw="[1]"`) {
		t.Errorf("slog's text handler wrote %q", &out)
	}
	got, err := json.Marshal(map[string]any{"a": hclog.RawJSON(`{"b": 1}`), "n": hclog.RawJSON(nil)})
	if err != nil || string(got) != `{"a":{"b":1},"n":null}` {
		t.Errorf("got %s, %v", got, err)
	}
}

// A line that is read, written and read again says the same.
func FuzzParseLine(f *testing.F) {
	for _, seed := range []string{
		`{"@level":"info","@message":"m","@timestamp":"2026-03-04T05:06:07.890123Z","k":[1,{"a":"\"}"}]}`,
		`{"@level":"info","@message":"m","@module":3,"a.b":1e5,"":null,"_@level":false}`,
		`{"@level":"error","@message":"\ud800\u0000","k":"\\"}`, "{\"@level\":\"info\",\"@message\":\"\xc3\"}",
		`{"@message":1}`, `{}`, `{"@level":"info","@message":"m","":""}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, line []byte) {
		first, ok := hclog.ParseLine(line)
		if !ok {
			return
		}
		written := write(first)
		if bytes.Count(written, []byte("\n")) != 1 || !json.Valid(written) {
			t.Fatalf("wrote %q", written)
		}
		second, ok := hclog.ParseLine(written)
		if !ok {
			t.Fatalf("refused its own line %q", written)
		}
		if second.Message != first.Message || second.Level != first.Level || !second.Time.Equal(first.Time) {
			t.Errorf("first  %+v\nsecond %+v", first, second)
		}
		if again := write(second); !bytes.Equal(again, written) {
			t.Errorf("first  %s\nsecond %s", written, again)
		}
	})
}

// write gives the entry to a handler, keeping a time that is missing.
func write(entry hclog.Entry) []byte {
	var out bytes.Buffer
	record := slog.NewRecord(entry.Time, entry.Level, entry.Message, 0)
	record.AddAttrs(entry.Attrs...)
	handler := hclog.NewHandler(&out, hclog.Options{Module: entry.Module})
	if err := handler.Handle(context.Background(), record); err != nil {
		return nil
	}
	return out.Bytes()
}
