//go:build unix

package bridge_test

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"github.com/pyvider/rpcplugin/internal/testpb"
)

// Metadata with duplicate and binary values, in an order that must stay.
func given() metadata.MD {
	return metadata.MD{
		"x-one":   {"1"},
		"x-many":  {"b", "a", "b", ""},
		"x-a-bin": {"\x00\xff\x80, \n", "", "two"},
	}
}

// check compares what came back with what was given.
func check(t *testing.T, what string, got metadata.MD) {
	t.Helper()
	for key, values := range given() {
		if !slices.Equal(got.Get(key), values) {
			t.Errorf("%s %s: %q, expected %q", what, key, got.Get(key), values)
		}
	}
}

func TestMetadata(t *testing.T) {
	r := newRig(t, childConfig{})
	ctx := metadata.NewOutgoingContext(t.Context(), given())
	var header, trailer metadata.MD
	if _, err := r.Unary(ctx, &testpb.Message{}, grpc.Header(&header), grpc.Trailer(&trailer)); err != nil {
		t.Fatal(err)
	}
	check(t, "unary header", header)
	check(t, "unary trailer", trailer)
	if got := trailer.Get("x-end"); !slices.Equal(got, []string{"trailer"}) || len(header.Get("x-end")) > 0 {
		t.Errorf("x-end is %q in the trailer and %q in the header", got, header.Get("x-end"))
	}
	stream, err := r.Server(ctx, &testpb.Message{Count: 2, FailCode: int32(codes.Aborted)})
	if err != nil {
		t.Fatal(err)
	}
	if header, err = stream.Header(); err != nil {
		t.Fatal(err)
	}
	check(t, "stream header", header)
	if n, err := drain(stream); n != 2 || status.Code(err) != codes.Aborted {
		t.Errorf("%d messages, %v", n, err)
	}
	check(t, "stream trailer", stream.Trailer())
}

// An error without headers and messages is sent in one frame; its metadata are
// trailers.
func TestTrailersOnly(t *testing.T) {
	r := newRig(t, childConfig{})
	ctx := metadata.NewOutgoingContext(t.Context(), metadata.Join(given(), metadata.Pairs("no-header", "1")))
	var header, trailer metadata.MD
	_, err := r.Unary(ctx, &testpb.Message{FailCode: int32(codes.NotFound), Payload: []byte("none")}, grpc.Header(&header), grpc.Trailer(&trailer))
	if status.Code(err) != codes.NotFound || status.Convert(err).Message() != "none" {
		t.Errorf("got %v", err)
	}
	check(t, "trailer", trailer)
	if len(header.Get("x-one")) > 0 {
		t.Errorf("header: %v", header)
	}
}

// Headers travel before the first message: a host may wait for them.
func TestEarlyHeader(t *testing.T) {
	r := newRig(t, childConfig{})
	ctx, cancel := context.WithTimeout(asking(t.Context(), "early-header"), patience)
	defer cancel()
	stream, err := r.Bidi(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := stream.Header(); err != nil || ctx.Err() != nil {
		t.Fatalf("header: %v, %v", err, ctx.Err())
	}
	if err := stream.CloseSend(); err != nil {
		t.Fatal(err)
	}
	if _, err := drain(stream); err != nil {
		t.Error(err)
	}
}

func TestEveryCode(t *testing.T) {
	r := newRig(t, childConfig{})
	for code := codes.Canceled; code <= codes.Unauthenticated; code++ {
		text := fmt.Sprintf("child says %d: ä\n%%", code)
		began := time.Now()
		_, err := r.Unary(t.Context(), &testpb.Message{FailCode: int32(code), Payload: []byte(text)})
		if status.Code(err) != code || status.Convert(err).Message() != text {
			t.Errorf("unary: %v, expected %s %q", err, code, text)
		}
		stream, err := r.Server(t.Context(), &testpb.Message{FailCode: int32(code), Payload: []byte(text), Count: 3})
		if err != nil {
			t.Fatal(err)
		}
		if n, err := drain(stream); n != 3 || status.Code(err) != code || status.Convert(err).Message() != text {
			t.Errorf("stream: %d messages, %v, expected 3 and %s %q", n, err, code, text)
		}
		if took := time.Since(began); took > 800*time.Millisecond {
			t.Errorf("%s took %s, expected at once", code, took)
		}
	}
}

func TestStatusDetails(t *testing.T) {
	r := newRig(t, childConfig{})
	_, err := r.Unary(asking(t.Context(), "details"), &testpb.Message{})
	if got, want := status.Convert(err).Proto(), detailed().Proto(); !proto.Equal(got, want) {
		t.Errorf("got %v, expected %v", got, want)
	}
}

func TestUnknownMethod(t *testing.T) {
	r := newRig(t, childConfig{})
	err := r.conn.Invoke(t.Context(), "/no.such.Service/Method", &testpb.Message{}, &testpb.Message{})
	if status.Code(err) != codes.Unimplemented {
		t.Errorf("got %v, expected the child's Unimplemented", err)
	}
}
