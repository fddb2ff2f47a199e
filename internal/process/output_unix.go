//go:build unix

package process

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// readAvailable reads what is in a pipe without waiting for more, up to about
// limit bytes. The pipe must be in non-blocking mode, as all are that know
// deadlines; an expired deadline does not hinder it.
func readAvailable(file *os.File, limit int) []byte {
	conn, err := file.SyscallConn()
	if err != nil {
		return nil
	}
	var data []byte
	buf := make([]byte, 64<<10)
	err = conn.Control(func(fd uintptr) {
		for len(data) < limit {
			n, err := unix.Read(int(fd), buf)
			if errors.Is(err, unix.EINTR) {
				continue
			}
			if n <= 0 {
				return
			}
			data = append(data, buf[:n]...)
		}
	})
	if err != nil {
		return nil
	}
	return data
}
