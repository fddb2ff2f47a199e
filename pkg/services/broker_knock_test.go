package services_test

import (
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"runtime"
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/connectivity"

	"github.com/pyvider/rpcplugin/pkg/services"
	"github.com/pyvider/rpcplugin/pkg/transport"
	"github.com/pyvider/rpcplugin/proto/pluginpb"
)

// The peer expects a stream for every answer, also for one that comes when its
// dial was given up. Otherwise the next dial would reach the wrong service.
func TestMuxBrokerLateAnswer(t *testing.T) {
	for name, during := range map[string]bool{"between two dials": false, "during the next dial": true} {
		t.Run(name, func(t *testing.T) {
			broker, far, p := alone(t, time.Hour)
			one, two := muxListener(t, far, 1), muxListener(t, far, 2)
			ctx, giveUp := context.WithCancel(t.Context())
			first := dialing(ctx, broker, 1)
			p.sees(t, 1, false)
			giveUp()
			err := receive(t, "the end of Dial", first).err
			wantReason(t, err, services.BrokerTimeout, 1)
			if !errors.Is(err, context.Canceled) {
				t.Errorf("error %v does not wrap the caller's", err)
			}
			noError(t, far.Expect(1))
			var second <-chan dialed
			if during {
				second = dialing(soon(t), broker, 2)
				p.sees(t, 2, false)
				p.says <- acks(1, "")
			} else {
				p.says <- acks(1, "")
				second = dialing(soon(t), broker, 2)
				p.sees(t, 2, false)
			}
			noError(t, far.Expect(2))
			p.says <- acks(2, "")
			got := receive(t, "the end of Dial", second)
			noError(t, got.err)
			defer got.conn.Close()
			if text := arrives(t, one); text != "" {
				t.Errorf("the service that was given up on got %q, expected an empty stream", text)
			}
			if text := arrives(t, two); text != "PRI" {
				t.Errorf("the dialed service got %q, expected gRPC", text)
			}
		})
	}
}

// A late refusal is followed by no stream.
func TestMuxBrokerLateRefusal(t *testing.T) {
	broker, far, p := alone(t, time.Hour)
	ctx, giveUp := context.WithCancel(t.Context())
	first := dialing(ctx, broker, 1)
	p.sees(t, 1, false)
	giveUp()
	receive(t, "the end of Dial", first)
	p.says <- acks(1, "nobody")
	second := dialing(soon(t), broker, 2)
	p.sees(t, 2, false)
	listener := muxListener(t, far, 2)
	noError(t, far.Expect(2))
	p.says <- acks(2, "")
	got := receive(t, "the end of Dial", second)
	noError(t, got.err)
	defer got.conn.Close()
	if text := arrives(t, listener); text != "PRI" {
		t.Errorf("the dialed service got %q, expected gRPC", text)
	}
}

// The answer and the end of the dial's context come at once, over and over.
func TestMuxBrokerAnswerRacesItsDial(t *testing.T) {
	broker, far, p := alone(t, time.Hour)
	for id := uint32(1); id <= 300; id++ {
		listener := muxListener(t, far, id)
		ctx, giveUp := context.WithCancel(t.Context())
		result := dialing(ctx, broker, id)
		p.sees(t, id, false)
		noError(t, far.Expect(id))
		go giveUp()
		p.says <- acks(id, "")
		text := arrives(t, listener) // an answer that was lost would leave the next id without
		if got := receive(t, "the end of Dial", result); got.err == nil {
			_ = got.conn.Close()
		} else if text != "" {
			t.Fatalf("a dial that failed with %v sent %q", got.err, text)
		}
	}
}

