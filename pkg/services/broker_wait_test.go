package services_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pyvider/rpcplugin/pkg/services"
	"github.com/pyvider/rpcplugin/pkg/transport"
	"github.com/pyvider/rpcplugin/proto/pluginpb"
)

func TestBrokerDialWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		broker := lonely(t)
		_, took, err := dial(t.Context(), broker, 1)
		timeout := wantReason(t, err, services.BrokerTimeout, 1)
		if took != wait {
			t.Errorf("waited %s without a stream, expected %s", took, wait)
		}
		if timeout.Hint() == "" || errors.Is(err, context.Canceled) {
			t.Errorf("error %v, hint %q", err, timeout.Hint())
		}

		peer := join(t, broker)
		time.AfterFunc(wait-time.Millisecond, func() {
			peer.says <- &pluginpb.ConnInfo{ServiceId: 2, Network: "unix", Address: "/late"}
		})
		if where, _, err := dial(t.Context(), broker, 2); where != "/late" {
			t.Errorf("dialed %q, %v, expected what was announced just in time", where, err)
		}

		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, took, err = dial(ctx, broker, 3)
		if !errors.Is(err, context.DeadlineExceeded) || took != time.Second {
			t.Errorf("after %s: %v, expected the caller's deadline", took, err)
		}
	})
}

func TestBrokerAnnouncementsExpire(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		broker := lonely(t)
		peer := join(t, broker)
		peer.announce(1, "/kept")
		peer.announce(2, "/stale")
		time.Sleep(wait - time.Millisecond)
		if where, took, err := dial(t.Context(), broker, 1); where != "/kept" || took != 0 {
			t.Errorf("dialed %q, %v after %s", where, err, took)
		}
		time.Sleep(2 * time.Millisecond)
		_, _, err := dial(t.Context(), broker, 2)
		wantReason(t, err, services.BrokerTimeout, 2)
		// One that was dialed is used up, and can be made anew.
		_, _, err = dial(t.Context(), broker, 1)
		wantReason(t, err, services.BrokerTimeout, 1)
		peer.announce(1, "/anew")
		if where, _, err := dial(t.Context(), broker, 1); where != "/anew" {
			t.Errorf("dialed %q, %v", where, err)
		}
	})
}

func TestBrokerAnnouncedTwice(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		broker := lonely(t)
		peer := join(t, broker)
		peer.announce(1, "/first")
		peer.announce(1, "/second")
		if where, _, err := dial(t.Context(), broker, 1); where != "/first" {
			t.Errorf("dialed %q, %v, expected the first", where, err)
		}
	})
}

func TestBrokerTwoDialsOfOneID(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		broker := lonely(t)
		peer := join(t, broker)
		impatient, giveUp := context.WithCancel(t.Context())
		gone, found := make(chan error, 1), make(chan string, 1)
		go func() {
			_, _, err := dial(impatient, broker, 1)
			gone <- err
		}()
		go func() {
			where, _, _ := dial(t.Context(), broker, 1)
			found <- where
		}()
		synctest.Wait()
		giveUp()
		if err := <-gone; !errors.Is(err, context.Canceled) {
			t.Errorf("gave up with %v", err)
		}
		peer.announce(1, "/here")
		if where := <-found; where != "/here" {
			t.Errorf("the one that still waited was led to %q", where)
		}
	})
}

func TestBrokerBoundsAnnouncements(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const most = 4096
		broker := lonely(t)
		peer := join(t, broker)
		for id := range uint32(most + 100) {
			peer.says <- &pluginpb.ConnInfo{ServiceId: id, Network: "unix", Address: fmt.Sprint("/", id)}
		}
		synctest.Wait()
		if where, _, err := dial(t.Context(), broker, most-1); where != fmt.Sprint("/", most-1) {
			t.Errorf("dialed %q, %v", where, err)
		}
		_, _, err := dial(t.Context(), broker, most)
		wantReason(t, err, services.BrokerTimeout, most)
		peer.announce(most, "/room again") // the others have expired
		if where, took, err := dial(t.Context(), broker, most); where != "/room again" || took != 0 {
			t.Errorf("dialed %q, %v after %s", where, err, took)
		}
	})
}

func TestBrokerPassesOverKnocks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		broker := lonely(t)
		peer := join(t, broker)
		peer.says <- &pluginpb.ConnInfo{ServiceId: 1, Knock: &pluginpb.ConnInfo_Knock{Knock: true}}
		_, _, err := dial(t.Context(), broker, 1)
		wantReason(t, err, services.BrokerTimeout, 1)
	})
}

