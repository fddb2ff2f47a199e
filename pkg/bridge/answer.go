package bridge

import (
	"context"
	"sync/atomic"

	"google.golang.org/grpc/stats"
)

// answer is whether the child itself has ended a call. A status that gRPC made
// up because the connection broke looks the same as one that the child sent;
// but only the child sends trailers.
type answer struct{ trailers atomic.Bool }

// came reports whether the child has ended the call. It is known before the
// call returns.
func (a *answer) came() bool { return a.trailers.Load() }

// answerKey is the key of a call's answer in its context.
type answerKey struct{}

// awaitAnswer returns a context for one call, and where its answer is noted.
func awaitAnswer(ctx context.Context) (context.Context, *answer) {
	noted := new(answer)
	return context.WithValue(ctx, answerKey{}, noted), noted
}

// answerWatch notes the answers of all calls of a connection.
type answerWatch struct{}

// HandleRPC notes trailers; gRPC calls it.
func (answerWatch) HandleRPC(ctx context.Context, event stats.RPCStats) {
	if _, ok := event.(*stats.InTrailer); !ok {
		return
	}
	if noted, ok := ctx.Value(answerKey{}).(*answer); ok {
		noted.trailers.Store(true)
	}
}

// TagRPC adds nothing.
func (answerWatch) TagRPC(ctx context.Context, _ *stats.RPCTagInfo) context.Context { return ctx }

// TagConn adds nothing.
func (answerWatch) TagConn(ctx context.Context, _ *stats.ConnTagInfo) context.Context { return ctx }

// HandleConn does nothing.
func (answerWatch) HandleConn(context.Context, stats.ConnStats) {}
