//go:build e2e && linux

package e2e

import (
	"context"
	"errors"
	"io"

	"github.com/pyvider/rpcplugin/internal/testpb"
)

func (c *mixedCaller) pingPong(ctx context.Context) error {
	ctx, call := c.begin(ctx, "counted", "1")
	stream, err := c.Bidi(ctx, call.opts...)
	if err != nil {
		return err
	}
	for range c.random.IntN(6) {
		m := c.message()
		if err := sent(stream.Send(call.sent.add(m))); err != nil {
			return err
		}
		got, err := stream.Recv()
		if err := call.take(got, err, m.GetPayload()); err != nil {
			return err
		}
	}
	if err := stream.CloseSend(); err != nil {
		return err
	}
	return call.ended(atEnd(stream.Recv()))
}

// flood sends without looking at what comes back.
func (c *mixedCaller) flood(ctx context.Context) error {
	ctx, call := c.begin(ctx, "counted", "1")
	stream, err := c.Bidi(ctx, call.opts...)
	if err != nil {
		return err
	}
	messages := make([]*testpb.Message, c.random.IntN(20))
	for i := range messages {
		messages[i] = c.message()
	}
	sending := make(chan error, 1)
	go func() {
		for _, m := range messages {
			if err := sent(stream.Send(call.sent.add(m))); err != nil {
				sending <- err
				return
			}
		}
		sending <- stream.CloseSend()
	}()
	for _, m := range messages {
		got, err := stream.Recv()
		if err := call.take(got, err, m.GetPayload()); err != nil {
			return err
		}
	}
	if err := <-sending; err != nil {
		return err
	}
	return call.ended(atEnd(stream.Recv()))
}

// early has the child end the call while the host still sends.
func (c *mixedCaller) early(ctx context.Context) error {
	ctx, call := c.begin(ctx, "counted", "1", "do", "early")
	first := c.message()
	call.sent.add(first) // the child takes no other
	if c.random.IntN(2) == 0 {
		stream, err := c.Client(ctx, call.opts...)
		if err != nil {
			return err
		}
		if err := c.sendOn(stream.Send, first); err != nil {
			return err
		}
		got, err := stream.CloseAndRecv()
		return call.ended(call.take(got, err, first.GetPayload()))
	}
	stream, err := c.Bidi(ctx, call.opts...)
	if err != nil {
		return err
	}
	if err := c.sendOn(stream.Send, first); err != nil {
		return err
	}
	got, err := stream.Recv()
	if err := call.take(got, err, first.GetPayload()); err != nil {
		return err
	}
	return call.ended(atEnd(stream.Recv()))
}

// sendOn sends until the other side has ended the call, or often enough.
func (c *mixedCaller) sendOn(send func(*testpb.Message) error, m *testpb.Message) error {
	for n := c.random.IntN(10); n >= 0; n-- {
		if err := send(m); err != nil {
			if errors.Is(err, io.EOF) {
				return nil
			}
			return err
		}
		m = c.message()
	}
	return nil
}
