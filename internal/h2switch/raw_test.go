package h2switch

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"strings"
	"testing"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/health/grpc_health_v1"

	"github.com/pyvider/rpcplugin/internal/testpb"
)

// rawPeer speaks HTTP/2 frame by frame.
type rawPeer struct {
	*http2.Framer
	acks    *http2.Framer // written by until
	t       testing.TB
	conn    net.Conn
	encoded bytes.Buffer
	encoder *hpack.Encoder
}

func newRawPeer(t testing.TB, conn net.Conn) *rawPeer {
	p := &rawPeer{Framer: http2.NewFramer(conn, conn), acks: http2.NewFramer(conn, nil), t: t, conn: conn}
	p.AllowIllegalWrites = true
	p.encoder = hpack.NewEncoder(&p.encoded)
	return p
}

// rawHost is a host that has begun HTTP/2.
func (r *rig) rawHost(settings ...http2.Setting) *rawPeer {
	r.t.Helper()
	conn := r.raw()
	_, err := io.WriteString(conn, http2.ClientPreface)
	noError(r.t, err)
	p := newRawPeer(r.t, conn)
	noError(r.t, p.WriteSettings(settings...))
	return p
}

func (p *rawPeer) block(fields ...string) []byte {
	p.encoded.Reset()
	for i := 0; i < len(fields); i += 2 {
		_ = p.encoder.WriteField(hpack.HeaderField{Name: fields[i], Value: fields[i+1]})
	}
	return bytes.Clone(p.encoded.Bytes())
}

func request(path string, more ...string) []string {
	return append([]string{":method", "POST", ":scheme", "https", ":path", path, ":authority", "x", "content-type", "application/grpc", "te", "trailers"}, more...)
}

func (p *rawPeer) headers(id uint32, end bool, fields ...string) {
	p.t.Helper()
	noError(p.t, p.WriteHeaders(http2.HeadersFrameParam{StreamID: id, BlockFragment: p.block(fields...), EndHeaders: true, EndStream: end}))
}

// until reads frames until one satisfies. It confirms settings and pings, if the
// peer still takes that.
func (p *rawPeer) until(what string, satisfies func(http2.Frame) bool) http2.Frame {
	p.t.Helper()
	for {
		f, err := p.ReadFrame()
		if err != nil {
			p.t.Fatalf("%v, waiting for %s", err, what)
		}
		switch f := f.(type) {
		case *http2.SettingsFrame:
			if !f.IsAck() {
				_ = p.acks.WriteSettingsAck()
			}
		case *http2.PingFrame:
			if !f.IsAck() {
				_ = p.acks.WritePing(true, f.Data)
			}
		}
		if satisfies(f) {
			return f
		}
	}
}

const (
	callPath = "/test.Echo/Bidi"
	ownPath  = "/grpc.health.v1.Health/Check"
)

