//go:build unix

package transport

import (
	"io/fs"
	"math"
	"os"
	"os/user"
	"strconv"
	"syscall"
)

// noGroup is the group id that chown leaves alone.
const noGroup = -1

// lookupGroup gives the id of a group by number or name; noGroup for "".
func lookupGroup(group string) (int, error) {
	if group == "" {
		return noGroup, nil
	}
	number := group
	if _, err := strconv.ParseInt(group, 10, 64); err != nil {
		found, err := user.LookupGroup(group)
		if err != nil {
			return noGroup, &Error{Reason: ReasonGroup, Found: group, Expected: "the name or number of a group", Err: err}
		}
		number = found.Gid
	}
	gid, err := strconv.ParseUint(number, 10, 32)
	if err != nil || gid == math.MaxUint32 { // the system's own "no group"
		return noGroup, &Error{Reason: ReasonGroup, Found: group, Expected: "a group number below 4294967295"}
	}
	return int(gid), nil
}

// narrowSocket takes the access of everybody else from a socket before it is
// bound, so that its file is never open to them. Systems that cannot do that
// refuse, which is no error: the access is set again afterwards.
func narrowSocket(_, _ string, conn syscall.RawConn) error {
	return conn.Control(func(fd uintptr) {
		_ = syscall.Fchmod(int(fd), uint32(ownerSocketMode))
	})
}

// setAccess gives path to a group, if there is one, and then sets its mode.
func setAccess(path string, gid int, mode os.FileMode) error {
	if gid != noGroup {
		if err := os.Lchown(path, -1, gid); err != nil {
			return err
		}
	}
	return os.Chmod(path, mode)
}

// ownedByUs reports whether a file belongs to the user we run as.
func ownedByUs(found fs.FileInfo) bool {
	stat, ok := found.Sys().(*syscall.Stat_t)
	return ok && int(stat.Uid) == os.Geteuid()
}