// The answer and the end of the dial's context are both there when the dial
// looks: its stream is either its own or ends.
func TestMuxBrokerAnswerAndEndAtOnce(t *testing.T) {
	broker, far, p := alone(t, time.Hour)
	p.hears = make(chan *pluginpb.ConnInfo) // the knock is under way until it is taken
	for id := uint32(1); id <= 30; id++ {
		listener := muxListener(t, far, id)
		noError(t, far.Expect(id))
		ctx, giveUp := context.WithCancel(t.Context())
		result := dialing(ctx, broker, id)
		came := make(chan net.Conn, 1)
		go func() {
			stream, err := listener.Accept()
			if err != nil {
				t.Error(err)
			}
			came <- stream
		}()
		for len(came) == 0 { // ignored until the dial has asked
			p.says <- acks(id, "")
			runtime.Gosched()
		}
		giveUp()
		p.sees(t, id, false)
		got := receive(t, "the end of Dial", result)
		stream := <-came
		noError(t, stream.SetReadDeadline(time.Now().Add(patience)))
		if got.err == nil {
			_ = got.conn.Close()
		} else if _, err := stream.Read(make([]byte, 1)); !errors.Is(err, io.EOF) {
			t.Fatalf("the stream of a dial that failed reads %v, expected its end", err)
		}
		_ = stream.Close()
	}
}

// Dials that are given up, early knocks and proper dials, in both directions at
// once: whoever gets a connection has the service that it dialed.
func TestMuxBrokerNeverMixesUp(t *testing.T) {
	m := newMuxed(t, false, 0, 0)
	var working sync.WaitGroup
	for _, way := range []struct{ accepter, dialer *services.Broker }{{m.plugin, m.host}, {m.host, m.plugin}} {
		for range 40 {
			id := way.accepter.NextID()
			serving, stop := context.WithCancel(soon(t))
			accept, once := make(chan struct{}), new(sync.Once)
			working.Go(func() {
				<-accept
				if err := way.accepter.Serve(serving, id, named{id: id}.register); err != nil {
					t.Errorf("serve %d: %v", id, err)
				}
			})
			working.Go(func() {
				defer stop()
				for range 2 { // given up on, in the middle of anything
					ctx, cancel := context.WithTimeout(serving, time.Duration(rand.Int64N(int64(3*time.Millisecond))))
					if conn, err := way.dialer.Dial(ctx, id); err == nil {
						reaches(t, conn, id)
						_ = conn.Close()
					}
					cancel()
					once.Do(func() { close(accept) })
				}
				conn, err := way.dialer.Dial(serving, id)
				if err != nil {
					t.Errorf("dial %d: %v", id, err)
					return
				}
				defer conn.Close()
				reaches(t, conn, id)
			})
		}
	}
	working.Wait()
}

func TestMuxBrokerRedials(t *testing.T) {
	m := newMuxed(t, true, 0, 0)
	streams := make(chan net.Conn, 10)
	listener, err := m.plugin.Accept(soon(t), 4)
	noError(t, err)
	server := grpc.NewServer(grpc.Creds(m.serverCreds))
	named{id: 4}.register(server)
	var serving sync.WaitGroup
	serving.Go(func() { _ = server.Serve(tapped{listener, streams}) })
	defer serving.Wait()
	defer server.Stop()
	conn, err := m.host.Dial(soon(t), 4)
	noError(t, err)
	defer conn.Close()
	for range 3 {
		reaches(t, conn, 4)
		_ = receive(t, "a stream", streams).Close()
		if !conn.WaitForStateChange(soon(t), connectivity.Ready) { // a call before that is lost with it
			t.Fatal("the loss was not noticed")
		}
	}
}

// tapped hands out what its server accepts.
type tapped struct {
	net.Listener

	conns chan<- net.Conn
}

func (l tapped) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if err == nil {
		l.conns <- conn
	}
	return conn, err
}