// TestBadFramesOfHost has the host break rules, of the connection or a stream.
func TestBadFramesOfHost(t *testing.T) {
	write := func(kind http2.FrameType, flags http2.Flags, id uint32, payload string) func(*rawPeer) {
		return func(p *rawPeer) { noError(p.t, p.WriteRawFrame(kind, flags, id, []byte(payload))) }
	}
	open := func(next func(*rawPeer)) func(*rawPeer) {
		return func(p *rawPeer) { p.headers(1, false, request(callPath)...); next(p) }
	}
	head := func(fields ...string) func(*rawPeer) {
		return func(p *rawPeer) { p.headers(1, true, fields...) }
	}
	one := "\x00\x00\x00\x01"
	for name, c := range map[string]struct {
		do     func(*rawPeer)
		code   http2.ErrCode
		stream uint32 // 0: the connection ends
	}{
		"data on no stream":         {write(http2.FrameData, 0, 0, "x"), http2.ErrCodeProtocol, 0},
		"data on an idle stream":    {write(http2.FrameData, 0, 1, "x"), http2.ErrCodeProtocol, 0},
		"an even stream":            {func(p *rawPeer) { p.headers(2, true, request(callPath)...) }, http2.ErrCodeProtocol, 0},
		"a large frame":             {write(http2.FrameData, 0, 1, strings.Repeat("x", 16385)), http2.ErrCodeFrameSize, 0},
		"too much padding":          {open(write(http2.FrameData, http2.FlagDataPadded, 1, "\xffx")), http2.ErrCodeProtocol, 0},
		"continuation of nothing":   {write(http2.FrameContinuation, 0, 1, ""), http2.ErrCodeProtocol, 0},
		"data in a header block":    {func(p *rawPeer) { write(http2.FrameHeaders, 0, 1, "")(p); write(http2.FrameData, 0, 1, "")(p) }, http2.ErrCodeProtocol, 0},
		"hpack":                     {write(http2.FrameHeaders, http2.FlagHeadersEndHeaders, 1, "\xff\xff\xff\xff\xff"), http2.ErrCodeCompression, 0},
		"push":                      {write(http2.FramePushPromise, 0, 1, one), http2.ErrCodeProtocol, 0},
		"ping of 7":                 {write(http2.FramePing, 0, 0, "1234567"), http2.ErrCodeFrameSize, 0},
		"ping on a stream":          {write(http2.FramePing, 0, 1, "12345678"), http2.ErrCodeProtocol, 0},
		"settings of 5":             {write(http2.FrameSettings, 0, 0, "12345"), http2.ErrCodeFrameSize, 0},
		"settings on a stream":      {write(http2.FrameSettings, 0, 1, ""), http2.ErrCodeProtocol, 0},
		"settings: ack with bytes":  {write(http2.FrameSettings, http2.FlagSettingsAck, 0, "123456"), http2.ErrCodeFrameSize, 0},
		"settings: large window":    {write(http2.FrameSettings, 0, 0, "\x00\x04\xff\xff\xff\xff"), http2.ErrCodeFlowControl, 0},
		"settings: small frame":     {write(http2.FrameSettings, 0, 0, "\x00\x05\x00\x00\x00\x01"), http2.ErrCodeProtocol, 0},
		"settings: push":            {write(http2.FrameSettings, 0, 0, "\x00\x02\x00\x00\x00\x02"), http2.ErrCodeProtocol, 0},
		"window: nothing":           {write(http2.FrameWindowUpdate, 0, 0, "\x00\x00\x00\x00"), http2.ErrCodeProtocol, 0},
		"window: too much":          {write(http2.FrameWindowUpdate, 0, 0, "\x7f\xff\xff\xff"), http2.ErrCodeFlowControl, 0},
		"window: idle":              {write(http2.FrameWindowUpdate, 0, 1, one), http2.ErrCodeProtocol, 0},
		"window: 3 bytes":           {write(http2.FrameWindowUpdate, 0, 0, "123"), http2.ErrCodeFrameSize, 0},
		"reset: idle":               {write(http2.FrameRSTStream, 0, 1, one), http2.ErrCodeProtocol, 0},
		"reset: no stream":          {write(http2.FrameRSTStream, 0, 0, one), http2.ErrCodeProtocol, 0},
		"reset: 3 bytes":            {open(write(http2.FrameRSTStream, 0, 1, "123")), http2.ErrCodeFrameSize, 0},
		"goaway on a stream":        {write(http2.FrameGoAway, 0, 1, "12345678"), http2.ErrCodeProtocol, 0},
		"priority: no stream":       {write(http2.FramePriority, 0, 0, "12345"), http2.ErrCodeProtocol, 0},
		"endless headers":           {endlessHeaders, http2.ErrCodeEnhanceYourCalm, 0},
		"an old stream":             {func(p *rawPeer) { p.headers(5, false, request(callPath)...); p.headers(3, false, request(callPath)...) }, http2.ErrCodeProtocol, 0},
		"head after its reset":      {open(func(p *rawPeer) { write(http2.FrameRSTStream, 0, 1, one)(p); p.headers(1, true, request(callPath)...) }), http2.ErrCodeStreamClosed, 0},
		"the connection's window":   {func(p *rawPeer) { flood(p, 6<<20) }, http2.ErrCodeFlowControl, 0},
		"data after the end":        {func(p *rawPeer) { p.headers(1, true, request(callPath)...); write(http2.FrameData, 0, 1, "x")(p) }, http2.ErrCodeStreamClosed, 1},
		"data after its reset":      {open(func(p *rawPeer) { write(http2.FrameRSTStream, 0, 1, one)(p); write(http2.FrameData, 0, 1, "x")(p) }), http2.ErrCodeStreamClosed, 1},
		"a second head":             {open(func(p *rawPeer) { p.headers(1, false, "x-y", "z") }), http2.ErrCodeProtocol, 1},
		"pseudo in trailers":        {open(func(p *rawPeer) { p.headers(1, true, ":path", "z") }), http2.ErrCodeProtocol, 1},
		"window of a stream: 0":     {open(write(http2.FrameWindowUpdate, 0, 1, "\x00\x00\x00\x00")), http2.ErrCodeProtocol, 1},
		"window of a stream: large": {open(write(http2.FrameWindowUpdate, 0, 1, "\x7f\xff\xff\xff")), http2.ErrCodeFlowControl, 1},
		"beyond the stream":         {open(func(p *rawPeer) { fill16(p, 1, 5) }), http2.ErrCodeFlowControl, 1},
		"priority of 4":             {write(http2.FramePriority, 0, 1, one), http2.ErrCodeFrameSize, 1},
		"priority of itself":        {write(http2.FramePriority, 0, 1, one+"x"), http2.ErrCodeProtocol, 1},
		"upper case":                {head(request(callPath, "X-y", "z")...), http2.ErrCodeProtocol, 1},
		"connection":                {head(request(callPath, "connection", "close")...), http2.ErrCodeProtocol, 1},
		"te":                        {head(request(callPath, "te", "gzip")...), http2.ErrCodeProtocol, 1},
		"unknown pseudo":            {head(append([]string{":x", "y"}, request(callPath)...)...), http2.ErrCodeProtocol, 1},
		"pseudo after others":       {head("a", "b", ":method", "POST", ":scheme", "http", ":path", "/"), http2.ErrCodeProtocol, 1},
		"pseudo twice":              {head(append([]string{":method", "POST"}, request(callPath)...)...), http2.ErrCodeProtocol, 1},
		"a response's pseudo":       {head(append([]string{":status", "200"}, request(callPath)...)...), http2.ErrCodeProtocol, 1},
		"no path":                   {head(request("")...), http2.ErrCodeProtocol, 1},
		"no method":                 {head(":scheme", "http", ":path", "/x"), http2.ErrCodeProtocol, 1},
		"a line break":              {head(request(callPath, "x", "a\r\nb")...), http2.ErrCodeProtocol, 1},
	} {
		t.Run(name, func(t *testing.T) {
			// The stuck child keeps windows closed.
			r := newRig(t, func(cfg *Config) { cfg.Child = never })
			p := r.rawHost()
			p.until("settings", isKind(http2.FrameSettings))
			if name == "the connection's window" { // which grows once the pressure is confirmed
				p.acks = http2.NewFramer(io.Discard, nil)
			}
			done := make(chan struct{})
			go func() { c.do(p); close(done) }()
			defer func() { _ = p.conn.Close(); <-done }()
			if c.stream == 0 {
				f := p.until("goaway", isKind(http2.FrameGoAway)).(*http2.GoAwayFrame)
				if f.ErrCode != c.code {
					t.Errorf("GOAWAY with %s, expected %s", f.ErrCode, c.code)
				}
				_ = p.conn.Close()
				var fault *Error
				if err := r.served(); !errors.As(err, &fault) || fault.Reason != ReasonProtocol || fault.Code != c.code {
					t.Errorf("Serve returned %v", err)
				}
				return
			}
			f := p.until("reset", isKind(http2.FrameRSTStream)).(*http2.RSTStreamFrame)
			if f.ErrCode != c.code || f.StreamID != c.stream {
				t.Errorf("reset of %d with %s, expected %s", f.StreamID, f.ErrCode, c.code)
			}
			<-done
			p.answers()
			_ = p.conn.Close()
			noError(t, r.served())
		})
	}
}

