package services_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/emptypb"

	"github.com/pyvider/rpcplugin/pkg/services"
	"github.com/pyvider/rpcplugin/proto/pluginpb"
)

// newStdio serves a Stdio for the time of the test.
func newStdio(t testing.TB) (*services.Stdio, *grpc.ClientConn) {
	t.Helper()
	stdio := services.NewStdio()
	at := serve(t, nil, func(s *grpc.Server) { stdio.Register(s) })
	t.Cleanup(stdio.Close)
	return stdio, at.conn
}

// copying runs CopyStdio into two writers.
func copying(ctx context.Context, conn *grpc.ClientConn) (stdout, stderr *gathered, ended chan error) {
	stdout, stderr, ended = newGathered(), newGathered(), make(chan error, 1)
	go func() { ended <- services.CopyStdio(ctx, conn, stdout, stderr) }()
	return stdout, stderr, ended
}

func write(t testing.TB, w io.Writer, data string) {
	t.Helper()
	n, err := io.WriteString(w, data)
	if err != nil || n != len(data) {
		t.Fatalf("wrote %d of %d bytes: %v", n, len(data), err)
	}
}

func TestStdioReplaysToALateHost(t *testing.T) {
	stdio, conn := newStdio(t)
	write(t, stdio.Stdout(), "one\n")
	write(t, stdio.Stderr(), "bad\n")
	write(t, stdio.Stdout(), "two\n")
	select {
	case <-stdio.Opened():
		t.Fatal("opened before a host subscribed")
	default:
	}
	stdout, stderr, ended := copying(soon(t), conn)
	receive(t, "Opened", stdio.Opened())
	stdout.waitFor(t, len("one\ntwo\n"))
	write(t, stdio.Stdout(), "three\n")
	stdio.Close()
	stdio.Close()
	noError(t, receive(t, "the end of the stream", ended))
	if got := stdout.String(); got != "one\ntwo\nthree\n" {
		t.Errorf("stdout is %q", got)
	}
	if got := stderr.String(); got != "bad\n" {
		t.Errorf("stderr is %q", got)
	}
	if dropped := stdio.Dropped(); dropped != 0 {
		t.Errorf("%d bytes dropped, expected none", dropped)
	}
	if _, err := stdio.Stdout().Write([]byte("late")); !errors.Is(err, io.ErrClosedPipe) {
		t.Errorf("write after Close: %v, expected %v", err, io.ErrClosedPipe)
	}
	// What there is can still be had after Close.
	after, _, ended := copying(soon(t), conn)
	noError(t, receive(t, "the end of the second stream", ended))
	if got := after.String(); got != "one\ntwo\nthree\n" {
		t.Errorf("a host that came after Close got %q", got)
	}
}

func TestStdioTwoHostsEachGetEverything(t *testing.T) {
	stdio, conn := newStdio(t)
	firstOut, firstErr, firstEnded := copying(soon(t), conn)
	secondOut, secondErr, secondEnded := copying(soon(t), conn)
	var wantOut, wantErr strings.Builder
	for i := range 300 {
		out, bad := strings.Repeat("o", i)+"\n", strings.Repeat("e", i%7)+"\n"
		write(t, stdio.Stdout(), out)
		write(t, stdio.Stderr(), bad)
		wantOut.WriteString(out)
		wantErr.WriteString(bad)
		if i == 100 {
			firstOut.waitFor(t, 1)
			secondOut.waitFor(t, 1)
		}
	}
	stdio.Close()
	noError(t, receive(t, "first end", firstEnded))
	noError(t, receive(t, "second end", secondEnded))
	for name, got := range map[string]*gathered{"first": firstOut, "second": secondOut} {
		if got.String() != wantOut.String() {
			t.Errorf("%s host's stdout has %d bytes, expected %d", name, len(got.String()), wantOut.Len())
		}
	}
	for name, got := range map[string]*gathered{"first": firstErr, "second": secondErr} {
		if got.String() != wantErr.String() {
			t.Errorf("%s host's stderr has %d bytes, expected %d", name, len(got.String()), wantErr.Len())
		}
	}
}

func TestStdioWithoutAHostNeverBlocks(t *testing.T) {
	for _, test := range []struct {
		name      string
		size      int
		leastKept int
		mostKept  int // keeping a chunk costs more than its bytes
	}{
		{"long writes", 100_000, 900 << 10, 1 << 20},
		{"lines", 80, 900 << 10, 1 << 20},
		{"single bytes", 1, 900 << 10, 1 << 20},
	} {
		t.Run(test.name, func(t *testing.T) {
			stdio, conn := newStdio(t)
			data := random(5 << 20)
			if test.size == 1 {
				data = data[:2<<20]
			}
			for rest := data; len(rest) > 0; {
				n := min(test.size, len(rest))
				if _, err := stdio.Stdout().Write(rest[:n]); err != nil {
					t.Fatal(err)
				}
				rest = rest[n:]
			}
			dropped := stdio.Dropped()
			stdio.Close()
			stdout, _, ended := copying(soon(t), conn)
			noError(t, receive(t, "the end", ended))
			got := stdout.String()
			if uint64(len(got))+dropped != uint64(len(data)) {
				t.Errorf("%d bytes came and %d were dropped, of %d", len(got), dropped, len(data))
			}
			if !bytes.HasSuffix(data, []byte(got)) {
				t.Error("what came is not the end of what was written")
			}
			if len(got) > test.mostKept || len(got) < test.leastKept {
				t.Errorf("%d bytes were kept", len(got))
			}
		})
	}
}

