package services

import (
	"io"
	"sync"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/types/known/emptypb"

	"github.com/pyvider/rpcplugin/proto/pluginpb"
)

const (
	// stdioChunk is the most bytes that one message carries. With its frame it
	// fits the 32 KiB buffers of gRPC's pool; the next larger ones are of 1 MiB,
	// and zeroed for every message at both ends.
	stdioChunk = 32<<10 - 64
	// stdioReplay is how many bytes are kept for a host that subscribes late.
	stdioReplay = 1 << 20
	// stdioChunkCost is what keeping a chunk costs besides its bytes, so that
	// many short writes are bounded as well as few long ones.
	stdioChunkCost = 128
)

// Stdio is the plugin's half of the stdio service: what is written to Stdout
// and Stderr reaches every host that subscribes.
//
// A write never blocks. The last 1 MiB is kept and replayed to a host that
// subscribes later; what a subscriber was too slow to take is dropped for it
// and counted. The zero value is not usable, see NewStdio.
type Stdio struct {
	pluginpb.UnimplementedGRPCStdioServer

	opened onceSignal // a host has subscribed

	mu      sync.Mutex
	chunks  []*pluginpb.StdioData // the replay buffer, oldest first
	first   uint64                // sequence number of chunks[0]
	cost    int                   // of all chunks
	hosts   map[*cursor]struct{}  // the subscriptions there are
	taken   uint64                // all below this sequence number had a taker
	dropped uint64                // bytes
	closed  bool
	changed chan struct{} // closed and forgotten at a change; nil when nobody waits
}

// cursor is how far a subscription is: the sequence number it takes next.
type cursor struct{ next uint64 }

// NewStdio returns an empty Stdio. Its owner calls Close when the plugin stops.
func NewStdio() *Stdio {
	return &Stdio{opened: newOnceSignal(), hosts: make(map[*cursor]struct{})}
}

// Register adds the service to r under its name on the wire.
func (s *Stdio) Register(r grpc.ServiceRegistrar) {
	r.RegisterService(onWire.ServiceDesc(pluginpb.GRPCStdio_ServiceDesc), s)
}

// Stdout returns the writer whose bytes a host sees as the plugin's stdout.
// Writes never fail before Close, and fail with io.ErrClosedPipe after it.
func (s *Stdio) Stdout() io.Writer {
	return stdioWriter{stdio: s, channel: pluginpb.StdioData_STDOUT}
}

// Stderr is like Stdout, for the plugin's stderr.
func (s *Stdio) Stderr() io.Writer {
	return stdioWriter{stdio: s, channel: pluginpb.StdioData_STDERR}
}

// Opened is closed once a host has subscribed.
func (s *Stdio) Opened() <-chan struct{} { return s.opened.done }

// Dropped returns how many bytes left the replay buffer before a subscriber
// had taken them, or before there was one.
func (s *Stdio) Dropped() uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.dropped
}

// Close ends every subscription once it has been sent what there is.
// It may be called more than once.
func (s *Stdio) Close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	s.wake()
}

// wake tells the subscriptions that wait of a change; it needs s.mu.
func (s *Stdio) wake() {
	if s.changed != nil {
		close(s.changed)
		s.changed = nil
	}
}

// StreamStdio serves one subscription; gRPC calls it.
func (s *Stdio) StreamStdio(_ *emptypb.Empty, stream grpc.ServerStreamingServer[pluginpb.StdioData]) error {
	host := s.subscribe()
	defer s.unsubscribe(host)
	s.opened.fire()
	for {
		chunks, changed := s.after(host)
		for _, chunk := range chunks {
			if err := stream.Send(chunk); err != nil {
				return err
			}
		}
		if len(chunks) > 0 {
			continue
		}
		if changed == nil {
			return nil
		}
		select {
		case <-changed:
		case <-stream.Context().Done():
			return nil
		}
	}
}

func (s *Stdio) subscribe() *cursor {
	s.mu.Lock()
	defer s.mu.Unlock()
	host := &cursor{next: s.first}
	s.hosts[host] = struct{}{}
	return host
}

func (s *Stdio) unsubscribe(host *cursor) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.hosts, host)
}

// after returns the chunks that host has not taken yet, and moves it behind
// them. With none, it returns the channel that is closed when there is news,
// or nil when there will be none.
func (s *Stdio) after(host *cursor) ([]*pluginpb.StdioData, <-chan struct{}) {
	s.mu.Lock()
	defer s.mu.Unlock()
	start, end := max(host.next, s.first), s.first+uint64(len(s.chunks))
	host.next = end
	s.taken = max(s.taken, end)
	if start < end {
		return append([]*pluginpb.StdioData(nil), s.chunks[start-s.first:]...), nil
	}
	if s.closed {
		return nil, nil
	}
	if s.changed == nil {
		s.changed = make(chan struct{})
	}
	return nil, s.changed
}

func (s *Stdio) write(channel pluginpb.StdioData_Channel, data []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return 0, io.ErrClosedPipe
	}
	for rest := data; len(rest) > 0 && !s.join(channel, rest); {
		n := min(len(rest), stdioChunk)
		s.chunks = append(s.chunks, &pluginpb.StdioData{Channel: channel, Data: append([]byte(nil), rest[:n]...)})
		s.cost += n + stdioChunkCost
		rest = rest[n:]
	}
	for s.cost > stdioReplay && len(s.chunks) > 1 {
		old := s.chunks[0]
		if s.missed(s.first) {
			s.dropped += uint64(len(old.GetData()))
		}
		s.chunks[0] = nil
		s.chunks = s.chunks[1:]
		s.first++
		s.cost -= len(old.GetData()) + stdioChunkCost
	}
	s.wake()
	return len(data), nil
}

// join adds data to the newest chunk, if that has room for all of it and nobody
// has taken it: many short writes then are one message. It needs s.mu.
func (s *Stdio) join(channel pluginpb.StdioData_Channel, data []byte) bool {
	newest := len(s.chunks) - 1
	if newest < 0 || s.first+uint64(newest) < s.taken {
		return false
	}
	chunk := s.chunks[newest]
	if chunk.GetChannel() != channel || len(chunk.GetData())+len(data) > stdioChunk {
		return false
	}
	chunk.Data = append(chunk.Data, data...)
	s.cost += len(data)
	return true
}

// missed reports whether nobody has taken the chunk of a sequence number, or a
// host that is subscribed has not.
func (s *Stdio) missed(number uint64) bool {
	if number >= s.taken {
		return true
	}
	for host := range s.hosts {
		if host.next <= number {
			return true
		}
	}
	return false
}

type stdioWriter struct {
	stdio   *Stdio
	channel pluginpb.StdioData_Channel
}

func (w stdioWriter) Write(data []byte) (int, error) { return w.stdio.write(w.channel, data) }
