package client

import (
	"sync"
	"sync/atomic"
)

// State is where a plugin is in its life, which goes one way: the values are in
// the order of time.
type State int32

// The states of a Client.
const (
	// StateStarting: the connection is not up yet.
	StateStarting State = iota
	// StateReady: it has answered, and may be called.
	StateReady
	// StateStopping: Close was called.
	StateStopping
	// StateExited: its process has ended, by itself or by Close; of a plugin
	// that was attached to, the connection is over.
	StateExited
)

// String returns starting, ready, stopping or exited.
func (s State) String() string {
	switch s {
	case StateReady:
		return "ready"
	case StateStopping:
		return "stopping"
	case StateExited:
		return "exited"
	default:
		return "starting"
	}
}

// life is the state of a Client, and who tells of its changes.
type life struct {
	state    atomic.Int32
	telling  sync.Mutex // held during a change and its hook, so that they come in order
	watching sync.WaitGroup
	over     chan struct{} // closed by Close; nil if there is nothing to watch
}

// State returns where the plugin is in its life. From the moment that Exited is
// closed it is StateExited.
func (c *Client) State() State {
	select {
	case <-c.Exited():
		return StateExited
	default:
		return State(c.life.state.Load())
	}
}

// advance goes on to a later state, unless that was passed already.
func (c *Client) advance(to State) {
	c.life.telling.Lock()
	defer c.life.telling.Unlock()
	if State(c.life.state.Load()) >= to {
		return
	}
	c.life.state.Store(int32(to))
	call(c.cfg.Trace.StateChange, to)
}

// ready tells that the plugin has answered.
func (c *Client) ready() {
	c.advance(StateReady)
	call(c.cfg.Trace.Ready, c.phases)
}

// watchExit notices the end of the plugin, whoever brings it about.
func (c *Client) watchExit() {
	c.life.over = make(chan struct{})
	c.life.watching.Go(func() {
		select {
		case <-c.Exited():
		case <-c.life.over:
			select {
			case <-c.Exited():
			default: // it could not even be killed
				return
			}
		}
		c.advance(StateExited)
		call(c.cfg.Trace.Exited, c.exitStatus())
	})
}

// beginStop tells that the plugin is stopped, unless it has ended already.
func (c *Client) beginStop() {
	if c.life.over == nil || c.State() != StateExited { // without a watch there may be no plugin
		c.advance(StateStopping)
	}
}

// endWatch ends what watchExit began, once Close has done all that it can.
func (c *Client) endWatch() {
	if c.life.over != nil {
		close(c.life.over)
	}
	c.life.watching.Wait()
	c.advance(StateExited)
}

// exitStatus is how the plugin ended, as far as it is known.
func (c *Client) exitStatus() ExitStatus {
	if c.attached != nil {
		return ExitStatus{Code: -1}
	}
	return c.proc.Status()
}
