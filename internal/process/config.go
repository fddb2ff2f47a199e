package process

import (
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"syscall"

	"github.com/pyvider/rpcplugin/internal/event"
)

// Config says what to start and how. It is copied by [Start].
type Config struct {
	// Command is the program and its arguments. The first element is found
	// with [Look] in the PATH and working directory of this process, not in
	// those of the child, and handed to the child as it is written here.
	Command []string
	// Env is the whole environment of the child, "KEY=VALUE" each; of
	// duplicates the last counts. Nil means the environment of this process,
	// as in os/exec, which in a plugin includes what its host handed down:
	// pass an explicit list there. An empty list is an empty environment.
	Env []string
	// Dir is the working directory of the child. Default: that of this
	// process.
	Dir string
	// Guard starts the guardian, which kills the child's group when this
	// process dies without [Process.Close]. It is a shell and starts in the
	// background, after the child; where there is no /bin/sh the child runs
	// without. It has no effect on Windows, where it is not needed.
	Guard bool
	// RemoveOnDeath lists directories that the guardian removes, with all they
	// contain, when this process dies without [Process.Close]. They must be
	// absolute. Close leaves them alone. No effect without Guard and on
	// Windows.
	RemoveOnDeath []string
	// Logger gets what happens behind the scenes, at debug level. Default:
	// nothing is logged.
	Logger *slog.Logger
}

// withDefaults returns a copy that shares nothing with the original.
func (c Config) withDefaults() Config {
	c.Command = slices.Clone(c.Command)
	c.Env = slices.Clone(c.Env)
	c.RemoveOnDeath = slices.Clone(c.RemoveOnDeath)
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	c.Logger = event.Named(c.Logger, "process")
	return c
}

// command checks the configuration and makes a command of it, ready to start
// but for the three standard files and the attributes of its group.
func (c Config) command() (*exec.Cmd, error) {
	if len(c.Command) == 0 {
		return nil, noCommand()
	}
	path, err := Look(c.Command[0])
	if err != nil {
		return nil, err
	}
	if err := checkRemovable(c.RemoveOnDeath); err != nil {
		return nil, err
	}
	if c.Dir != "" {
		if err := checkWorkDir(c.Dir); err != nil {
			return nil, err
		}
		// The system would resolve a relative path in the new directory.
		if path, err = filepath.Abs(path); err != nil {
			return nil, &Error{
				Reason: ReasonStart, Subject: c.Command[0], Err: err,
				what: "cannot tell the absolute path of command " + quote(c.Command[0]),
			}
		}
	}
	return &exec.Cmd{Path: path, Args: c.Command, Env: c.Env, Dir: c.Dir}, nil
}

func checkWorkDir(dir string) error {
	info, err := os.Stat(dir)
	if err == nil && !info.IsDir() {
		err = syscall.ENOTDIR
	}
	if err == nil {
		return nil
	}
	return &Error{
		Reason: ReasonWorkDir, Subject: dir, Err: cause(err),
		what: "cannot use working directory " + quote(dir),
	}
}

// checkRemovable refuses what a removal must never be pointed at.
func checkRemovable(dirs []string) error {
	for _, dir := range dirs {
		clean := filepath.Clean(dir)
		if !filepath.IsAbs(dir) || filepath.Dir(clean) == clean {
			return &Error{
				Reason: ReasonRemoveDir, Subject: dir,
				what: "directory to remove " + quote(dir) + " refused, expected an absolute path below the root",
			}
		}
	}
	return nil
}

// cause strips the operation and path that an error of package os carries, for
// messages that name them already.
func cause(err error) error {
	var path *fs.PathError
	if errors.As(err, &path) {
		return path.Err
	}
	return err
}
