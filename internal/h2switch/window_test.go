package h2switch

import (
	"bytes"
	"context"
	"net"
	"os"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"

	"golang.org/x/net/http2"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/metadata"

	"github.com/pyvider/rpcplugin/internal/testpb"
)

// TestStuckChildLeavesLocalAlone has hundreds of uploads wait for a child that
// reads nothing, or does not accept: calls of the local server are answered.
func TestStuckChildLeavesLocalAlone(t *testing.T) {
	for _, name := range []string{"reads nothing", "does not accept", "greets and reads nothing"} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, func(cfg *Config) {
				cfg.Child = func(ctx context.Context) (net.Conn, error) {
					if name == "does not accept" {
						return never(ctx)
					}
					ours, theirs := net.Pipe()
					t.Cleanup(func() { _ = theirs.Close() })
					if name != "reads nothing" {
						go func() { _ = http2.NewFramer(theirs, nil).WriteSettings() }()
					}
					return ours, nil
				}
			})
			conn := r.dial()
			echo := testpb.NewEchoClient(conn)
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			var uploads sync.WaitGroup
			for range 300 {
				stream, err := echo.Client(ctx)
				noError(t, err)
				uploads.Go(func() {
					for stream.Send(&testpb.Message{Payload: make([]byte, 30_000)}) == nil {
					}
				})
			}
			for range 200 {
				_, err := grpc_health_v1.NewHealthClient(conn).Check(within(t), &grpc_health_v1.HealthCheckRequest{Service: ""})
				noError(t, err)
			}
			// A large one needs the window: its answer is that nobody knows the service.
			_, err := grpc_health_v1.NewHealthClient(conn).Check(within(t), &grpc_health_v1.HealthCheckRequest{Service: strings.Repeat("x", 6<<20)})
			wantCode(t, err, codes.NotFound, "unknown service")
			cancel()
			uploads.Wait()
		})
	}
}

// TestPressureEnds has uploads that waited go on.
func TestPressureEnds(t *testing.T) {
	r := newRig(t)
	echo := testpb.NewEchoClient(r.dial())
	var uploads sync.WaitGroup
	for range 100 {
		uploads.Go(func() {
			stream, err := echo.Client(t.Context())
			for range 10 {
				if err == nil {
					err = stream.Send(&testpb.Message{Payload: make([]byte, 40_000)})
				}
			}
			if err != nil {
				t.Error(err)
				return
			}
			m, err := stream.CloseAndRecv()
			if err != nil || m.GetCount() != 400_000 {
				t.Errorf("%d bytes, %v", m.GetCount(), err)
			}
		})
	}
	health := grpc_health_v1.NewHealthClient(r.dial())
	for range 50 {
		_, err := health.Check(within(t), &grpc_health_v1.HealthCheckRequest{})
		noError(t, err)
	}
	r.child(grpc.MaxConcurrentStreams(10))
	uploads.Wait()
}

// TestFloodDoesNotStarve has the child flood the host that does read, while
// others get their answers.
func TestFloodDoesNotStarve(t *testing.T) {
	r := newRig(t)
	r.child()
	conn := r.dial()
	echo := testpb.NewEchoClient(conn)
	ctx, cancel := context.WithCancel(t.Context())
	var floods sync.WaitGroup
	for range 4 {
		stream, err := echo.Server(ctx, &testpb.Message{Payload: make([]byte, 1<<20), Count: 1 << 30})
		noError(t, err)
		floods.Go(func() {
			for err := error(nil); err == nil; {
				_, err = stream.Recv()
			}
		})
	}
	// One that nobody reads, too.
	_, err := echo.Server(ctx, &testpb.Message{Payload: make([]byte, 1<<20), Count: 1 << 30})
	noError(t, err)
	for range 50 {
		_, err := grpc_health_v1.NewHealthClient(conn).Check(within(t), &grpc_health_v1.HealthCheckRequest{})
		noError(t, err)
		_, err = echo.Unary(within(t), &testpb.Message{})
		noError(t, err)
	}
	cancel()
	floods.Wait()
}

