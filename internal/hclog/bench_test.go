package hclog_test

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"testing"

	peer "github.com/hashicorp/go-hclog"

	"github.com/pyvider/rpcplugin/internal/hclog"
)

const benchLine = `{"@level":"info","@message":"request served","@module":"provider.sdk","@timestamp":"2026-03-04T05:06:07.890123Z","method":"ReadResource","status":200,"took":"1.5ms","ok":true}`

func BenchmarkWrite(b *testing.B) {
	ctx := context.Background()
	attrs := []slog.Attr{slog.String("method", "ReadResource"), slog.Int("status", 200), slog.String("took", "1.5ms"), slog.Bool("ok", true)}
	b.Run("impl=rpcplugin", func(b *testing.B) {
		logger := slog.New(hclog.NewHandler(io.Discard, hclog.Options{Module: "provider.sdk"}))
		b.ReportAllocs()
		for b.Loop() {
			logger.LogAttrs(ctx, slog.LevelInfo, "request served", attrs...)
		}
	})
	b.Run("impl=go-hclog", func(b *testing.B) {
		logger := peer.New(&peer.LoggerOptions{Name: "provider.sdk", Output: io.Discard, JSONFormat: true})
		b.ReportAllocs()
		for b.Loop() {
			logger.Info("request served", "method", "ReadResource", "status", 200, "took", "1.5ms", "ok", true)
		}
	})
}

func BenchmarkParse(b *testing.B) {
	line := []byte(benchLine)
	b.Run("impl=rpcplugin", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, ok := hclog.ParseLine(line); !ok {
				b.Fatal("refused")
			}
		}
	})
	b.Run("impl=encoding-json", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			var fields map[string]any
			if err := json.Unmarshal(line, &fields); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func BenchmarkClassify(b *testing.B) {
	for _, form := range []struct{ name, line string }{
		{"form=hclog", benchLine},
		{"form=slog", `{"time":"2026-03-04T05:06:07.123Z","level":"INFO","msg":"request served","status":200}`},
		{"form=python", "INFO:provider.sdk:request served"},
		{"form=text", "2026/03/04 05:06:07 request served"},
	} {
		b.Run(form.name, func(b *testing.B) {
			c := hclog.NewClassifier()
			line := []byte(form.line)
			b.ReportAllocs()
			for b.Loop() {
				if got := c.Line(line); len(got) != 1 {
					b.Fatal(got)
				}
			}
		})
	}
}
