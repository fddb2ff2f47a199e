package event_test

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/slogtest"

	"github.com/pyvider/rpcplugin/internal/event"
)

// The handlers keep slog's contract.
func TestHandlerContract(t *testing.T) {
	t.Parallel()
	for name, wrap := range map[string]func(slog.Handler) slog.Handler{
		"text":   func(h slog.Handler) slog.Handler { return event.NewTextHandler(h, false) },
		"emoji":  func(h slog.Handler) slog.Handler { return event.NewTextHandler(h, true) },
		"in run": func(h slog.Handler) slog.Handler { return event.InRun(slog.New(h), "7").Handler() },
	} {
		var out *bytes.Buffer
		slogtest.Run(t, func(t *testing.T) slog.Handler {
			out = new(bytes.Buffer)
			return wrap(slog.NewJSONHandler(out, nil))
		}, func(t *testing.T) map[string]any {
			var line map[string]any
			if err := json.Unmarshal(out.Bytes(), &line); err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			return nested(line)
		})
	}
}

// nested makes groups of keys with points, and takes off what leads a message.
func nested(line map[string]any) map[string]any {
	groups := make(map[string]any)
	for key, value := range line {
		if text, ok := value.(string); ok && key == slog.MessageKey {
			value = strings.TrimPrefix(text, event.Said+"     ")
		}
		if members, ok := value.(map[string]any); ok {
			value = nested(members)
		}
		in := groups
		for {
			group, rest, found := strings.Cut(key, ".")
			if !found {
				break
			}
			if in[group] == nil {
				in[group] = make(map[string]any)
			}
			in, key = in[group].(map[string]any), rest
		}
		in[key] = value
	}
	return groups
}

// Derived handlers share nothing that is written.
func TestTextFromManyGoroutines(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	logger := newText(&out, true).With("a", 1)
	var all sync.WaitGroup
	for _, domain := range []event.Domain{event.Child, event.TLS, event.Broker} {
		all.Go(func() {
			derived := logger.With(event.OK(domain, event.Read), "d", string(domain))
			for range 50 {
				derived.Info("m", "n", 1)
			}
		})
	}
	all.Wait()
	for want, count := range map[string]int{"🐣📖✅ m\" a=1 d=child n=1\n": 50, "🔒📖✅ m\" a=1 d=tls n=1\n": 50, "📞📖✅ m\" a=1 d=broker n=1\n": 50} {
		if got := strings.Count(out.String(), want); got != count {
			t.Errorf("%d lines end with %q, want %d", got, want, count)
		}
	}
}
