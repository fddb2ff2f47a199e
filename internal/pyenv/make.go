package pyenv

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/pyvider/rpcplugin/internal/childlog"
	"github.com/pyvider/rpcplugin/internal/event"
	"github.com/pyvider/rpcplugin/internal/process"
)

// maker makes one environment.
type maker struct {
	cfg         Config
	place       place
	interpreter string // as it was found
}

// make makes the environment, if nobody else has while its lock was waited for.
func (m *maker) make(ctx context.Context) (*Env, error) {
	logger := m.cfg.log
	release, err := process.RemoveOnDeath(m.cfg.RemoveOnDeath, m.cfg.Logger)
	if err != nil {
		return nil, m.cacheError(err)
	}
	defer release()
	lock, err := awaitLock(ctx, m.place.lock(), logger)
	if err != nil {
		return nil, m.cacheError(err)
	}
	defer lock.Close()
	if err := m.place.trusted(); err != nil { // made by somebody else meanwhile
		return nil, m.cacheError(err)
	}
	if env := m.place.open(); env != nil {
		return env, nil
	}
	m.place.clear(logger)
	dir, err := os.MkdirTemp(m.place.dir, "env-")
	if err != nil {
		return nil, m.cacheError(err)
	}
	began := time.Now()
	logger.Info("making a Python environment, once", event.Wait(event.Python, event.Make),
		"directory", dir, "requirements", m.cfg.Requirements, "wheels", m.cfg.Wheels)
	if err := m.build(ctx, dir); err != nil {
		m.place.clear(logger)
		return nil, err
	}
	if err := m.stamp(dir); err != nil {
		return nil, m.cacheError(err)
	}
	logger.Info("the Python environment is ready", event.OK(event.Python, event.Make),
		"directory", dir, "took", time.Since(began).Round(time.Millisecond))
	prune(filepath.Dir(m.place.dir), m.place.dir, logger)
	env := m.place.open()
	if env == nil {
		return nil, m.cacheError(errGone)
	}
	return env, nil
}

func (m *maker) cacheError(err error) error {
	return &Error{Reason: ReasonCache, Path: m.place.dir, Err: err}
}

// stamp says that the environment is ready, once all of it is on the disk: a
// machine that loses its power must not find the stamp alone.
func (m *maker) stamp(dir string) error {
	if err := settle(m.place.dir); err != nil {
		return err
	}
	half := m.place.ready() + ".new"
	if err := os.WriteFile(half, []byte(filepath.Base(dir)), 0o600); err != nil {
		return err
	}
	return os.Rename(half, m.place.ready())
}

// build makes the environment in dir and installs what it is to have. Python
// runs isolated (-I): neither its own settings nor modules beside the
// requirements may change what is made.
func (m *maker) build(ctx context.Context, dir string) error {
	temporary := filepath.Join(dir, "tmp")
	if err := os.Mkdir(temporary, 0o700); err != nil {
		return m.cacheError(err)
	}
	step := step{maker: m, dir: dir, environ: installEnviron(m.cfg.Environ, dir, temporary)}
	if failed := step.run(ctx, m.interpreter, "-I", "-m", "venv", dir); failed != nil {
		failed.Reason, failed.Path = ReasonVenv, m.interpreter
		return failed
	}
	install, err := m.installation()
	if err != nil {
		return &Error{Reason: ReasonRequirements, Path: m.cfg.Wheels, Err: err}
	}
	m.cfg.log.Info("installing the requirements with pip", event.Wait(event.Python, event.Make))
	pip := []string{python(dir), "-I", "-X", "pycache_prefix=" + compiled(dir), "-m", "pip"}
	if failed := step.run(ctx, slices.Concat(pip, install)...); failed != nil {
		failed.Reason, failed.Offline = ReasonInstall, m.cfg.Wheels != ""
		failed.Path = m.cfg.Requirements
		if failed.Path == "" {
			failed.Path = m.cfg.Wheels
		}
		return failed
	}
	if err := os.RemoveAll(temporary); err != nil {
		m.cfg.log.Debug("cannot remove temporary files of pip", event.Failed(event.Python, event.Clean), "error", err)
	}
	return nil
}

// installation is what pip is asked for.
func (m *maker) installation() ([]string, error) {
	words := []string{"install", "--disable-pip-version-check", "--no-input", "--progress-bar", "off"}
	if m.cfg.Wheels != "" {
		dir, err := filepath.Abs(m.cfg.Wheels)
		if err != nil {
			return nil, err
		}
		words = append(words, "--no-index", "--find-links", dir)
		if m.cfg.Requirements == "" {
			wheels, err := filesOf(dir, isWheel)
			return append(words, wheels...), err
		}
	}
	file, err := filepath.Abs(m.cfg.Requirements)
	return append(words, "--requirement", file), err
}

// installEnviron is the environment of an installation. Whether, where and what
// pip installs is not for settings to say, those of its files included; and what
// it leaves behind when it is killed must go with the rest.
func installEnviron(environ []string, dir, temporary string) []string {
	ours := []string{"PIP_TARGET", "PIP_PREFIX", "PIP_ROOT", "PIP_PYTHON", "PIP_REQUIREMENT", "PIP_EDITABLE"}
	environ = slices.DeleteFunc(slices.Clone(environ), func(entry string) bool {
		name, _, _ := strings.Cut(entry, "=")
		return slices.Contains(ours, name)
	})
	return append(environ, "PIP_USER=0", "PIP_DRY_RUN=0", "TMPDIR="+temporary, "TMP="+temporary, "TEMP="+temporary, "PYTHONPYCACHEPREFIX="+compiled(dir))
}

// step runs a program that works on dir.
type step struct {
	*maker
	dir     string
	environ []string
}

// run runs a program to its end. The error has no Reason yet.
func (s step) run(ctx context.Context, command ...string) *Error {
	var workDir string
	if s.cfg.Requirements != "" { // what they name is relative to them
		workDir = filepath.Dir(s.cfg.Requirements)
	}
	proc, err := process.Start(process.Config{
		Command: command, Env: s.environ, Dir: workDir, Guard: true, RemoveOnDeath: []string{s.dir}, Logger: s.cfg.Logger,
	})
	if err != nil {
		return &Error{Err: err}
	}
	out, errs := childlog.Read(withoutSecrets(proc.Stdout()), s.cfg.Logger), childlog.Read(withoutSecrets(proc.Stderr()), s.cfg.Logger)
	select {
	case <-proc.Exited():
	case <-ctx.Done():
	}
	err = proc.Close()
	<-out.Done()
	<-errs.Done()
	switch status := proc.Status(); {
	case ctx.Err() != nil:
		return &Error{Err: context.Cause(ctx)}
	case err != nil:
		return &Error{Err: err}
	case status.Code != 0:
		words := errs.Tail()
		if len(words) == 0 {
			words = out.Tail()
		}
		return &Error{Status: status.String(), Output: words}
	default:
		return nil
	}
}