// TestWindowsOfAllSizes has either side use windows of its own.
func TestWindowsOfAllSizes(t *testing.T) {
	for _, host := range []int32{0, 1 << 17, 1 << 23} {
		for _, child := range []int32{0, 1 << 17, 1 << 23} {
			t.Run(strconv.Itoa(int(host))+" "+strconv.Itoa(int(child)), func(t *testing.T) {
				r := newRig(t)
				r.child(grpc.InitialWindowSize(child), grpc.InitialConnWindowSize(child))
				echo := testpb.NewEchoClient(r.dial(grpc.WithInitialWindowSize(host), grpc.WithInitialConnWindowSize(host)))
				for range 3 {
					sent := bytes.Repeat([]byte("0123456789"), 500_000)
					m, err := echo.Unary(within(t), &testpb.Message{Payload: sent})
					noError(t, err)
					if !bytes.Equal(m.GetPayload(), sent) {
						t.Fatalf("%d bytes came back of %d", len(m.GetPayload()), len(sent))
					}
				}
			})
		}
	}
}

// TestHostShrinksAndGrowsWindows changes the host's initial window while the
// child sends: never more than it allows may come.
func TestHostShrinksAndGrowsWindows(t *testing.T) {
	r := newRig(t)
	r.child()
	p := r.rawHost(http2.Setting{ID: http2.SettingInitialWindowSize, Val: 10_000})
	p.headers(1, false, request("/"+testpb.Echo_ServiceDesc.ServiceName+"/Server")...)
	noError(t, p.WriteData(1, true, append([]byte{0, 0, 0, 0, 5}, 0x10, 0xff, 0xff, 0xff, 0x07))) // count
	got := p.receive(10_000)
	// 5000 bytes less than were sent: it takes 5000 to be where it was.
	p.set(http2.SettingInitialWindowSize, 5000)
	noError(t, p.WriteWindowUpdate(1, 5000))
	noError(t, p.WriteWindowUpdate(1, 1234))
	got += p.receive(1234)
	p.set(http2.SettingInitialWindowSize, 15_000)
	got += p.receive(10_000)
	noError(t, p.WriteWindowUpdate(0, 1<<20))
	noError(t, p.WriteWindowUpdate(1, 1<<19))
	got += p.receive(1 << 19)
	if want := 10_000 + 1234 + 10_000 + 1<<19; got != want {
		t.Errorf("%d bytes came, expected %d", got, want)
	}
	noError(t, p.WriteRSTStream(1, http2.ErrCodeCancel))
	p.answers()
}

func (p *rawPeer) set(id http2.SettingID, value uint32) {
	p.t.Helper()
	noError(p.t, p.WriteSettings(http2.Setting{ID: id, Val: value}))
	p.until("the confirmation", func(f http2.Frame) bool {
		s, ok := f.(*http2.SettingsFrame)
		return ok && s.IsAck()
	})
}

// receive reads that many bytes of stream 1, and fails if more come before a
// ping's answer.
func (p *rawPeer) receive(n int) int {
	p.t.Helper()
	got := 0
	count := func(f http2.Frame) {
		if data, ok := f.(*http2.DataFrame); ok {
			got += len(data.Data())
		}
	}
	p.until(strconv.Itoa(n)+" bytes", func(f http2.Frame) bool { count(f); return got >= n })
	noError(p.t, p.WritePing(false, [8]byte{1}))
	p.until("the ping", func(f http2.Frame) bool {
		count(f)
		ping, ok := f.(*http2.PingFrame)
		return ok && ping.IsAck()
	})
	if got != n {
		p.t.Fatalf("%d bytes came, %d were allowed", got, n)
	}
	return got
}

// TestMemory passes a message of 256 MB on in little memory.
func TestMemory(t *testing.T) {
	if runtime.GOOS != "linux" || testing.Short() {
		t.Skip("it reads /proc, and takes a while")
	}
	if raceEnabled {
		t.Skip("the race detector has memory of its own")
	}
	dir := shortTemp(t)
	cmd := begin(t, "switch", dir+"/s", dir+"/c")
	listener := listen(t, dir+"/c")
	child := server()
	var serving sync.WaitGroup
	serving.Go(func() { _ = child.Serve(listener) })
	defer serving.Wait()
	defer child.Stop()
	first, err := knock(t.Context(), dir+"/s")
	noError(t, err)
	_ = first.Close()
	echo := testpb.NewEchoClient(dial(t, dir+"/s"))
	for range 100 {
		_, err := echo.Unary(within(t), &testpb.Message{Payload: make([]byte, 1000)})
		noError(t, err)
	}
	before := peak(t, cmd.Process.Pid)
	m, err := echo.Unary(t.Context(), &testpb.Message{Payload: make([]byte, 256_000_000)})
	noError(t, err)
	after := peak(t, cmd.Process.Pid)
	t.Logf("%d kB before, %d kB after", before, after)
	if len(m.GetPayload()) != 256_000_000 || after-before > 8<<10 {
		t.Errorf("it took %d kB more", after-before)
	}
}

