package handshake_test

import (
	"slices"
	"testing"

	"github.com/pyvider/rpcplugin/pkg/handshake"
)

func TestChooseVersion(t *testing.T) {
	tests := []struct {
		name         string
		own, offered []int
		want         int
		matched      bool
	}{
		{"highest in common", []int{5, 6}, []int{6, 5}, 6, true},
		{"any order", []int{6, 4, 5}, []int{5, 4}, 5, true},
		{"one in common", []int{5, 6}, []int{7, 5}, 5, true},
		{"none in common", []int{6, 5}, []int{7}, 5, false},
		{"no list", []int{6, 5}, nil, 5, false},
		{"version 0", []int{0}, []int{0}, 0, true},
		{"negative", []int{-2, -1}, []int{-1, -2}, -1, true},
		{"duplicates", []int{5, 5}, []int{5, 5}, 5, true},
		{"nothing of its own", nil, []int{5}, 0, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			own, offered := slices.Clone(tt.own), slices.Clone(tt.offered)
			got, matched := handshake.ChooseVersion(own, offered)
			if got != tt.want || matched != tt.matched {
				t.Errorf("got %d, %v; want %d, %v", got, matched, tt.want, tt.matched)
			}
			if !slices.Equal(own, tt.own) || !slices.Equal(offered, tt.offered) {
				t.Error("an argument was changed")
			}
		})
	}
}
