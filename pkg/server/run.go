package server

import (
	"context"
	"io"
	"os"
	"slices"
	"sync"
	"time"

	"github.com/pyvider/rpcplugin/internal/event"
	"github.com/pyvider/rpcplugin/pkg/transport"
)

// sweepDelay keeps the search for left-overs out of a host's first calls.
const sweepDelay = time.Second

// abandonWait is how long calls that were cut off may take to notice.
const abandonWait = 250 * time.Millisecond

// Run prints the handshake line and serves until the host's Shutdown, Stop,
// the end of ctx, or the end of the host, then stops: new calls are refused,
// running ones get the grace, everything is cleaned up. All these ends are nil;
// the error is an *Error. Run is called once; after Stop or Close it prints
// nothing.
func (s *Server) Run(ctx context.Context) error {
	defer s.Close()
	if s.stopped() { // before it began: nobody is to dial
		return nil
	}
	if err := s.capture(); err != nil { // before anybody else runs
		return err
	}
	defer s.captured.restore()
	defer s.obeySignals()()
	carried, cut := context.WithCancel(context.WithoutCancel(ctx))
	defer cut()
	served := make(chan error, 1)
	go func() {
		defer close(served)
		served <- s.serve(carried)
	}()
	if err := s.print(); err != nil {
		s.Close()
		cut()
		<-served
		return &Error{Reason: ReasonLine, Err: err}
	}
	var watching sync.WaitGroup
	defer watching.Wait()
	alone := make(chan struct{})
	watching.Go(s.watchHost) // these end with the stop
	watching.Go(s.watchFile)
	watching.Go(func() { s.awaitHost(alone) })
	watching.Go(s.tidy)
	var failed error
	select {
	case err := <-served:
		if err != nil && !s.stopped() {
			failed = &Error{Reason: ReasonServe, Err: err}
		}
	case <-alone:
		failed = s.errNoHost()
	case <-ctx.Done():
	case <-s.stop:
	}
	s.Stop()
	s.drain(cut)
	s.Close()
	select {
	case <-served:
	case <-time.After(abandonWait): // a call was left behind
	}
	return failed
}

// stopped reports whether a stop was asked for.
func (s *Server) stopped() bool {
	select {
	case <-s.stop:
		return true
	default:
		return false
	}
}

// print writes the handshake line in one piece.
func (s *Server) print() error {
	line, err := s.line.Format()
	if err != nil {
		return err
	}
	s.cfg.log.Debug("listening for the host", event.OK(event.Socket, event.Listen), "network", s.line.Network, "address", s.line.Address,
		"app_version", s.line.AppVersion, "tls", s.tls.server != nil)
	_, err = io.WriteString(s.cfg.Stdout, line+"\n")
	return err
}

// drain ends the gRPC server and what Carry does: gracefully within the grace,
// then at once, with cut.
func (s *Server) drain(cut context.CancelFunc) {
	s.carriage.refuse()
	var cleaning sync.WaitGroup
	defer cleaning.Wait()
	cleaning.Go(s.closeSockets)
	s.captured.flush()
	s.stdio.Close()
	s.broker.Close()
	s.health.Close()
	drained := make(chan struct{})
	go func() {
		defer close(drained)
		s.grpc.GracefulStop()
		s.carriage.wait()
	}()
	grace := time.NewTimer(s.cfg.Grace)
	defer grace.Stop()
	select {
	case <-drained:
		return
	case <-grace.C:
		s.cfg.log.Warn("calls still run after the grace; they are cut off", event.TimedOut(event.Call, event.Stop), "grace", s.cfg.Grace)
	case <-s.kill:
	}
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		cut()
		s.grpc.Stop()
		<-drained // GracefulStop waits for every call, and Stop for none
	}()
	abandon := time.NewTimer(abandonWait)
	defer abandon.Stop()
	select {
	case <-stopped:
	case <-abandon.C:
		s.cfg.log.Warn("a call does not end though it was cut off; it is left behind", event.TimedOut(event.Call, event.Stop))
	}
}

// tidy removes the socket file once the host is connected for good, and what
// dead plugins of this user left behind.
func (s *Server) tidy() {
	select {
	case <-s.stdio.Opened():
	case <-s.broker.Opened():
	case <-s.stop:
		return
	}
	if !s.cfg.KeepSocket {
		if err := s.listener.Unlink(); err != nil {
			s.cfg.log.Debug("removing the socket file", event.Failed(event.Socket, event.Clean), "error", err)
		}
	}
	settled := time.NewTimer(sweepDelay)
	defer settled.Stop()
	select {
	case <-settled.C:
	case <-s.stop:
		return
	}
	for _, base := range slices.Compact([]string{s.env.SocketDir, ""}) {
		if removed, err := transport.Sweep(base); removed > 0 || err != nil {
			s.cfg.log.Debug("removed what dead plugins left behind", event.Tried(event.Socket, event.Clean, err), "directories", removed, "error", err)
		}
	}
}

// watchHost asks for a stop when the host is gone: when the other end of our
// stdout is closed, or the process that started us has ended.
func (s *Server) watchHost() {
	if s.cfg.IgnoreHost {
		return
	}
	stdout, _ := s.cfg.Stdout.(*os.File)
	if waitHost(s.parent, stdout, s.stop) {
		s.cfg.log.Info("the host is gone; stopping", event.OK(event.Host, event.End))
		s.Stop()
	}
}
