package event_test

import (
	"log/slog"
	"testing"

	"github.com/pyvider/rpcplugin/internal/event"
)

// BenchmarkOff is a record that nobody wants.
func BenchmarkOff(b *testing.B) {
	logger := slog.New(slog.DiscardHandler)
	b.ReportAllocs()
	for b.Loop() {
		logger.Debug("GOAWAY", event.OK(event.Connection, event.End), "peer", "host")
	}
}
