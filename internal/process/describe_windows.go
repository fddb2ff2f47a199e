package process

import "os"

// ownerOf is unknown here.
func ownerOf(os.FileInfo) string { return "" }