// peak is the most memory that a process has had, in kB.
func peak(t testing.TB, pid int) int {
	t.Helper()
	text, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/status")
	noError(t, err)
	_, rest, _ := strings.Cut(string(text), "VmHWM:")
	kb, err := strconv.Atoi(strings.Fields(rest)[0])
	noError(t, err)
	return kb
}

// TestLargeHeaders is about header lists beyond limits.
func TestLargeHeaders(t *testing.T) {
	r := newRig(t)
	r.child(grpc.MaxHeaderListSize(40_000))
	echo := testpb.NewEchoClient(r.dial())
	with := func(size int) context.Context {
		return metadata.AppendToOutgoingContext(within(t), "x-large", strings.Repeat("v", size))
	}
	_, err := echo.Unary(with(30_000), &testpb.Message{})
	noError(t, err)
	_, err = echo.Unary(with(50_000), &testpb.Message{})
	wantCode(t, err, codes.ResourceExhausted, "40000 at most")
	small := testpb.NewEchoClient(r.dial(grpc.WithMaxHeaderListSize(20_000)))
	_, err = small.Unary(with(30_000), &testpb.Message{})
	wantCode(t, err, codes.ResourceExhausted, "20000 at most")
	_, err = small.Unary(with(10_000), &testpb.Message{})
	noError(t, err)
	p := r.rawHost()
	var block []byte
	for range 20 {
		block = append(block, p.block("x-large", strings.Repeat("v", 64<<10))...)
	}
	block = append(p.block(request(callPath)...), block...)
	go func() {
		_ = p.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: block[:maxFrame]})
		for block = block[maxFrame:]; len(block) > maxFrame; block = block[maxFrame:] {
			_ = p.WriteContinuation(1, false, block[:maxFrame])
		}
		_ = p.WriteContinuation(1, true, block)
	}()
	p.until("goaway, or an answer", func(f http2.Frame) bool {
		return f.Header().Type == http2.FrameGoAway || f.Header().StreamID == 1 && f.Header().Type == http2.FrameRSTStream
	})
}

// TestFarewell is the local server's graceful end as the host sees it.
func TestFarewell(t *testing.T) {
	r := newRig(t)
	r.child()
	p := r.rawHost()
	p.answers()
	p.headers(1003, false, request("/"+testpb.Echo_ServiceDesc.ServiceName+"/Bidi")...)
	var stopping sync.WaitGroup
	stopping.Go(r.local.GracefulStop)
	first := p.until("goaway", isKind(http2.FrameGoAway)).(*http2.GoAwayFrame)
	if first.LastStreamID != maxStreamID || first.ErrCode != 0 {
		t.Errorf("got %v", first)
	}
	// Until answers the ping that comes with it.
	last := p.until("the last goaway", isKind(http2.FrameGoAway)).(*http2.GoAwayFrame)
	if last.LastStreamID != 1003 || last.ErrCode != 0 {
		t.Errorf("got %v", last)
	}
	p.headers(1005, true, request("/"+testpb.Echo_ServiceDesc.ServiceName+"/Bidi")...)
	reset := p.until("reset", isKind(http2.FrameRSTStream)).(*http2.RSTStreamFrame)
	if reset.StreamID != 1005 || reset.ErrCode != http2.ErrCodeRefusedStream {
		t.Errorf("got %v", reset)
	}
	noError(t, p.WriteData(1003, true, nil))
	p.until("the end of 1003", func(f http2.Frame) bool {
		h, ok := f.(*http2.HeadersFrame)
		return ok && h.StreamID == 1003 && h.StreamEnded()
	})
	stopping.Wait()
	noError(t, r.served())
}
