package server

import (
	"context"
	"io"
	"os"
	"slices"
	"sync"
	"time"

	"github.com/pyvider/rpcplugin/pkg/transport"
)

// abandonWait is how long calls that were cut off may take to notice.
const abandonWait = 250 * time.Millisecond

// Run prints the handshake line and serves until the host's Shutdown, Stop,
// the end of ctx, or the end of the host, then stops: new calls are refused,
// running ones get the grace, everything is cleaned up. All these ends are nil;
// the error is an *Error. Run is called once.
func (s *Server) Run(ctx context.Context) error {
	defer s.Close()
	served := make(chan error, 1)
	go func() { served <- s.serve() }()
	if err := s.print(); err != nil {
		s.Close()
		<-served
		return &Error{Reason: ReasonLine, Err: err}
	}
	var watching sync.WaitGroup
	defer watching.Wait()
	ended := make(chan struct{})
	defer close(ended)
	watching.Go(func() { s.watchHost(ended) })
	watching.Go(func() { s.tidy(ended) })
	select {
	case err := <-served:
		s.Stop()
		if err != nil {
			return &Error{Reason: ReasonServe, Err: err}
		}
		s.drain()
		return nil
	case <-ctx.Done():
		s.Stop()
	case <-s.stop:
	}
	s.drain()
	s.Close()
	select {
	case <-served:
	case <-time.After(abandonWait): // a call was left behind
	}
	return nil
}

// print writes the handshake line in one piece.
func (s *Server) print() error {
	line, err := s.line.Format()
	if err != nil {
		return err
	}
	s.cfg.Logger.Debug("listening for the host", "network", s.line.Network, "address", s.line.Address,
		"app_version", s.line.AppVersion, "tls", s.tls.server != nil)
	_, err = io.WriteString(s.cfg.Stdout, line+"\n")
	return err
}

// drain ends the gRPC server: gracefully within the grace, then at once.
func (s *Server) drain() {
	s.stdio.Close()
	s.broker.Close()
	s.health.Close()
	drained := make(chan struct{})
	go func() {
		defer close(drained)
		s.grpc.GracefulStop()
	}()
	grace := time.NewTimer(s.cfg.Grace)
	defer grace.Stop()
	select {
	case <-drained:
		return
	case <-grace.C:
		s.cfg.Logger.Warn("calls still run after the grace; they are cut off", "grace", s.cfg.Grace)
	case <-s.kill:
	}
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		s.grpc.Stop()
		<-drained // GracefulStop waits for every call, and Stop for none
	}()
	abandon := time.NewTimer(abandonWait)
	defer abandon.Stop()
	select {
	case <-stopped:
	case <-abandon.C:
		s.cfg.Logger.Warn("a call does not end though it was cut off; it is left behind")
	}
}

// tidy removes the socket file once the host is connected for good, and what
// dead plugins of this user left behind.
func (s *Server) tidy(ended <-chan struct{}) {
	for _, base := range slices.Compact([]string{s.env.SocketDir, ""}) {
		if removed, err := transport.Sweep(base); removed > 0 || err != nil {
			s.cfg.Logger.Debug("removed what dead plugins left behind", "directories", removed, "error", err)
		}
	}
	if s.cfg.KeepSocket {
		return
	}
	select {
	case <-s.stdio.Opened():
	case <-s.broker.Opened():
	case <-ended:
		return
	}
	if err := s.listener.Unlink(); err != nil {
		s.cfg.Logger.Debug("removing the socket file", "error", err)
	}
}

// watchHost asks for a stop when the host is gone: when the other end of our
// stdout is closed, or the process that started us has ended.
func (s *Server) watchHost(ended <-chan struct{}) {
	if s.cfg.IgnoreHost {
		return
	}
	stdout, _ := s.cfg.Stdout.(*os.File)
	if waitHost(s.parent, stdout, ended) {
		s.cfg.Logger.Info("the host is gone; stopping")
		s.Stop()
	}
}
