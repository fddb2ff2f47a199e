package h2switch

import "encoding/binary"

// prefixLen is the length of what stands before each message of gRPC: a flag
// and a length.
const prefixLen = 5

// meter finds the lengths of messages in a stream of bytes.
type meter struct {
	prefix  [prefixLen]byte
	have    int   // of prefix
	left    int64 // of the message
	largest int64
}

func (m *meter) add(data []byte) {
	for len(data) > 0 {
		if m.left > 0 {
			n := min(m.left, int64(len(data)))
			m.left -= n
			data = data[n:]
			continue
		}
		n := copy(m.prefix[m.have:], data)
		m.have += n
		data = data[n:]
		if m.have == prefixLen {
			m.have = 0
			m.left = int64(binary.BigEndian.Uint32(m.prefix[1:]))
			m.largest = max(m.largest, m.left)
		}
	}
}
