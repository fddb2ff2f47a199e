package dynamic

import (
	"encoding/binary"
	"errors"
	"math"
)

// kind is what MessagePack tells apart.
type kind int

const (
	kindNil kind = iota
	kindBool
	kindInt
	kindUint
	kindFloat
	kindString
	kindBytes
	kindArray
	kindMap
	kindExtension
)

// String names it for errors.
func (k kind) String() string {
	return [...]string{"null", "boolean", "number", "number", "number", "string", "bytes", "array", "map", "extension"}[k]
}

// token is the next thing: a scalar, or the head of an array or map.
type token struct {
	kind kind
	flag bool
	int  int64
	uint uint64
	real float64
	data []byte // of a string, bytes or an extension
	size int    // elements of an array, pairs of a map
	code byte   // of an extension
}

var (
	errShort    = errors.New("the bytes end in the middle of a value")
	errReserved = errors.New("0xc1 begins no value")
	errLong     = errors.New("bytes follow the end of the value")
)

// reader reads MessagePack. No size is believed before its bytes are there.
type reader struct{ rest []byte }

// take cuts n bytes off.
func (r *reader) take(n int) ([]byte, error) {
	if n < 0 || n > len(r.rest) {
		return nil, errShort
	}
	data := r.rest[:n]
	r.rest = r.rest[n:]
	return data, nil
}

// number reads an unsigned integer of that many bytes.
func (r *reader) number(width int) (uint64, error) {
	data, err := r.take(width)
	if err != nil {
		return 0, err
	}
	var wide [8]byte
	copy(wide[8-width:], data)
	return binary.BigEndian.Uint64(wide[:]), nil
}

// next reads the next token.
func (r *reader) next() (token, error) {
	head, err := r.take(1)
	if err != nil {
		return token{}, err
	}
	c := head[0]
	switch {
	case c < 0x80:
		return token{kind: kindUint, uint: uint64(c)}, nil
	case c < 0x90:
		return r.head(kindMap, int(c&0x0f))
	case c < 0xa0:
		return r.head(kindArray, int(c&0x0f))
	case c < 0xc0:
		return r.blob(kindString, int(c&0x1f))
	case c >= 0xe0:
		return token{kind: kindInt, int: int64(int8(c))}, nil
	}
	return r.wide(c)
}

// wide reads the rest of a token that begins with 0xc0 to 0xdf.
func (r *reader) wide(c byte) (token, error) {
	switch {
	case c == 0xc0:
		return token{kind: kindNil}, nil
	case c == 0xc1:
		return token{}, errReserved
	case c <= 0xc3:
		return token{kind: kindBool, flag: c == 0xc3}, nil
	case c <= 0xc6:
		return r.sized(kindBytes, 1<<(c-0xc4))
	case c <= 0xc9:
		return r.sized(kindExtension, 1<<(c-0xc7))
	case c <= 0xcb:
		return r.float(4 << (c - 0xca))
	case c <= 0xcf:
		n, err := r.number(1 << (c - 0xcc))
		return token{kind: kindUint, uint: n}, err
	case c <= 0xd3:
		width := 1 << (c - 0xd0)
		n, err := r.number(width)
		shift := 64 - 8*width
		return token{kind: kindInt, int: int64(n<<shift) >> shift}, err
	case c <= 0xd8:
		return r.blob(kindExtension, 1<<(c-0xd4))
	case c <= 0xdb:
		return r.sized(kindString, 1<<(c-0xd9))
	case c <= 0xdd:
		return r.sized(kindArray, 2<<(c-0xdc))
	default:
		return r.sized(kindMap, 2<<(c-0xde))
	}
}

// float reads a number of 4 or 8 bytes.
func (r *reader) float(width int) (token, error) {
	bits, err := r.number(width)
	if width == 4 {
		return token{kind: kindFloat, real: float64(math.Float32frombits(uint32(bits)))}, err
	}
	return token{kind: kindFloat, real: math.Float64frombits(bits)}, err
}

// sized reads a size of that many bytes and then what it is the size of.
func (r *reader) sized(k kind, width int) (token, error) {
	n, err := r.number(width)
	if err != nil {
		return token{}, err
	}
	if n > uint64(len(r.rest)) { // every element takes a byte at least
		return token{}, errShort
	}
	if k == kindArray || k == kindMap {
		return r.head(k, int(n))
	}
	return r.blob(k, int(n))
}

// head is the head of an array or map.
func (r *reader) head(k kind, size int) (token, error) {
	if size > len(r.rest) {
		return token{}, errShort
	}
	return token{kind: k, size: size}, nil
}

// blob reads a string, bytes or an extension.
func (r *reader) blob(k kind, size int) (t token, err error) {
	t.kind = k
	if k == kindExtension {
		code, err := r.take(1)
		if err != nil {
			return token{}, err
		}
		t.code = code[0]
	}
	t.data, err = r.take(size)
	return t, err
}

// skip passes over whole values.
func (r *reader) skip(values int) error {
	for ; values > 0; values-- {
		t, err := r.next()
		if err != nil {
			return err
		}
		values += t.size
		if t.kind == kindMap {
			values += t.size
		}
	}
	return nil
}
