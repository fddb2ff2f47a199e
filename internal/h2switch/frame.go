package h2switch

import (
	"encoding/binary"

	"golang.org/x/net/http2"
)

const (
	headerLen     = 9       // of a frame's header
	maxFrame      = 1 << 14 // of a frame's payload, both ways: every peer takes that much
	defaultWindow = 1<<16 - 1
	maxWindow     = 1<<31 - 1
	maxStreamID   = 1<<31 - 1
)

// frame is a frame as it stands in a reader's buffer.
type frame struct {
	kind    http2.FrameType
	flags   http2.Flags
	id      uint32
	payload []byte
}

// parseFrame takes the first frame of data apart. ok is whether it is whole.
func parseFrame(data []byte) (f frame, ok bool, err error) {
	if len(data) < headerLen {
		return f, false, nil
	}
	length := int(data[0])<<16 | int(data[1])<<8 | int(data[2])
	f.kind, f.flags = http2.FrameType(data[3]), http2.Flags(data[4])
	f.id = binary.BigEndian.Uint32(data[5:]) & maxStreamID
	if length > maxFrame {
		return f, false, faultf(http2.ErrCodeFrameSize, "a %s frame of %d bytes; at most %d were agreed on", f.kind, length, maxFrame)
	}
	if len(data) < headerLen+length {
		return f, false, nil
	}
	f.payload = data[headerLen : headerLen+length]
	return f, true, nil
}

// unpad strips a DATA or HEADERS frame's padding.
func (f *frame) unpad() error {
	if !f.flags.Has(http2.FlagDataPadded) {
		return nil
	}
	if len(f.payload) == 0 {
		return faultf(http2.ErrCodeFrameSize, "a padded %s frame without its length of padding", f.kind)
	}
	padding := int(f.payload[0])
	f.payload = f.payload[1:]
	if padding > len(f.payload) {
		return faultf(http2.ErrCodeProtocol, "a %s frame with %d bytes of padding in %d", f.kind, padding, len(f.payload))
	}
	f.payload = f.payload[:len(f.payload)-padding]
	return nil
}

// want checks the length of a frame that has a fixed one.
func (f *frame) want(length int) error {
	if len(f.payload) != length {
		return faultf(http2.ErrCodeFrameSize, "a %s frame of %d bytes, expected %d", f.kind, len(f.payload), length)
	}
	return nil
}

func (f *frame) uint31() uint32 { return binary.BigEndian.Uint32(f.payload) & maxStreamID }

// The rest appends frames to what a leg has to write.

func appendHeader(b []byte, length int, kind http2.FrameType, flags http2.Flags, id uint32) []byte {
	return append(b, byte(length>>16), byte(length>>8), byte(length), byte(kind), byte(flags),
		byte(id>>24), byte(id>>16), byte(id>>8), byte(id))
}

func (l *leg) appendData(id uint32, data []byte, end bool) {
	var flags http2.Flags
	if end {
		flags = http2.FlagDataEndStream
	}
	l.out = appendHeader(l.out, len(data), http2.FrameData, flags, id)
	l.out = append(l.out, data...)
}

func (l *leg) appendReset(id uint32, code http2.ErrCode) {
	l.out = appendHeader(l.out, 4, http2.FrameRSTStream, 0, id)
	l.out = binary.BigEndian.AppendUint32(l.out, uint32(code))
}

func (l *leg) appendWindow(id uint32, more int64) {
	l.out = appendHeader(l.out, 4, http2.FrameWindowUpdate, 0, id)
	l.out = binary.BigEndian.AppendUint32(l.out, uint32(more))
}

func (l *leg) appendPing(ack bool, data [8]byte) {
	var flags http2.Flags
	if ack {
		flags = http2.FlagPingAck
	}
	l.out = appendHeader(l.out, len(data), http2.FramePing, flags, 0)
	l.out = append(l.out, data[:]...)
}

func (l *leg) appendGoAway(last uint32, code http2.ErrCode) {
	l.out = appendHeader(l.out, 8, http2.FrameGoAway, 0, 0)
	l.out = binary.BigEndian.AppendUint32(l.out, last)
	l.out = binary.BigEndian.AppendUint32(l.out, uint32(code))
}

func (l *leg) appendSettings(settings ...http2.Setting) {
	l.out = appendHeader(l.out, 6*len(settings), http2.FrameSettings, 0, 0)
	for _, s := range settings {
		l.out = binary.BigEndian.AppendUint16(l.out, uint16(s.ID))
		l.out = binary.BigEndian.AppendUint32(l.out, s.Val)
	}
	l.unacked++
}

// appendBlock appends an encoded header block, in as many frames as it takes.
func (l *leg) appendBlock(id uint32, block []byte, end bool) {
	var flags http2.Flags
	if end {
		flags = http2.FlagHeadersEndStream
	}
	kind := http2.FrameHeaders
	for {
		n := min(len(block), maxFrame)
		if n == len(block) {
			flags |= http2.FlagHeadersEndHeaders
		}
		l.out = appendHeader(l.out, n, kind, flags, id)
		l.out = append(l.out, block[:n]...)
		if block = block[n:]; len(block) == 0 {
			return
		}
		kind, flags = http2.FrameContinuation, 0
	}
}
