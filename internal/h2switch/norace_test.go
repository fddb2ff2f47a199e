//go:build !race

package h2switch

const raceEnabled = false
