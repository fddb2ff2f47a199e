package services

import "sync"

// onceSignal is a channel that is closed at the first call of fire.
type onceSignal struct {
	once *sync.Once
	done chan struct{}
}

func newOnceSignal() onceSignal {
	return onceSignal{once: new(sync.Once), done: make(chan struct{})}
}

func (s onceSignal) fire() { s.once.Do(func() { close(s.done) }) }

func (s onceSignal) fired() bool {
	select {
	case <-s.done:
		return true
	default:
		return false
	}
}
