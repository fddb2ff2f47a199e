package h2switch

import (
	"strings"

	"golang.org/x/net/http/httpguts"
	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
)

// continuations is how many CONTINUATION frames a header block may have.
const continuations = 128

// headerReader decodes the header blocks of one connection, each of them and in
// order: the decoder's table depends on it.
type headerReader struct {
	decoder  *hpack.Decoder
	requests bool // else responses
	limit    int

	open      bool // a block is not whole yet
	id        uint32
	end       bool
	fragments []byte
	count     int
	itself    bool // the stream depends on itself

	// What the last block held.
	fields  []hpack.HeaderField // until the next block
	size    int
	large   bool   // beyond limit: fields are not all there
	fault   string // why it is malformed
	regular bool
	pseudo  [6]string // values by place in pseudoNames
	present [6]bool
}

// The pseudo-header fields and their places.
const (
	pseudoMethod = iota
	pseudoScheme
	pseudoAuthority
	pseudoPath
	pseudoProtocol
	pseudoStatus
	pseudoUnknown
)

func pseudoPlace(name string) int {
	switch name {
	case ":method":
		return pseudoMethod
	case ":scheme":
		return pseudoScheme
	case ":authority":
		return pseudoAuthority
	case ":path":
		return pseudoPath
	case ":protocol":
		return pseudoProtocol
	case ":status":
		return pseudoStatus
	}
	return pseudoUnknown
}

func (h *headerReader) init(limit int, requests bool) {
	h.limit, h.requests = limit, requests
	h.decoder = hpack.NewDecoder(tableSize, h.add)
	h.decoder.SetMaxStringLength(limit)
}

// take takes a HEADERS or CONTINUATION frame. whole is whether it completes its
// block: then the results are there.
func (h *headerReader) take(f *frame) (whole bool, err error) {
	block := f.payload
	done := f.flags.Has(http2.FlagHeadersEndHeaders)
	if f.kind == http2.FrameHeaders {
		h.id, h.end, h.count, h.fragments = f.id, f.flags.Has(http2.FlagHeadersEndStream), 0, h.fragments[:0]
	} else {
		if !h.open || f.id != h.id {
			return false, faultf(http2.ErrCodeProtocol, "a CONTINUATION frame for stream %d, and no header block to go on with", f.id)
		}
		h.count++
		if h.count > continuations || len(h.fragments)+len(block) > h.limit+maxFrame {
			return false, faultf(http2.ErrCodeEnhanceYourCalm, "a header block that does not end")
		}
	}
	h.open = !done
	if !done || f.kind == http2.FrameContinuation {
		h.fragments = append(h.fragments, block...)
		block = h.fragments
	}
	if !done {
		return false, nil
	}
	err = h.decode(block)
	if cap(h.fragments) > 4*maxFrame {
		h.fragments = nil
	}
	return true, err
}

func (h *headerReader) decode(block []byte) error {
	clear(h.fields)
	h.fields = h.fields[:0]
	h.size, h.large, h.fault, h.regular = 0, false, "", false
	h.pseudo, h.present = [6]string{}, [6]bool{}
	h.decoder.SetEmitEnabled(true)
	_, err := h.decoder.Write(block)
	if err == nil {
		err = h.decoder.Close()
	}
	if err != nil {
		return faultf(http2.ErrCodeCompression, "a header block that cannot be decoded: %v", err)
	}
	return nil
}

// add takes one field from the decoder.
func (h *headerReader) add(field hpack.HeaderField) {
	h.size += int(field.Size())
	if h.size > h.limit {
		h.large = true
		h.decoder.SetEmitEnabled(false)
		return
	}
	if field.IsPseudo() {
		h.addPseudo(&field)
	} else {
		h.regular = true
		if fault := badField(&field); fault != "" {
			h.fault = fault
		}
	}
	h.fields = append(h.fields, field)
}

func (h *headerReader) addPseudo(field *hpack.HeaderField) {
	place := pseudoPlace(field.Name)
	switch {
	case h.regular:
		h.fault = "a pseudo-header field after others"
	case place == pseudoUnknown || (place == pseudoStatus) == h.requests:
		h.fault = "an unknown pseudo-header field"
	case h.present[place]:
		h.fault = "a pseudo-header field twice"
	default:
		h.present[place], h.pseudo[place] = true, field.Value
		if !httpguts.ValidHeaderFieldValue(field.Value) {
			h.fault = "a pseudo-header field with a value that is none"
		}
		if place == pseudoScheme {
			field.Value = "http"
		}
	}
}

// badField says what is wrong with a field, "" if nothing is.
func badField(field *hpack.HeaderField) string {
	if field.Name == "" {
		return "a field without a name"
	}
	for i := range len(field.Name) {
		if c := field.Name[i]; !httpguts.IsTokenRune(rune(c)) || c >= 'A' && c <= 'Z' {
			return "a field with a name that is none"
		}
	}
	if !httpguts.ValidHeaderFieldValue(field.Value) {
		return "a field with a value that is none"
	}
	switch field.Name {
	case "connection", "proxy-connection", "keep-alive", "transfer-encoding", "upgrade":
		return "a field of the connection"
	case "te":
		if !strings.EqualFold(field.Value, "trailers") {
			return "a te field with another value than trailers"
		}
	}
	return ""
}

// badRequest says what is wrong with the last block as the head of a request.
func (h *headerReader) badRequest() string {
	switch {
	case h.fault != "":
		return h.fault
	case h.large:
		return ""
	case !h.present[pseudoMethod]:
		return "no method"
	case h.pseudo[pseudoMethod] == "CONNECT" && !h.present[pseudoProtocol]:
		return ""
	case !h.present[pseudoScheme]:
		return "no scheme"
	case h.pseudo[pseudoPath] == "":
		return "no path"
	}
	return ""
}

// badResponse says what is wrong with the last block as the head of a response.
func (h *headerReader) badResponse() string {
	if h.fault == "" && !h.large && len(h.pseudo[pseudoStatus]) != 3 {
		return "no status"
	}
	return h.fault
}

// badTrailers says what is wrong with the last block as trailers.
func (h *headerReader) badTrailers() string {
	if h.fault == "" && h.present != [6]bool{} {
		return "a pseudo-header field in trailers"
	}
	return h.fault
}

// informational reports whether the last block is a head before the real one.
func (h *headerReader) informational() bool {
	return !h.end && strings.HasPrefix(h.pseudo[pseudoStatus], "1")
}