func TestBrokerBadAddresses(t *testing.T) {
	for _, bad := range []*pluginpb.ConnInfo{
		{},
		{Network: "unix"},
		{Network: "tcp"},
		{Network: "tcp", Address: "127.0.0.1"},
		{Network: "tcp", Address: "127.0.0.1:0"},
		{Network: "tcp", Address: "/a/path"},
		{Network: "unix", Address: "127.0.0.1:1234"},
		{Network: "unix", Address: "/a\x00b"},
		{Network: "udp", Address: "127.0.0.1:1234"},
		{Network: "", Address: "/a/path"},
	} {
		t.Run(bad.GetNetwork()+" "+bad.GetAddress(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				broker := lonely(t)
				peer := join(t, broker)
				bad.ServiceId = 6
				peer.says <- bad
				_, took, err := dial(t.Context(), broker, 6)
				wantReason(t, err, services.BrokerAddress, 6)
				if took != 0 {
					t.Errorf("took %s", took)
				}
			})
		})
	}
}

func TestBrokerAcceptWithoutAStream(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var socket string
		inner := listenUnix(t.TempDir())
		broker := services.NewBroker(services.BrokerConfig{Listen: func(ctx context.Context) (*transport.Listener, error) {
			listener, err := inner(ctx)
			if err == nil {
				socket = listener.Endpoint().Address
			}
			return listener, err
		}})
		defer broker.Close()
		began := time.Now()
		_, err := broker.Accept(t.Context(), 8)
		failed := wantReason(t, err, services.BrokerAnnounce, 8)
		if took := time.Since(began); took != wait || failed.Hint() == "" {
			t.Errorf("after %s, hint %q", took, failed.Hint())
		}
		if _, err := os.Stat(socket); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("the socket: %v, expected it to be gone", err)
		}

		// A stream that comes in time is waited for.
		joined := make(chan *peer, 1)
		time.AfterFunc(wait/2, func() { joined <- join(t, broker) })
		listener, err := broker.Accept(t.Context(), 9)
		noError(t, err)
		defer listener.Close()
		if said := <-(<-joined).hears; said.GetServiceId() != 9 || said.GetAddress() != socket || said.GetNetwork() != "unix" {
			t.Errorf("announced %v, expected id 9 at %s", said, socket)
		}
	})
}

func TestBrokerCannotListen(t *testing.T) {
	broker := services.NewBroker(services.BrokerConfig{Listen: func(context.Context) (*transport.Listener, error) {
		return nil, errRefused
	}})
	_, err := broker.Accept(t.Context(), 5)
	wantReason(t, err, services.BrokerListen, 5)
	if !errors.Is(err, errRefused) {
		t.Errorf("%v does not wrap its cause", err)
	}
	if err := broker.Serve(t.Context(), 5, registerEcho); !errors.Is(err, errRefused) {
		t.Errorf("Serve: %v", err)
	}
}

func TestBrokerCloseEndsTheWaiting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		broker := lonely(t)
		dialing, accepting := make(chan error, 1), make(chan error, 1)
		go func() { _, _, err := dial(t.Context(), broker, 1); dialing <- err }()
		go func() { _, err := broker.Accept(t.Context(), 2); accepting <- err }()
		synctest.Wait()
		began := time.Now()
		broker.Close()
		wantReason(t, <-dialing, services.BrokerClosed, 1)
		wantReason(t, <-accepting, services.BrokerClosed, 2)
		_, _, err := dial(t.Context(), broker, 3)
		wantReason(t, err, services.BrokerClosed, 3)
		_, err = broker.Accept(t.Context(), 4)
		wantReason(t, err, services.BrokerClosed, 4)
		if took := time.Since(began); took != 0 {
			t.Errorf("took %s", took)
		}
	})
}

func TestBrokerCloseWithAStream(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		broker := lonely(t)
		peer := join(t, broker)
		peer.announce(1, "/there")
		broker.Close()
		noError(t, <-peer.ended)
		synctest.Wait()
		_, _, err := dial(t.Context(), broker, 1)
		wantReason(t, err, services.BrokerClosed, 1)
		_, err = broker.Accept(t.Context(), 2)
		wantReason(t, err, services.BrokerClosed, 2)
	})
}

func TestBrokerStreamLostAndBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		broker := lonely(t)
		first := join(t, broker)
		first.announce(1, "/before")
		close(first.says)
		noError(t, <-first.ended)
		synctest.Wait()
		if where, _, err := dial(t.Context(), broker, 1); where != "/before" {
			t.Errorf("dialed %q, %v, expected what was announced before the loss", where, err)
		}
		_, err := broker.Accept(t.Context(), 2)
		wantReason(t, err, services.BrokerAnnounce, 2)

		second := join(t, broker)
		listener, err := broker.Accept(t.Context(), 3)
		noError(t, err)
		defer listener.Close()
		if said := <-second.hears; said.GetServiceId() != 3 {
			t.Errorf("announced %v on the new stream", said)
		}
		second.announce(4, "/after")
		if where, _, err := dial(t.Context(), broker, 4); where != "/after" {
			t.Errorf("dialed %q, %v", where, err)
		}
	})
}
