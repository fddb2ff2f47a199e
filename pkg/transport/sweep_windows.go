package transport

// sweepOne does nothing: without locks no directory is known to be left over.
func sweepOne(string) (removed int, err error) { return 0, nil }
