//go:build e2e && linux

package e2e

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/pyvider/rpcplugin/internal/testpb"
)

// Calls that end otherwise than with all their answers.

// expected checks the code of an end.
func expected(err error, want ...codes.Code) error {
	if !slices.Contains(want, status.Code(err)) {
		return fmt.Errorf("it ended with %w, expected one of %v", err, want)
	}
	return nil
}

func (c *mixedCaller) failure(ctx context.Context) error {
	ctx, call := c.begin(ctx)
	code := codes.Code(1 + c.random.IntN(16))
	_, err := c.Unary(ctx, &testpb.Message{FailCode: int32(code), Payload: []byte("100 % lost: ünïcode\n")}, call.opts...)
	if status.Convert(err).Message() != "100 % lost: ünïcode\n" {
		return fmt.Errorf("not the child's failure: %w", err)
	}
	return errors.Join(expected(err, code), call.cameBack())
}

func (c *mixedCaller) deadline(ctx context.Context) error {
	ctx, call := c.begin(ctx, "do", "hang")
	ctx, cancel := context.WithTimeout(ctx, time.Duration(c.random.IntN(20_000))*time.Microsecond)
	defer cancel()
	_, err := c.Unary(ctx, c.message(), call.opts...)
	return expected(err, codes.DeadlineExceeded)
}

// reset has the host refuse the child's answer.
func (c *mixedCaller) reset(ctx context.Context) error {
	ctx, call := c.begin(ctx)
	stream, err := c.Server(ctx, &testpb.Message{Payload: c.noise[:100_000], Count: 10}, append(call.opts, grpc.MaxCallRecvMsgSize(50_000))...)
	if err == nil {
		_, err = stream.Recv()
	}
	return expected(err, codes.ResourceExhausted)
}

// cancellation ends a call from the side of the host, at some moment.
func (c *mixedCaller) cancellation(ctx context.Context) error {
	ctx, call := c.begin(ctx)
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer time.AfterFunc(time.Duration(c.random.IntN(5000))*time.Microsecond, cancel).Stop()
	if c.random.IntN(2) == 0 {
		stream, err := c.Server(ctx, &testpb.Message{Payload: c.message().GetPayload(), Count: 100}, call.opts...)
		for err == nil {
			_, err = stream.Recv()
		}
		return cancelled(err)
	}
	stream, err := c.Bidi(ctx, call.opts...)
	for err == nil {
		if err = sent(stream.Send(c.message())); err == nil {
			_, err = stream.Recv()
		}
	}
	return cancelled(err)
}

func cancelled(err error) error {
	if errors.Is(err, io.EOF) {
		return nil
	}
	return expected(err, codes.Canceled)
}
