package cmd

// serveGrammar is serve's part of the command line.
type serveGrammar struct {
	Serve serveCommand `cmd:"" usage:"[--exec CMD ARGS…]" help:"Run a plugin: a program of any language, or the built-in one."`
}

// settingsGrammar is the part of the command line that settings files are for.
type settingsGrammar struct {
	*globals
	*serveGrammar
	*connectGrammar
}

// grammarOf is the command line, or as much of it as the arguments need. To build
// the whole of it takes a good part of the time in which a version is told, a
// certificate is made or a call is done. Settings files name flags of serve and
// connect: with files both are known.
func grammarOf(args []string, options *commands, files bool) any {
	if len(args) == 0 {
		return options
	}
	switch command := args[0]; {
	case (command == "serve" || command == "connect") && files:
		return &settingsGrammar{&options.globals, &options.serveGrammar, &options.connectGrammar}
	case command == "serve":
		return &struct {
			*globals
			*serveGrammar
		}{&options.globals, &options.serveGrammar}
	case command == "connect":
		return &struct {
			*globals
			*connectGrammar
		}{&options.globals, &options.connectGrammar}
	case command == "cert":
		return &struct {
			*globals
			*certGrammar
		}{&options.globals, &options.certGrammar}
	case command == "pack":
		return &struct {
			*globals
			*packGrammar
		}{&options.globals, &options.packGrammar}
	case command == "version":
		return &struct {
			*globals
			*versionGrammar
		}{&options.globals, &options.versionGrammar}
	default:
		return options
	}
}
