package services

import (
	"context"
	"errors"
	"io"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/emptypb"

	"github.com/pyvider/rpcplugin/proto/pluginpb"
)

// CopyStdio is the host's half of the stdio service: it writes what the
// plugin prints to stdout and stderr until the stream ends or ctx is done.
//
// A plugin without the service, one that stops, and the end of ctx are no
// errors: hosts have always tolerated them. An error of a writer ends the copy
// and is returned; chunks of an unknown channel are passed over. A nil writer
// discards.
func CopyStdio(ctx context.Context, cc grpc.ClientConnInterface, stdout, stderr io.Writer) error {
	stream, err := pluginpb.NewGRPCStdioClient(onWire.Conn(cc)).StreamStdio(ctx, &emptypb.Empty{})
	if err != nil {
		return stdioEnd(err)
	}
	writers := map[pluginpb.StdioData_Channel]io.Writer{
		pluginpb.StdioData_STDOUT: stdout,
		pluginpb.StdioData_STDERR: stderr,
	}
	for {
		data, err := stream.Recv()
		if err != nil {
			return stdioEnd(err)
		}
		if w := writers[data.GetChannel()]; w != nil {
			if _, err := w.Write(data.GetData()); err != nil {
				return err
			}
		}
	}
}

// stdioEnd returns nil for the ends of a stdio stream that are no failure.
func stdioEnd(err error) error {
	if errors.Is(err, io.EOF) {
		return nil
	}
	switch status.Code(err) {
	case codes.Unavailable, codes.Unimplemented, codes.Canceled, codes.DeadlineExceeded:
		return nil
	default:
		return err
	}
}