func TestStdioCountsOnlyWhatNobodyTook(t *testing.T) {
	stdio, conn := newStdio(t)
	ctx, cancel := context.WithCancel(soon(t))
	stdout, _, ended := copying(ctx, conn)
	const piece, pieces = 64 << 10, 48
	for i := range pieces {
		if _, err := stdio.Stdout().Write(make([]byte, piece)); err != nil {
			t.Fatal(err)
		}
		stdout.waitFor(t, (i+1)*piece)
	}
	if dropped := stdio.Dropped(); dropped != 0 {
		t.Errorf("%d bytes count as dropped, though a host has taken all", dropped)
	}
	cancel()
	noError(t, receive(t, "the end", ended))
	// The plugin learns of it when it learns of it; from then on bytes are lost.
	for deadline := time.Now().Add(patience); stdio.Dropped() == 0; {
		if time.Now().After(deadline) {
			t.Fatal("no byte counts as dropped after the host had gone")
		}
		write(t, stdio.Stdout(), strings.Repeat("x", 4<<10))
	}
}

func TestStdioSlowHostLosesAndThePluginDoesNotWait(t *testing.T) {
	stdio, conn := newStdio(t)
	stream, err := pluginpb.NewGRPCStdioClient(onWire.Conn(conn)).StreamStdio(soon(t), &emptypb.Empty{})
	noError(t, err)
	receive(t, "Opened", stdio.Opened())
	data := random(8 << 20)
	for rest := data; len(rest) > 0; rest = rest[1<<20:] {
		if _, err := stdio.Stderr().Write(rest[:1<<20]); err != nil {
			t.Fatal(err)
		}
	}
	stdio.Close()
	var got []byte
	for {
		chunk, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			break
		}
		noError(t, err)
		if chunk.GetChannel() != pluginpb.StdioData_STDERR {
			t.Fatalf("chunk of channel %s", chunk.GetChannel())
		}
		got = append(got, chunk.GetData()...)
	}
	if dropped := stdio.Dropped(); uint64(len(got))+dropped != uint64(len(data)) || dropped == 0 {
		t.Errorf("%d bytes came, %d dropped, of %d", len(got), dropped, len(data))
	}
	if !bytes.Equal(got[len(got)-512<<10:], data[len(data)-512<<10:]) {
		t.Error("the end of what was written did not come")
	}
}

func TestStdioChunks(t *testing.T) {
	stdio, conn := newStdio(t)
	data := random(200_000)
	write(t, stdio.Stdout(), "")
	if _, err := stdio.Stdout().Write(data); err != nil {
		t.Fatal(err)
	}
	kept := bytes.Clone(data)
	clear(data) // the writer's buffer is its own again
	stdio.Close()
	stream, err := pluginpb.NewGRPCStdioClient(onWire.Conn(conn)).StreamStdio(soon(t), &emptypb.Empty{})
	noError(t, err)
	var sizes []int
	var got []byte
	for {
		chunk, err := stream.Recv()
		if err != nil {
			break
		}
		sizes = append(sizes, len(chunk.GetData()))
		got = append(got, chunk.GetData()...)
	}
	if !bytes.Equal(got, kept) {
		t.Error("what came is not what was written")
	}
	for _, size := range sizes {
		if size == 0 || size > 32<<10 {
			t.Errorf("chunks of %v bytes, expected 1 to 32768 each", sizes)
		}
	}
}

// Short writes that wait together go together, as long as they are of the same
// channel: their order is that of the writes.
func TestStdioJoinsShortWrites(t *testing.T) {
	stdio, conn := newStdio(t)
	const lines, each = 1000, 100
	line := strings.Repeat("x", each-1) + "\n"
	for range lines {
		write(t, stdio.Stdout(), line)
	}
	write(t, stdio.Stderr(), "bad\n")
	write(t, stdio.Stdout(), "last\n")
	stdio.Close()
	stream, err := pluginpb.NewGRPCStdioClient(onWire.Conn(conn)).StreamStdio(soon(t), &emptypb.Empty{})
	noError(t, err)
	var got []*pluginpb.StdioData
	for {
		chunk, err := stream.Recv()
		if err != nil {
			break
		}
		got = append(got, chunk)
	}
	if len(got) != 4+2 {
		t.Fatalf("%d messages, expected 4 of lines and 2 more", len(got))
	}
	for _, chunk := range got[:4] {
		if len(chunk.GetData())%each != 0 || chunk.GetChannel() != pluginpb.StdioData_STDOUT {
			t.Errorf("%d bytes of %s: a line was torn", len(chunk.GetData()), chunk.GetChannel())
		}
	}
	if bad, last := string(got[4].GetData()), string(got[5].GetData()); bad != "bad\n" || last != "last\n" {
		t.Errorf("got %q and %q at the end", bad, last)
	}
}

