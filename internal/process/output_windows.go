package process

import "os"

// readAvailable returns nothing: pipes know no deadlines here, so an output
// that is cut is closed. The job object has ended all that could write to it.
func readAvailable(*os.File, int) []byte { return nil }
