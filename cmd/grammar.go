package cmd

// grammarOf is the command line, or as much of it as the arguments need. To build
// the whole of it takes a good part of the time in which a version is told or a
// certificate is made.
func grammarOf(args []string, options *commands) any {
	if len(args) == 0 {
		return options
	}
	switch args[0] {
	case "cert":
		return &struct {
			*globals
			*certGrammar
		}{&options.globals, &options.certGrammar}
	case "version":
		return &struct {
			*globals
			*versionGrammar
		}{&options.globals, &options.versionGrammar}
	default:
		return options
	}
}
