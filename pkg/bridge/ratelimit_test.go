//go:build unix

package bridge_test

import (
	"strings"
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/pyvider/rpcplugin/internal/testpb"
	"github.com/pyvider/rpcplugin/pkg/bridge"
	"github.com/pyvider/rpcplugin/pkg/server"
	"github.com/pyvider/rpcplugin/pkg/services"
)

// A limit holds for the calls to the child, over all connections together, and
// not for what the bridge answers itself.
func TestRateLimit(t *testing.T) {
	r := newRig(t, childConfig{}, func(cfg *bridge.Config) {
		cfg.Server.RateLimit = server.RateLimit{PerSecond: 0.001, Burst: 3}
	})
	other := dial(t, r.b.Line().Network, r.b.Line().Address)
	defer other.Close()
	for _, client := range []testpb.EchoClient{r.EchoClient, testpb.NewEchoClient(other), r.EchoClient} {
		if _, err := client.Unary(t.Context(), &testpb.Message{}); err != nil {
			t.Fatal(err)
		}
	}
	for _, client := range []testpb.EchoClient{r.EchoClient, testpb.NewEchoClient(other)} {
		_, err := client.Unary(t.Context(), &testpb.Message{})
		if status.Code(err) != codes.ResourceExhausted || !strings.Contains(err.Error(), "takes 0.001 calls per second, and 3 at once") {
			t.Errorf("beyond the limit: %v", err)
		}
	}
	if err := services.Ping(t.Context(), r.conn); err != nil {
		t.Errorf("health: %v", err)
	}
}
