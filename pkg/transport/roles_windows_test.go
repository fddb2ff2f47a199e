package transport

// playRole knows no role: what children are needed for is not done here.
func playRole(string, []string) int { return 9 }
