//go:build unix

package process

import (
	"os"
	"strconv"
	"syscall"
)

// ownerOf is the user id of a file's owner.
func ownerOf(info os.FileInfo) string {
	if stat, ok := info.Sys().(*syscall.Stat_t); ok {
		return strconv.FormatUint(uint64(stat.Uid), 10)
	}
	return ""
}