// never is a child that does not accept.
func never(ctx context.Context) (net.Conn, error) {
	<-ctx.Done()
	return nil, ctx.Err()
}

func isKind(kind http2.FrameType) func(http2.Frame) bool {
	return func(f http2.Frame) bool { return f.Header().Type == kind }
}

// answers checks that the local server still answers.
func (p *rawPeer) answers() {
	p.t.Helper()
	p.headers(1001, false, request(ownPath)...)
	noError(p.t, p.WriteData(1001, true, make([]byte, 5)))
	p.until("the local answer", func(f http2.Frame) bool { return f.Header().StreamID == 1001 && f.Header().Type == http2.FrameData })
}

func endlessHeaders(p *rawPeer) {
	_ = p.WriteRawFrame(http2.FrameHeaders, 0, 1, nil)
	for range continuations + 1 {
		_ = p.WriteRawFrame(http2.FrameContinuation, 0, 1, nil)
	}
}

func fill16(p *rawPeer, id uint32, n int) {
	for range n {
		_ = p.WriteRawFrame(http2.FrameData, 0, id, make([]byte, maxFrame))
	}
}

// flood fills the windows of many streams, and then some.
func flood(p *rawPeer, total int) {
	for id := uint32(1); total > 0; id += 2 {
		if p.WriteHeaders(http2.HeadersFrameParam{StreamID: id, BlockFragment: p.block(request(callPath)...), EndHeaders: true}) != nil {
			return // as it has been told to go
		}
		for range 3 {
			if p.WriteRawFrame(http2.FrameData, 0, id, make([]byte, maxFrame)) != nil {
				return
			}
			total -= maxFrame
		}
	}
}

// TestPreface is about what comes before HTTP/2.
func TestPreface(t *testing.T) {
	r := newRig(t, func(cfg *Config) {
		cfg.Local = func(context.Context) (net.Conn, error) { t.Error("opened"); return nil, io.EOF }
	})
	noError(t, r.raw().Close())
	noError(t, r.served())
	conn := r.raw()
	_, err := io.WriteString(conn, "GET / HTTP/1.1\r\nHost: somewhere\r\n\r\n")
	noError(t, err)
	var bad *Error
	if err := r.served(); !errors.As(err, &bad) || bad.Reason != ReasonPreface {
		t.Fatal(err)
	}
}

