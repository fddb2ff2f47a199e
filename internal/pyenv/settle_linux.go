package pyenv

import (
	"os"

	"golang.org/x/sys/unix"
)

// settle waits until what was written to the file system of a folder is on the
// disk.
func settle(dir string) error {
	folder, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer folder.Close()
	return os.NewSyscallError("syncfs", unix.Syncfs(int(folder.Fd())))
}
