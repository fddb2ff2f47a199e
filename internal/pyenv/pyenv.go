// Package pyenv makes the virtual environment of a program in Python: once, in a
// cache outside the program's own folder, however many processes ask for it at
// the same time. One that is there already is found without starting Python.
//
// # What is on disk
//
// Every environment has a folder in the cache, named after all that it is made
// from:
//
//	KEY/lock       held by the process that makes it
//	KEY/ready      names the environment; held, shared, by those who use it
//	KEY/env-…/     the environment, and its compiled files in pycache
//
// An environment is made in its final place, since the paths of its scripts are
// absolute, and counts once ready is there. What a killed process has left is
// under another name than the next attempt, so that the two never meet.
package pyenv

import (
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/pyvider/rpcplugin/internal/event"
	"github.com/pyvider/rpcplugin/internal/process"
)

// DefaultTimeout is how long the making of an environment may take, the wait for
// another process that makes it included.
const DefaultTimeout = 10 * time.Minute

// Config says which environment is needed. Interpreter is, and Requirements or
// Wheels.
type Config struct {
	// Interpreter is the Python to make it with: a name to be found in PATH, or a
	// path.
	Interpreter string
	// Requirements is a file of requirements as pip takes it. Default: all of
	// Wheels is installed.
	Requirements string
	// Wheels is a folder with everything that is to be installed. Then no package
	// index is asked. Default: the index that pip is configured for.
	Wheels string
	// Cache is the folder for environments, made when it is missing. Default:
	// rpcplugin/python in the user's cache directory. Nobody else should be able
	// to write there.
	Cache string
	// Timeout bounds the making; default DefaultTimeout.
	Timeout time.Duration
	// Environ is the environment of Python and pip while they make it; default
	// that of this process.
	Environ []string
	// RemoveOnDeath lists directories, absolute paths, that are removed if this
	// process is killed while it makes an environment or waits for one.
	RemoveOnDeath []string
	// Logger gets what happens; default: nothing is logged.
	Logger *slog.Logger
	log    *slog.Logger // Logger, for records of this package
}

// Env is an environment that is ready. As long as it is open nobody removes it.
type Env struct {
	// Python is the path of its interpreter.
	Python string
	// Variables are to be in the environment of what runs in it, KEY=VALUE each:
	// where Python finds the compiled files.
	Variables []string

	use *os.File // locked
}

// Close lets others remove the environment, which they do when it was not asked
// for during 90 days.
func (e *Env) Close() error { return e.use.Close() }

func (c Config) withDefaults() Config {
	if c.Environ == nil {
		c.Environ = os.Environ()
	}
	if c.Timeout == 0 {
		c.Timeout = DefaultTimeout
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	c.log = event.Named(c.Logger, "pyenv")
	return c
}

// Ensure returns the environment, and makes it if it is not there. The caller
// closes it. The error is an *Error, or the cause of ctx's end.
func Ensure(ctx context.Context, cfg Config) (*Env, error) {
	cfg = cfg.withDefaults()
	interpreter, err := process.Look(cfg.Interpreter)
	if err != nil {
		return nil, &Error{Reason: ReasonInterpreter, Path: cfg.Interpreter, Err: err}
	}
	key, err := cfg.key(interpreter)
	if err != nil {
		return nil, err
	}
	cache, err := cfg.cache()
	if err != nil {
		return nil, &Error{Reason: ReasonCache, Err: err}
	}
	p := place{dir: filepath.Join(cache, key)}
	if err := p.trusted(); err != nil {
		return nil, &Error{Reason: ReasonCache, Path: p.dir, Err: err}
	}
	if env := p.open(); env != nil {
		return env, nil
	}
	bounded, cancel := context.WithTimeout(ctx, cfg.Timeout)
	defer cancel()
	m := &maker{cfg: cfg, place: p, interpreter: interpreter}
	env, err := m.make(bounded)
	switch {
	case err == nil:
		return env, nil
	case ctx.Err() != nil:
		return nil, context.Cause(ctx)
	case bounded.Err() != nil:
		return nil, &Error{Reason: ReasonTimeout, Path: p.dir, Timeout: cfg.Timeout, Err: context.DeadlineExceeded}
	default:
		return nil, err
	}
}

func (c Config) cache() (string, error) {
	if c.Cache != "" {
		return filepath.Abs(c.Cache)
	}
	user, err := os.UserCacheDir()
	return filepath.Join(user, "rpcplugin", "python"), err
}