// rawChild gives the child's side of connections to the test.
func rawChild(t *testing.T, change ...func(*Config)) (*rig, chan *rawPeer) {
	children := make(chan *rawPeer, 10)
	r := newRig(t, append(change, func(cfg *Config) {
		cfg.Child = func(context.Context) (net.Conn, error) {
			ours, theirs := net.Pipe()
			go func() {
				var preface [len(http2.ClientPreface)]byte
				_, _ = io.ReadFull(theirs, preface[:])
				children <- newRawPeer(t, theirs)
			}()
			return ours, nil
		}
	})...)
	return r, children
}

// TestBadFramesOfChild has the child break rules.
func TestBadFramesOfChild(t *testing.T) {
	write := func(kind http2.FrameType, flags http2.Flags, id uint32, payload string) func(*rawPeer, uint32) {
		return func(p *rawPeer, call uint32) {
			if id == 1 {
				id = call
			}
			_ = p.WriteRawFrame(kind, flags, id, []byte(payload))
		}
	}
	for name, c := range map[string]struct {
		do   func(*rawPeer, uint32)
		text string
	}{
		"push":         {write(http2.FramePushPromise, 0, 1, "abcd"), "PROTOCOL_ERROR"},
		"data without": {write(http2.FrameData, 0, 1, "x"), "before the head"},
		"data: idle":   {write(http2.FrameData, 0, 99, "x"), "idle stream 99"},
		"no status":    {func(p *rawPeer, id uint32) { p.headers(id, false, "x", "y") }, "no status"},
		"two heads": {func(p *rawPeer, id uint32) {
			p.headers(id, false, ":status", "200", "content-type", "application/grpc")
			p.headers(id, false, "x", "y")
		}, "second head"},
		"hpack":            {write(http2.FrameHeaders, http2.FlagHeadersEndHeaders, 1, "\xff\xff\xff\xff\xff"), "COMPRESSION_ERROR"},
		"large window":     {write(http2.FrameSettings, 0, 0, "\x00\x04\xff\xff\xff\xff"), "FLOW_CONTROL_ERROR"},
		"it hangs up":      {func(p *rawPeer, _ uint32) { _ = p.conn.Close() }, "lost"},
		"goaway, stays":    {func(p *rawPeer, id uint32) { _ = p.WriteGoAway(id, http2.ErrCodeCompression, nil) }, "COMPRESSION_ERROR"},
		"goaway, hangs up": {func(p *rawPeer, id uint32) { _ = p.WriteGoAway(id, 0, nil); _ = p.conn.Close() }, "lost"},
	} {
		t.Run(name, func(t *testing.T) {
			r, children := rawChild(t)
			conn := r.dial()
			stream, err := testpb.NewEchoClient(conn).Bidi(within(t))
			noError(t, err)
			p := <-children
			go func() {
				_ = p.WriteSettings()
				_ = p.WriteSettingsAck()
				var id uint32
				for {
					f, err := p.ReadFrame()
					if err != nil {
						return
					}
					if f.Header().Type == http2.FrameHeaders && id == 0 {
						id = f.Header().StreamID
						go c.do(p, id)
					}
				}
			}()
			_, err = stream.Recv()
			if !strings.Contains(err.Error(), c.text) {
				t.Errorf("got %v, expected %q", err, c.text)
			}
			_, err = grpc_health_v1.NewHealthClient(conn).Check(within(t), &grpc_health_v1.HealthCheckRequest{})
			noError(t, err)
		})
	}
}

// TestLastWords has what the child sent before it closed win.
func TestLastWords(t *testing.T) {
	r, children := rawChild(t)
	stream, err := testpb.NewEchoClient(r.dial()).Bidi(within(t))
	noError(t, err)
	p := <-children
	go func() {
		_ = p.WriteSettings()
		f := p.until("a call", isKind(http2.FrameHeaders))
		id := f.Header().StreamID
		p.headers(id, false, ":status", "200", "content-type", "application/grpc")
		message := append(binary.BigEndian.AppendUint32([]byte{0}, 2), 0x10, 7)
		_ = p.WriteData(id, false, message)
		p.headers(id, true, "grpc-status", "15", "grpc-message", "farewell")
		_ = p.conn.Close()
	}()
	m, err := stream.Recv()
	noError(t, err)
	if m.GetCount() != 7 {
		t.Errorf("got %v", m)
	}
	_, err = stream.Recv()
	wantCode(t, err, codes.DataLoss, "farewell")
}
