package handshake

import (
	"slices"
	"testing"
)

func TestStripEnvFoldsCaseOnWindows(t *testing.T) {
	got := stripEnv([]string{"Path=x", "Plugin_Min_Port=1", "cookie=x", "=C:=C:\\"}, "Cookie", true)
	if want := []string{"Path=x", "=C:=C:\\"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}
