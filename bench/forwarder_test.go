package bench

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"os/exec"
	"path/filepath"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/encoding"
	"google.golang.org/grpc/mem"
	"google.golang.org/grpc/status"

	"github.com/pyvider/rpcplugin/internal/kv"
	"github.com/pyvider/rpcplugin/pkg/bridge"
	"github.com/pyvider/rpcplugin/pkg/server"
)

// playForwarder is a bridge as gRPC's own means make one: each message is
// received whole and sent again. It is here to be compared with.
func playForwarder() error {
	path, err := os.Executable()
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "bench")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	socket := filepath.Join(dir, "s")
	process := exec.Command(path)
	process.Env = append(os.Environ(), roleVariable+"="+direct, bridge.EnvChildSocket+"="+socket)
	if err := process.Start(); err != nil {
		return err
	}
	defer func() {
		_ = process.Process.Kill()
		_ = process.Wait()
	}()
	conn, err := grpc.NewClient("unix:"+socket, grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(math.MaxInt32), grpc.MaxCallSendMsgSize(math.MaxInt32)))
	if err != nil {
		return err
	}
	defer conn.Close()
	return server.Serve(context.Background(), server.Config{
		Cookie:        kv.Cookie(),
		ServerOptions: []grpc.ServerOption{grpc.ForceServerCodecV2(rawCodec{})},
		Unknown:       func(_ any, host grpc.ServerStream) error { return forward(host, conn) },
	})
}

// forward passes the messages of one call on.
func forward(host grpc.ServerStream, conn *grpc.ClientConn) error {
	method, ok := grpc.MethodFromServerStream(host)
	if !ok {
		return status.Error(codes.Internal, "the call has no method")
	}
	ctx, cancel := context.WithCancel(host.Context())
	defer cancel()
	both := &grpc.StreamDesc{ServerStreams: true, ClientStreams: true}
	stream, err := conn.NewStream(ctx, both, method, grpc.ForceCodecV2(rawCodec{}), grpc.WaitForReady(true))
	if err != nil {
		return err
	}
	go func() {
		for {
			var m message
			if err := host.RecvMsg(&m); errors.Is(err, io.EOF) {
				_ = stream.CloseSend()
				return
			} else if err != nil || stream.SendMsg(&m) != nil {
				return
			}
		}
	}()
	for {
		var m message
		if err := stream.RecvMsg(&m); errors.Is(err, io.EOF) {
			host.SetTrailer(stream.Trailer())
			return nil
		} else if err != nil {
			return err
		}
		if err := host.SendMsg(&m); err != nil {
			return err
		}
	}
}

// message is one that is passed on as it is.
type message struct{ data mem.BufferSlice }

// rawCodec leaves a message's bytes alone and does as usual with all else.
type rawCodec struct{}

func (rawCodec) Name() string { return "proto" }

func (rawCodec) Marshal(v any) (mem.BufferSlice, error) {
	if m, ok := v.(*message); ok {
		return m.data, nil
	}
	usual, err := usualCodec()
	if err != nil {
		return nil, err
	}
	return usual.Marshal(v)
}

func (rawCodec) Unmarshal(data mem.BufferSlice, v any) error {
	if m, ok := v.(*message); ok {
		data.Ref()
		m.data = data
		return nil
	}
	usual, err := usualCodec()
	if err != nil {
		return err
	}
	return usual.Unmarshal(data, v)
}

func usualCodec() (encoding.CodecV2, error) {
	if codec := encoding.GetCodecV2("proto"); codec != nil {
		return codec, nil
	}
	return nil, fmt.Errorf("no codec is registered for %q", "proto")
}
