package process

import "log/slog"

// RemoveOnDeath has directories removed, with all they contain, when this process
// dies before release is called, which leaves them alone: for the time in which
// there is no child with a guardian. The directories must be absolute. A nil logger
// logs nothing. On Windows, and where there is no /bin/sh, nothing is removed. The
// error is of type [*Error] with ReasonRemoveDir.
func RemoveOnDeath(dirs []string, logger *slog.Logger) (release func(), err error) {
	if err := checkRemovable(dirs); err != nil {
		return nil, err
	}
	if len(dirs) == 0 {
		return func() {}, nil
	}
	guard := newGuardian(Config{Guard: true, RemoveOnDeath: dirs, Logger: logger}.withDefaults())
	guard.forget(false) // it hears first that there is no group
	guard.watch(0)
	return guard.dismiss, nil
}
