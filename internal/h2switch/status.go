package h2switch

import (
	"encoding/base64"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/net/http2/hpack"
	spb "google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
)

// The trailers of a gRPC status.
const (
	fieldCode    = "grpc-status"
	fieldMessage = "grpc-message"
	fieldDetails = "grpc-status-details-bin"
)

// statusFields are the trailers of a status, with the head of a response before
// them if there was none.
func statusFields(st *status.Status, head bool) []hpack.HeaderField {
	var fields []hpack.HeaderField
	if head {
		fields = append(fields,
			hpack.HeaderField{Name: ":status", Value: "200"},
			hpack.HeaderField{Name: "content-type", Value: "application/grpc"})
	}
	fields = append(fields,
		hpack.HeaderField{Name: fieldCode, Value: strconv.Itoa(int(st.Code()))},
		hpack.HeaderField{Name: fieldMessage, Value: escape(st.Message())})
	if len(st.Proto().GetDetails()) > 0 {
		if details, err := proto.Marshal(st.Proto()); err == nil {
			fields = append(fields, hpack.HeaderField{Name: fieldDetails, Value: base64.RawStdEncoding.EncodeToString(details)})
		}
	}
	return fields
}

// escape makes a message fit for a header, as gRPC does: bytes that are not
// printable ASCII, and the percent sign, become %XX.
func escape(message string) string {
	const digits = "0123456789ABCDEF"
	var b strings.Builder
	for _, c := range []byte(strings.ToValidUTF8(message, "\uFFFD")) {
		if c >= ' ' && c <= '~' && c != '%' {
			b.WriteByte(c)
			continue
		}
		b.Write([]byte{'%', digits[c>>4], digits[c&15]})
	}
	return b.String()
}

// unescape is the opposite; what it cannot read stays.
func unescape(text string) string {
	if message, err := url.PathUnescape(text); err == nil {
		return message
	}
	return text
}

// amend returns the last fields that a server sends on a stream, changed if
// Config.Amend changes their status.
func (l *leg) amend(s *stream, fields []hpack.HeaderField) []hpack.HeaderField {
	change := l.sw.cfg.Amend
	if change == nil || l.role != roleChild {
		return fields
	}
	st := statusOf(fields)
	if st == nil {
		return fields
	}
	amended := change(st, s.meter.largest)
	if amended == nil || amended == st {
		return fields
	}
	kept := slices.DeleteFunc(slices.Clone(fields), func(f hpack.HeaderField) bool {
		return f.Name == fieldCode || f.Name == fieldMessage || f.Name == fieldDetails
	})
	return append(kept, statusFields(amended, false)...)
}

// statusOf reads a status, nil if there is none, or OK.
func statusOf(fields []hpack.HeaderField) *status.Status {
	answer := new(spb.Status)
	for i := range fields {
		switch f := &fields[i]; f.Name {
		case fieldCode:
			code, err := strconv.ParseInt(f.Value, 10, 32)
			if err != nil {
				return nil
			}
			answer.Code = int32(code)
		case fieldMessage:
			answer.Message = unescape(f.Value)
		case fieldDetails:
			full := new(spb.Status)
			raw, err := base64.RawStdEncoding.DecodeString(strings.TrimRight(f.Value, "="))
			if err == nil && proto.Unmarshal(raw, full) == nil {
				answer.Details = full.GetDetails()
			}
		}
	}
	if answer.GetCode() == int32(codes.OK) {
		return nil
	}
	return status.FromProto(answer)
}

// tooLarge is the status of a stream whose header list nobody takes.
func tooLarge(size int, limit int64) *status.Status {
	return status.New(codes.ResourceExhausted, fmt.Sprintf("the call's headers take %d bytes, and its receiver takes %d at most", size, limit))
}

// brokenAnswer is the status of a stream on which a server has broken a rule.
func brokenAnswer(fault streamFault) *status.Status {
	return status.New(codes.Internal, fmt.Sprintf("the plugin's answer broke the rules of HTTP/2: %s", fault.text))
}