func TestMuxBrokerEndsDuringAKnock(t *testing.T) {
	for name, test := range map[string]struct {
		end  func(*muxed)
		want services.BrokerReason
	}{
		"its Close":               {func(m *muxed) { m.host.Close() }, services.BrokerClosed},
		"the session":             {func(m *muxed) { _ = m.hostMux.Close() }, services.BrokerConnect},
		"the peer's session":      {func(m *muxed) { _ = m.pluginMux.Close() }, services.BrokerConnect},
		"the peer's Close, alone": {func(m *muxed) { m.plugin.Close() }, services.BrokerTimeout},
	} {
		t.Run(name, func(t *testing.T) {
			wait := time.Hour
			if test.want == services.BrokerTimeout {
				wait = 200 * time.Millisecond
			}
			m := newMuxed(t, false, time.Hour, wait)
			result := dialing(soon(t), m.host, 5)
			services.AwaitEarly(m.plugin, 5)
			queued := dialing(soon(t), m.host, 6)
			test.end(m)
			wantReason(t, receive(t, "the end of Dial", result).err, test.want, 5)
			err := receive(t, "the end of the dial behind it", queued).err
			var typed *services.BrokerError
			if !errors.As(err, &typed) || typed.ID != 6 {
				t.Errorf("the dial behind it: %v", err)
			}
		})
	}
}

func TestMuxBrokerAfterItsEnd(t *testing.T) {
	m := newMuxed(t, false, 0, 0)
	m.host.Close()
	_, err := m.host.Accept(soon(t), 1)
	wantReason(t, err, services.BrokerClosed, 1)
	_, err = m.host.Dial(soon(t), 1)
	wantReason(t, err, services.BrokerClosed, 1)
	_ = m.pluginMux.Close()
	_, err = m.plugin.Accept(soon(t), 2)
	wantReason(t, err, services.BrokerListen, 2)
	_, err = m.plugin.Dial(soon(t), 2)
	wantReason(t, err, services.BrokerConnect, 2)
}

