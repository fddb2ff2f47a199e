package h2switch

import (
	"testing"

	"golang.org/x/net/http2"
)

// TestPressureWithoutWindow has the child's connection window closed when a
// stream begins, while too much waits for others. Once it opens the stream gets
// its credit, though nothing else is to be written to the child.
func TestPressureWithoutWindow(t *testing.T) {
	const stuck, fresh = 7, 9
	r, children := rawChild(t, func(cfg *Config) { cfg.Limits.Held = 100_000 })
	p := r.rawHost()
	p.until("settings", isKind(http2.FrameSettings))
	for id := uint32(1); id <= stuck; id += 2 {
		p.headers(id, false, request(callPath)...)
		for range 3 {
			noError(t, p.WriteData(id, false, make([]byte, 16_000)))
		}
	}
	c := <-children
	noError(t, c.WriteSettings())
	arrived := 0
	c.until("the end of the connection's window", func(f http2.Frame) bool {
		if data, ok := f.(*http2.DataFrame); ok {
			arrived += len(data.Data())
		}
		return arrived == defaultWindow
	})
	p.until("pressure", func(f http2.Frame) bool {
		settings, ok := f.(*http2.SettingsFrame)
		if !ok {
			return false
		}
		initial, ok := settings.Value(http2.SettingInitialWindowSize)
		return ok && initial == 0
	})
	p.headers(fresh, false, request(callPath)...)
	c.until("the fresh stream", func(f http2.Frame) bool { return f.Header().StreamID == fresh })
	noError(t, c.WriteSettings(http2.Setting{ID: http2.SettingInitialWindowSize, Val: 0})) // nothing for the stuck ones
	noError(t, c.WriteWindowUpdate(fresh, defaultWindow))
	noError(t, c.WritePing(false, [8]byte{1}))
	c.until("the ping", isKind(http2.FramePing))
	noError(t, p.WritePing(false, [8]byte{1})) // by its answer the writes to the child are over, too
	p.until("the host's ping", isKind(http2.FramePing))
	noError(t, c.WriteWindowUpdate(0, 1<<20))
	p.until("credit", func(f http2.Frame) bool {
		return f.Header().StreamID == fresh && f.Header().Type == http2.FrameWindowUpdate
	})
}
