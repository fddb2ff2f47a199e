package pyenv

import "io/fs"

// isOurs cannot be told by a look here. The user's cache directory is the user's.
func isOurs(fs.FileInfo) bool { return true }