func TestMuxBrokerHostNeverComes(t *testing.T) {
	never := func(ctx context.Context) (*transport.Mux, error) {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	broker := services.NewBroker(services.BrokerConfig{Mux: never})
	services.SetKnockWait(broker, 20*time.Millisecond)
	_, err := broker.Accept(soon(t), 1)
	wantReason(t, err, services.BrokerListen, 1)
	_, err = broker.Dial(soon(t), 1)
	wantReason(t, err, services.BrokerTimeout, 1)
	services.SetKnockWait(broker, time.Hour)
	result := dialing(soon(t), broker, 2)
	broker.Close()
	wantReason(t, receive(t, "the end of Dial", result).err, services.BrokerClosed, 2)
}

func TestMuxBrokerAcceptsAnIDOnce(t *testing.T) {
	broker, _, _ := alone(t, time.Hour)
	listener, err := broker.Accept(soon(t), 1)
	noError(t, err)
	_, err = broker.Accept(soon(t), 1)
	wantReason(t, err, services.BrokerListen, 1)
	noError(t, listener.Close())
	again, err := broker.Accept(soon(t), 1)
	noError(t, err)
	noError(t, again.Close())
}

func TestMuxBrokerGarbage(t *testing.T) {
	const most, more = 4096, 904
	broker, far, p := alone(t, time.Hour)
	strays := make(chan int, 1)
	go func() { // far plays the plugin: a stream that nobody expects is main's
		count := 0
		for {
			conn, err := far.Main().Accept()
			if err != nil {
				strays <- count
				return
			}
			count++
			_ = conn.Close()
		}
	}()
	for _, garbage := range []*pluginpb.ConnInfo{
		{},
		{Knock: &pluginpb.ConnInfo_Knock{}},
		{Knock: &pluginpb.ConnInfo_Knock{Ack: true}},
		acks(1, ""), acks(1, ""), acks(0, "no"), acks(1<<32-1, ""),
		{ServiceId: 9, Network: "unix", Address: "/nowhere"},
	} {
		p.says <- garbage
	}
	for id := range uint32(most + more) {
		p.says <- knocks(id + 1)
		p.says <- knocks(id%most + 1) // again: it has its place
	}
	for id := range uint32(more) {
		if knock := p.sees(t, most+id+1, true); knock.GetError() == "" {
			t.Fatalf("id %d may be dialed, expected a refusal", most+id+1)
		}
	}
	listener, err := broker.Accept(soon(t), 17)
	noError(t, err)
	defer listener.Close()
	if knock := p.sees(t, 17, true); knock.GetError() != "" {
		t.Errorf("the early knock was refused: %q", knock.GetError())
	}
	stream, err := far.Open(soon(t))
	noError(t, err)
	_, err = io.WriteString(stream, "hey")
	noError(t, err)
	defer stream.Close()
	if text := arrives(t, listener); text != "hey" {
		t.Errorf("the early knock's stream begins with %q", text)
	}
	for i := range most + 1 { // streams that are asked for and never opened
		p.says <- knocks(17)
		if knock := p.sees(t, 17, true); (knock.GetError() == "") != (i < most) {
			t.Fatalf("knock %d: %q", i, knock.GetError())
		}
	}
	broker.Close()
	_ = far.Close()
	if count := receive(t, "the end of the session", strays); count != 0 {
		t.Errorf("%d streams for answers that nobody asked for, expected none", count)
	}
}

// FuzzBrokerMessages plays a peer that says anything, while the broker accepts
// one id and dials others. Each message is four bytes: kind, id, text, spare.
func FuzzBrokerMessages(f *testing.F) {
	f.Add([]byte{3, 1, 0, 0, 7, 2, 0, 0, 7, 2, 0, 0}, true)
	f.Add([]byte{3, 3, 0, 0, 3, 3, 0, 0, 7, 3, 1, 0, 1, 1, 0, 0, 5, 2, 0, 0}, true)
	f.Add([]byte{0, 1, 1, 0, 0, 2, 2, 0, 3, 2, 0, 0, 0, 2, 3, 0}, false)
	texts := []string{"", "/nowhere", "127.0.0.1:1", "unix", "tcp", "a\x00b", "\xff", "no"}
	f.Fuzz(func(t *testing.T, data []byte, multiplexed bool) {
		far, near := sessions(t)
		cfg := services.BrokerConfig{Listen: listenUnix(t.TempDir()), Connect: connectNowhere}
		if multiplexed {
			cfg.Mux = over(near)
		}
		broker := services.NewBroker(cfg)
		ctx, giveUp := context.WithCancel(t.Context())
		p := &peer{says: make(chan *pluginpb.ConnInfo), hears: make(chan *pluginpb.ConnInfo, len(data)+10), ended: make(chan error, 1), ctx: ctx, leave: giveUp}
		go func() { p.ended <- broker.StartStream(p) }()
		receive(t, "Opened", broker.Opened())
		listener, err := broker.Accept(soon(t), 1)
		noError(t, err)
		first, second := dialing(ctx, broker, 2), dialing(ctx, broker, 3)
		asked := 0
		for ; len(data) >= 4; data = data[4:] {
			kind, text := data[0], texts[data[2]%8]
			info := &pluginpb.ConnInfo{ServiceId: uint32(data[1] % 5)}
			if kind&1 != 0 {
				info.Knock = &pluginpb.ConnInfo_Knock{Knock: kind&2 != 0, Ack: kind&4 != 0, Error: text}
				if kind&6 == 2 {
					asked++
				}
			} else {
				info.Network, info.Address = texts[data[3]%8], text
			}
			p.says <- info
		}
		close(p.says)
		noError(t, receive(t, "the end of the stream", p.ended))
		giveUp()
		for _, result := range []<-chan dialed{first, second} {
			if got := receive(t, "the end of Dial", result); got.err == nil {
				_ = got.conn.Close()
			} else if typed := (*services.BrokerError)(nil); !errors.As(got.err, &typed) {
				t.Errorf("error %v is not typed", got.err)
			}
		}
		broker.Close()
		_ = listener.Close()
		_, _ = far.Close(), near.Close()
		if answers := len(p.hears); answers > asked+3 { // three are our own
			t.Errorf("said %d messages after %d knocks", answers, asked)
		}
	})
}

func connectNowhere(context.Context, transport.Endpoint) (net.Conn, error) { return nil, errRefused }
