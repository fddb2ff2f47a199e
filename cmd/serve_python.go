package cmd

import (
	"context"
	"log/slog"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/pyvider/rpcplugin/internal/pyenv"
	"github.com/pyvider/rpcplugin/pkg/bridge"
)

// pythonFlags have the program run in a Python environment that is made for it.
type pythonFlags struct {
	PythonRequirements string        `placeholder:"FILE" help:"Requirements of a program in Python, as pip takes them. They are installed once, into an environment in the user's cache directory; the python of --exec makes it, and the program runs with the environment's."`
	PythonWheels       string        `placeholder:"DIR" help:"Folder of wheels to install from, in place of a package index: what --python-requirements names, or all of them."`
	PythonCache        string        `placeholder:"DIR" help:"Folder for Python environments; default: rpcplugin/python in the user's cache directory."`
	PythonTimeout      time.Duration `default:"10m" help:"How long the making of a Python environment may take."`
}

// wantsPython reports whether there is to be an environment.
func (f *pythonFlags) wantsPython() bool { return f.PythonRequirements != "" || f.PythonWheels != "" }

// checkPython refuses what cannot be meant.
func (f *pythonFlags) checkPython(command []string) error {
	if err := checkDuration("--python-timeout", f.PythonTimeout); err != nil || !f.wantsPython() {
		return err
	}
	const hint = "for example --python-requirements requirements.txt --exec python3 provider.py"
	if len(command) == 0 {
		return usagef(hint, "--python-requirements and --python-wheels need --exec, expected a Python as its first word")
	}
	if name := strings.ToLower(filepath.Base(command[0])); !strings.HasPrefix(name, "python") && !strings.HasPrefix(name, "pypy") {
		return usagef(hint, "--exec begins with %q, expected \"python3\" or the path of another Python, to make an environment with", command[0])
	}
	return nil
}

// pythonEnvironment is a bridge's Prepare, nil where no environment is wanted.
func (c *serveCommand) pythonEnvironment(logger *slog.Logger) func(context.Context, bridge.Preparation) (bridge.Prepared, error) {
	if !c.wantsPython() {
		return nil
	}
	return func(ctx context.Context, preparation bridge.Preparation) (bridge.Prepared, error) {
		env, err := pyenv.Ensure(ctx, pyenv.Config{
			Interpreter: c.Exec[0], Requirements: c.PythonRequirements, Wheels: c.PythonWheels,
			Cache: c.PythonCache, Timeout: c.PythonTimeout,
			Environ: preparation.Environ, RemoveOnDeath: preparation.RemoveOnDeath, Logger: logger,
		})
		if err != nil {
			return bridge.Prepared{}, err
		}
		return bridge.Prepared{
			Command: slices.Concat([]string{env.Python}, c.Exec[1:]), Env: env.Variables,
			Release: func() { _ = env.Close() },
		}, nil
	}
}
