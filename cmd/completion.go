package cmd

import (
	"io"
	"os"
	"strings"
)

// completionCommand prints a script for a shell.
type completionCommand struct {
	Shell string `arg:"" enum:"bash,zsh,fish" help:"bash, zsh or fish."`
}

// Help is the long help.
func (completionCommand) Help() string {
	return `  bash: source <(rpcplugin completion bash)     in ~/.bashrc
  zsh:  source <(rpcplugin completion zsh)      in ~/.zshrc, after compinit
  fish: rpcplugin completion fish | source      in ~/.config/fish/config.fish

For the names of services and methods the plugin of the command line is asked:
it is started, or attached to, as the command would do it.`
}

// Run prints.
func (c completionCommand) Run(p *Program) error {
	_, err := io.WriteString(p.Stdout, completionScript(c.Shell))
	return err
}

// completionScript is what a shell reads. All that it does is to ask "complete".
func completionScript(shell string) string {
	switch shell {
	case "bash":
		return `_rpcplugin() {
    local IFS=$'\n'
    COMPREPLY=($("${COMP_WORDS[0]}" complete --bash "$COMP_CWORD" -- "${COMP_WORDS[@]}" 2>/dev/null))
}
complete -o default -F _rpcplugin rpcplugin
`
	case "zsh":
		return `#compdef rpcplugin
_rpcplugin() {
    local -a found
    found=("${(@f)$("${words[1]}" complete $((CURRENT - 1)) -- "${(@Q)words}" 2>/dev/null)}")
    if [[ -n "${found[1]}" ]]; then
        compadd -Q -a found
    else
        _files
    fi
}
if [[ "${funcstack[1]}" == _rpcplugin ]]; then
    _rpcplugin "$@"
else
    compdef _rpcplugin rpcplugin
fi
`
	default:
		return `function __rpcplugin_complete
    set -l before (commandline -opc)
    set -l current (commandline -ct)
    set -l after (commandline -op)
    set -l first (math (count $before) + 1)
    test -n "$current"; and set first (math $first + 1)
    if test $first -le (count $after)
        set after $after[$first..-1]
    else
        set after
    end
    set -l found ($before[1] complete (count $before) -- $before "$current" $after 2>/dev/null)
    if set -q found[1]
        printf '%s\n' $found
    else
        __fish_complete_path "$current"
    end
end
complete -c rpcplugin -f -a '(__rpcplugin_complete)'
`
	}
}

// bashWords puts words together that bash takes apart at ":" and "=", and finds
// the one with that index again. It is not told of the spaces between: a word of
// these two characters alone belongs to its neighbours.
func bashWords(words []string, index int) (whole []string, at int) {
	glue := false
	for i, word := range words {
		separator := word == ":" || word == "=" || word == "::"
		if len(whole) > 0 && (glue || separator) {
			whole[len(whole)-1] += word
		} else {
			whole = append(whole, word)
		}
		glue = separator
		if i == index {
			at = len(whole) - 1
		}
	}
	for i, word := range whole {
		whole[i] = unquoted(word)
	}
	return whole, at
}

// unquoted is a word as a command gets it, in the cases that matter.
func unquoted(word string) string {
	if len(word) > 1 && (word[0] == '\'' || word[0] == '"') && word[len(word)-1] == word[0] {
		return word[1 : len(word)-1]
	}
	if rest, inHome := strings.CutPrefix(word, "~/"); inHome {
		if home, err := os.UserHomeDir(); err == nil {
			return home + "/" + rest
		}
	}
	return word
}
