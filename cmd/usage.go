package cmd

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/alecthomas/kong"
)

// usagef is a usage error with advice.
func usagef(hint, format string, args ...any) error {
	return &usageError{err: fmt.Errorf(format, args...), hint: hint}
}

// explainUsage adds advice to what the parser refused.
func explainUsage(err error, plugin pluginCommand) error {
	var refused *kong.ParseError
	if !errors.As(err, &refused) {
		return &usageError{err: err, hint: "see rpcplugin --help"}
	}
	if hintOf(err) != "" {
		return &usageError{err: err}
	}
	node := selected(refused.Context)
	path := commandPath(node)
	hint := "see " + path + " --help"
	switch {
	case len(plugin) > 0:
	case strings.HasPrefix(path, "rpcplugin connect"):
		hint += "; the plugin's command follows a bare \"--\": " + usageOf(node)
	case path == "rpcplugin serve":
		hint += "; the program to serve follows --exec: " + usageOf(node)
	}
	return &usageError{err: err, hint: meant(node, refused.Context.Args) + hint}
}

// meant asks for the command below node that a word among args may have been. The
// parser asks itself, but not where there is a default command.
func meant(node *kong.Node, args []string) string {
	if node.DefaultCmd == nil {
		return ""
	}
	var names []string
	for _, child := range node.Children {
		if !child.Hidden {
			names = append(names, child.Name)
		}
	}
	for _, word := range args {
		if near := nearNames(word, names); len(near) > 0 && word != node.Name {
			return "did you mean " + near[0] + "? "
		}
	}
	return ""
}

// checkTrailing refuses what follows a bare -- where no plugin is started.
func checkTrailing(node *kong.Node, plugin pluginCommand) error {
	if len(plugin) == 0 || strings.Contains(usageOf(node), "-- ") {
		return nil
	}
	return usagef(usageOf(node), "unexpected %q after \"--\"", plugin[0])
}

// checkEnv refuses variables without a name or a value.
func checkEnv(entries []string) error {
	for _, entry := range entries {
		if strings.Index(entry, "=") <= 0 { // what there is may be the secret itself
			return usagef("for example --env LANG=C", "--env is %q, expected the form NAME=VALUE", shown(kindVariables, entry))
		}
	}
	return nil
}

// checkDuration refuses time spans that run backwards.
func checkDuration(flag string, span time.Duration) error {
	if span < 0 {
		return usagef("write it like 500ms, 10s or 2m", "%s is %q, expected no less than \"0s\"", flag, span)
	}
	return nil
}

// checkVersions refuses app versions that no host can mean.
func checkVersions(versions []int) error {
	for _, version := range versions {
		if version < 0 {
			return usagef("for example --app-version 5,6", "--app-version is \"%d\", expected whole numbers from \"0\"", version)
		}
	}
	return nil
}

// checkRestart refuses restarts that cannot be.
func checkRestart(times int, child string) error {
	if times < 0 {
		return usagef("for example --restart 5", "--restart is \"%d\", expected a whole number from \"0\"", times)
	}
	if times > 0 && child == "native" {
		return usagef("its host knows one handshake only", "--restart is \"%d\", expected \"0\" with --child native", times)
	}
	return nil
}

// adviseWords adds, to the error about a command, that it was given as one word
// and was hardly meant as one.
func adviseWords(err error, command []string) error {
	if err == nil || len(command) != 1 || !strings.Contains(command[0], " ") {
		return err
	}
	return &advisedError{err: err, hint: "the whole is taken for the program's name: give its words apart, without quotes around them all"}
}
