package client_test

import (
	"context"
	"io"
	"testing"

	"github.com/pyvider/rpcplugin/pkg/client"
)

// stuck is a writer that does not return until it is released.
type stuck struct{ entered, release chan struct{} }

func (s stuck) Write([]byte) (int, error) {
	close(s.entered)
	<-s.release
	return 0, io.ErrClosedPipe
}

// Nobody reads what the plugin prints: its end does not wait for that.
func TestCloseLeavesAStuckWriterBehind(t *testing.T) {
	for _, attached := range []bool{false, true} {
		writer := stuck{make(chan struct{}), make(chan struct{})}
		var c *client.Client
		if attached {
			tidy(t)
			c = attach(t, client.Config{Stdout: writer}, run(t, "attachable", "unix").Reattach)
		} else {
			cfg := as(t, "ours", "")
			cfg.Stdout = writer
			c = start(t, cfg)
		}
		says(t, c, "print")
		receive(t, "the output", writer.entered)
		closed := make(chan struct{})
		go func() {
			defer close(closed)
			if err := c.Close(context.Background()); err != nil {
				t.Error(err)
			}
		}()
		receive(t, "the end of Close", closed)
		close(writer.release)
		if !attached && c.State() != client.StateExited {
			t.Errorf("the plugin is %s", c.State())
		}
	}
}
