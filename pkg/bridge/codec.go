package bridge

import (
	"fmt"

	"google.golang.org/grpc/encoding"
	_ "google.golang.org/grpc/encoding/proto" // the codec behind rawCodec
	"google.golang.org/grpc/mem"
)

// frame is a message that is passed on as it is.
type frame struct{ data mem.BufferSlice }

// rawCodec leaves a frame's bytes alone and does as usual with all else.
type rawCodec struct{}

// Name is that of the usual codec, whose place this one takes.
func (rawCodec) Name() string { return "proto" }

// Marshal hands the frame's bytes over; they belong to gRPC from here.
func (c rawCodec) Marshal(v any) (mem.BufferSlice, error) {
	if f, ok := v.(*frame); ok {
		return f.data, nil
	}
	usual, err := c.usual()
	if err != nil {
		return nil, err
	}
	return usual.Marshal(v)
}

// Unmarshal keeps the bytes beyond the call.
func (c rawCodec) Unmarshal(data mem.BufferSlice, v any) error {
	if f, ok := v.(*frame); ok {
		data.Ref()
		f.data = data
		return nil
	}
	usual, err := c.usual()
	if err != nil {
		return err
	}
	return usual.Unmarshal(data, v)
}

func (rawCodec) usual() (encoding.CodecV2, error) {
	if codec := encoding.GetCodecV2("proto"); codec != nil {
		return codec, nil
	}
	return nil, fmt.Errorf("no codec is registered for %q", "proto")
}
