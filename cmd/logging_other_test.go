//go:build !linux

package cmd

import (
	"errors"
	"os"
)

// openTerminal fails: there is no way that is the same everywhere.
func openTerminal() (*os.File, error) { return nil, errors.ErrUnsupported }
