package server_test

// playLauncher has no part on Windows.
func playLauncher() int { return 99 }
