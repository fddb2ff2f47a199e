package transport

import (
	"strings"
	"testing"
)

func TestNegotiate(t *testing.T) {
	both := []string{"unix", "tcp"}
	tests := []struct {
		name          string
		have, offered []string
		want          string // empty: no network in common
	}{
		{"nothing offered means all", both, nil, "unix"},
		{"nothing offered, tcp only", []string{"tcp"}, nil, "tcp"},
		{"unix wins whatever the order", []string{"tcp", "unix"}, []string{"tcp", "unix"}, "unix"},
		{"host wants tcp", both, []string{"tcp"}, "tcp"},
		{"unknown names are passed over", both, []string{"quic", "tcp"}, "tcp"},
		{"none in common", []string{"unix"}, []string{"tcp"}, ""},
		{"only unknown offered", both, []string{"quic"}, ""},
		{"unknown on both sides", []string{"quic"}, []string{"quic"}, ""},
		{"we have none", nil, nil, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := Negotiate(tt.have, tt.offered)
			if got != tt.want {
				t.Fatalf("got %q, %v; want %q", got, err, tt.want)
			}
			if tt.want != "" {
				if err != nil {
					t.Fatal(err)
				}
				return
			}
			e := wantReason(t, err, ReasonNoCommonNetwork)
			if !strings.Contains(e.Error(), strings.Join(tt.offered, ",")) || e.Expected == "" {
				t.Errorf("error names too little: %v", e)
			}
		})
	}
}
