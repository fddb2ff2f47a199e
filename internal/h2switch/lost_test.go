package h2switch

import (
	"context"
	"net"
	"strings"
	"sync/atomic"
	"testing"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/pyvider/rpcplugin/internal/testpb"
)

// TestWaitingOutlivesChild kills a child that takes one stream at a time: those
// that wait for their turn get it from the next child.
func TestWaitingOutlivesChild(t *testing.T) {
	const last = 101
	r := newRig(t)
	child := r.child(grpc.MaxConcurrentStreams(1))
	p := r.rawHost()
	p.ReadMetaHeaders = hpack.NewDecoder(tableSize, nil)
	ended := make(map[uint32]string) // grpc-status by stream
	note := func(f http2.Frame) {
		if head, ok := f.(*http2.MetaHeadersFrame); ok && head.StreamEnded() {
			for _, field := range head.RegularFields() {
				if field.Name == fieldCode {
					ended[head.StreamID] = field.Value
				}
			}
		}
	}
	for id := uint32(1); id <= last; id += 2 {
		p.headers(id, false, request("/"+testpb.Echo_ServiceDesc.ServiceName+"/Bidi")...)
	}
	noError(t, p.WriteData(1, false, make([]byte, prefixLen)))
	p.until("the child's echo", func(f http2.Frame) bool {
		return f.Header().StreamID == 1 && f.Header().Type == http2.FrameData
	})
	child.Stop()
	p.until("the end of the first call", func(f http2.Frame) bool { note(f); return ended[1] != "" })
	r.child(grpc.MaxConcurrentStreams(1))
	for id := uint32(3); id <= last; id += 2 {
		noError(t, p.WriteData(id, true, nil))
	}
	p.until("the end of all calls", func(f http2.Frame) bool { note(f); return len(ended) == (last+1)/2 })
	for id, code := range ended {
		if want := map[bool]string{true: "14", false: "0"}[id == 1]; code != want {
			t.Errorf("stream %d ended with status %q, expected %q", id, code, want)
		}
	}
}

// TestManyAnswersAtOnce kills a child that has very many calls: all of them are
// told, in more bytes than may wait for a host that does not read.
func TestManyAnswersAtOnce(t *testing.T) {
	const calls = 1500
	words := strings.Repeat("{last words} ~ ", 300)
	r := newRig(t, func(cfg *Config) {
		cfg.Refuse = func(context.Context, error) *status.Status { return status.New(codes.Internal, words) }
	})
	child := r.child()
	echo := testpb.NewEchoClient(r.dial())
	var streams [calls]grpc.BidiStreamingClient[testpb.Message, testpb.Message]
	for i := range streams {
		var err error
		streams[i], err = echo.Bidi(within(t))
		noError(t, err)
	}
	speak(t, streams[calls-1]) // all have arrived
	child.Stop()
	for _, stream := range streams {
		_, err := stream.Recv()
		wantCode(t, err, codes.Internal, words)
	}
}

// TestChildHangsUpFirst has the child close connections before it has spoken: a
// call waits for the next one, and for no more.
func TestChildHangsUpFirst(t *testing.T) {
	for hangups, want := range map[int]codes.Code{1: codes.OK, 3: codes.Unavailable} {
		t.Run(want.String(), func(t *testing.T) {
			var accepted atomic.Int64
			r := newRig(t, func(cfg *Config) {
				next := cfg.Child
				cfg.Child = func(ctx context.Context) (net.Conn, error) {
					if accepted.Add(1) > int64(hangups) {
						return next(ctx)
					}
					ours, theirs := net.Pipe()
					return ours, theirs.Close()
				}
			})
			r.child()
			if _, err := testpb.NewEchoClient(r.dial()).Unary(within(t), &testpb.Message{}); status.Code(err) != want {
				t.Errorf("after %d connections that were lost at once: %v, expected %s", accepted.Load()-1, err, want)
			}
		})
	}
}
