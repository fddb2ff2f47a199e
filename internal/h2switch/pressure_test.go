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

// TestPressureOfManyPortions has a child take its portions of many streams and
// then nothing more: the host's connection window is not used up for good, as
// calls of the local server need it.
func TestPressureOfManyPortions(t *testing.T) {
	const stuck, streams, chunk = 5, 40, 16_000
	r, children := rawChild(t, func(cfg *Config) { cfg.Limits.Held, cfg.Limits.Window = 100_000, 400_000 })
	p := r.rawHost()
	p.until("settings", isKind(http2.FrameSettings))
	for id := uint32(1); id <= stuck; id += 2 {
		p.headers(id, false, request(callPath)...)
		for range 3 {
			noError(t, p.WriteData(id, false, make([]byte, chunk)))
		}
	}
	credit := defaultWindow - 9*chunk // of the connection
	granted := make(map[uint32]int)
	note := func(f http2.Frame) {
		if update, ok := f.(*http2.WindowUpdateFrame); ok {
			if granted[update.StreamID] += int(update.Increment); update.StreamID == 0 {
				credit += int(update.Increment)
			}
		}
	}
	p.until("pressure", func(f http2.Frame) bool {
		note(f)
		settings, ok := f.(*http2.SettingsFrame)
		if !ok {
			return false
		}
		initial, ok := settings.Value(http2.SettingInitialWindowSize)
		return ok && initial == 0
	})
	noError(t, p.WriteSettingsAck())
	c := <-children
	noError(t, c.WriteSettings(http2.Setting{ID: http2.SettingInitialWindowSize, Val: 0}))
	for n := range uint32(streams) {
		p.headers(stuck+2+2*n, false, request(callPath)...)
	}
	heads := 0
	c.until("all streams", func(f http2.Frame) bool {
		if f.Header().Type == http2.FrameHeaders && f.Header().StreamID > stuck {
			heads++
		}
		return heads == streams
	})
	for n := range uint32(streams) {
		noError(t, c.WriteWindowUpdate(stuck+2+2*n, 64<<10))
	}
	noError(t, c.WritePing(false, [8]byte{1}))
	c.until("the child's ping", isKind(http2.FramePing))
	go func() { // it takes what comes, and opens no window again
		for {
			if _, err := c.ReadFrame(); err != nil {
				return
			}
		}
	}()
	noError(t, p.WritePing(false, [8]byte{1}))
	p.until("the host's ping", func(f http2.Frame) bool { note(f); return f.Header().Type == http2.FramePing })
	for n := range uint32(streams) {
		id := stuck + 2 + 2*n
		if granted[id] < chunk {
			t.Fatalf("stream %d was granted %d bytes", id, granted[id])
		}
		for left := granted[id]; left >= chunk; left -= chunk {
			if credit < chunk {
				p.until("credit for the connection", func(f http2.Frame) bool { note(f); return credit >= chunk })
			}
			noError(t, p.WriteData(id, false, make([]byte, chunk)))
			credit -= chunk
		}
	}
}