// What a host has been given does not change any more.
func TestStdioJoinsNothingToWhatWasTaken(t *testing.T) {
	stdio, conn := newStdio(t)
	stdout, _, ended := copying(soon(t), conn)
	for i := range 200 {
		write(t, stdio.Stdout(), "0123456789")
		stdout.waitFor(t, 10*(i+1))
	}
	stdio.Close()
	noError(t, receive(t, "the end", ended))
	if got := stdout.String(); got != strings.Repeat("0123456789", 200) {
		t.Errorf("got %d bytes", len(got))
	}
}

func TestStdioConcurrentWriters(t *testing.T) {
	stdio, conn := newStdio(t)
	stdout, stderr, ended := copying(soon(t), conn)
	var writing sync.WaitGroup
	for i := range 8 {
		w := stdio.Stdout()
		if i%2 == 1 {
			w = stdio.Stderr()
		}
		writing.Go(func() {
			for range 200 {
				_, _ = io.WriteString(w, "0123456789\n")
			}
		})
	}
	writing.Wait()
	stdio.Close()
	noError(t, receive(t, "the end", ended))
	want := strings.Repeat("0123456789\n", 800)
	if stdout.String() != want || stderr.String() != want {
		t.Error("writes were torn or lost")
	}
}

// anyStdio answers as it is told.
type anyStdio struct {
	pluginpb.UnimplementedGRPCStdioServer

	chunks []*pluginpb.StdioData
	end    error
}

func (s anyStdio) StreamStdio(_ *emptypb.Empty, stream grpc.ServerStreamingServer[pluginpb.StdioData]) error {
	for _, chunk := range s.chunks {
		if err := stream.Send(chunk); err != nil {
			return err
		}
	}
	return s.end
}

func TestCopyStdioEnds(t *testing.T) {
	for _, test := range []struct {
		name string
		end  error
		want codes.Code
	}{
		{"end of stream", nil, codes.OK},
		{"unavailable", status.Error(codes.Unavailable, "gone"), codes.OK},
		{"unimplemented", status.Error(codes.Unimplemented, "never heard of"), codes.OK},
		{"canceled", status.Error(codes.Canceled, "stopped"), codes.OK},
		{"internal", status.Error(codes.Internal, "broken"), codes.Internal},
		{"denied", status.Error(codes.PermissionDenied, "no"), codes.PermissionDenied},
	} {
		t.Run(test.name, func(t *testing.T) {
			at := serve(t, nil, func(s *grpc.Server) {
				s.RegisterService(onWire.ServiceDesc(pluginpb.GRPCStdio_ServiceDesc), anyStdio{
					end: test.end,
					chunks: []*pluginpb.StdioData{
						{Data: []byte("nowhere")},
						{Channel: 7, Data: []byte("nowhere")},
						{Channel: pluginpb.StdioData_STDOUT, Data: []byte("out")},
						{Channel: pluginpb.StdioData_STDERR, Data: []byte("err")},
					},
				})
			})
			stdout, stderr, ended := copying(soon(t), at.conn)
			if err := receive(t, "the end", ended); status.Code(err) != test.want {
				t.Errorf("ended with %v, expected %v", err, test.want)
			}
			if stdout.String() != "out" || stderr.String() != "err" {
				t.Errorf("got %q and %q", stdout, stderr)
			}
		})
	}
}

func TestCopyStdioToleratesAPluginWithoutIt(t *testing.T) {
	at := serve(t, nil, func(*grpc.Server) {})
	noError(t, services.CopyStdio(soon(t), at.conn, nil, nil))
	at.server.Stop()
	noError(t, services.CopyStdio(soon(t), at.conn, nil, nil))
}

func TestCopyStdioStopsWithItsContextAndItsWriters(t *testing.T) {
	stdio, conn := newStdio(t)
	ctx, cancel := context.WithCancel(soon(t))
	stdout, _, ended := copying(ctx, conn)
	write(t, stdio.Stdout(), "x")
	stdout.waitFor(t, 1)
	cancel()
	noError(t, receive(t, "the end with the context", ended))

	failing := newGathered()
	failing.fail = errRefused
	ctx, cancel = context.WithCancel(soon(t))
	defer cancel()
	if err := services.CopyStdio(ctx, conn, failing, nil); !errors.Is(err, errRefused) {
		t.Errorf("ended with %v, expected that of the writer", err)
	}
}

// random returns bytes that are the same in every run.
func random(size int) []byte {
	source := rand.NewChaCha8([32]byte{1})
	data := make([]byte, size)
	_, _ = source.Read(data)
	return data
}

func BenchmarkStdio(b *testing.B) {
	for _, size := range []int{80, 4 << 10, 64 << 10} {
		b.Run(fmt.Sprintf("write/%d", size), func(b *testing.B) {
			stdio := services.NewStdio()
			data := random(size)
			b.SetBytes(int64(size))
			b.ReportAllocs()
			for b.Loop() {
				_, _ = stdio.Stdout().Write(data)
			}
		})
	}
}
