package transport

import (
	"encoding/hex"
	"errors"
	"strconv"
	"strings"
)

// Sweep removes the private directories that dead processes of this user left
// below base ([os.TempDir] if empty) and below the directories [NewPrivateDir]
// falls back to, and says how many. A directory goes only if it is one of ours
// by name, belongs to this user, names a process that is dead, and its lock can
// be taken; so a plugin in another container that shares the directory keeps
// its own. Symbolic links are never followed.
//
// It goes on after a directory that cannot be removed; err joins an [*Error]
// with [ReasonDirectory] for each. A base that does not exist is no error. On
// Windows nothing is done.
func Sweep(base string) (removed int, err error) {
	base, err = absoluteBase(base)
	if err != nil {
		return 0, err
	}
	removed, err = sweepOne(base)
	for _, short := range shortBases(true) {
		if short == base {
			continue
		}
		more, shortErr := sweepOne(short)
		removed += more
		err = errors.Join(err, shortErr)
	}
	return removed, err
}

// ownerOf reads the process out of the name of a private directory.
func ownerOf(name string) (pid int, ok bool) {
	rest, ours := strings.CutPrefix(name, dirPrefix)
	number, random, cut := strings.Cut(rest, "-")
	if !ours || !cut || len(random) != hex.EncodedLen(randomBytes) {
		return 0, false
	}
	if _, err := hex.DecodeString(random); err != nil {
		return 0, false
	}
	pid, err := strconv.Atoi(number)
	if err != nil || pid <= 0 || strconv.Itoa(pid) != number {
		return 0, false
	}
	return pid, true
}
