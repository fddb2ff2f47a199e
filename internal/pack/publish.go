package pack

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/rogpeppe/go-internal/lockedfile"
)

// publish moves all that was staged to where it belongs, or nothing: with the
// documents, which are made of what others have published before.
func (o Output) publish(p *Package, stage string, made *[]Made, counted *counter) (err error) {
	unlock, err := o.lock()
	if err != nil {
		return err
	}
	defer unlock()
	if err := o.refuseExisting(o.fixed(p, *made), adviceExists); err != nil { // meanwhile, by another run
		return err
	}
	documents, err := o.documents(p, *made)
	if err != nil {
		return err
	}
	for _, document := range documents {
		one := Made{name: document.Name, Path: o.path(document.Name), Size: document.Size, staged: filepath.Join(stage, fmt.Sprint(len(*made))), merged: o.Layout == LayoutNetwork}
		if err := writeFile(one.staged, document, counted); err != nil {
			return err
		}
		*made = append(*made, one)
	}
	var undo []func() error
	defer func() {
		for i := len(undo) - 1; i >= 0 && err != nil; i-- {
			err = errors.Join(err, undo[i]())
		}
	}()
	for i, one := range *made {
		if err := os.MkdirAll(filepath.Dir(one.Path), 0o755); err != nil {
			return err
		}
		old := filepath.Join(stage, fmt.Sprintf("old-%d", i))
		if (o.Force || one.merged) && os.Rename(one.Path, old) == nil {
			undo = append(undo, func() error { return os.Rename(old, one.Path) })
		}
		if err := os.Rename(one.staged, one.Path); err != nil {
			return err
		}
		undo = append(undo, func() error { return os.Rename(one.Path, one.staged) })
	}
	return nil
}

// lock keeps other runs from publishing in the folder. Its file is gone with it:
// what is locked counts only while it is the file of that name.
func (o Output) lock() (unlock func(), err error) {
	at := o.path(".pack.lock")
	for {
		file, err := lockedfile.OpenFile(at, os.O_RDWR|os.O_CREATE, 0o644)
		if errors.Is(err, errors.ErrUnsupported) { // by that file system
			return func() { _ = os.Remove(at) }, nil
		}
		if err != nil {
			return nil, err
		}
		held, err := file.Stat()
		if now, gone := os.Stat(at); err == nil && gone == nil && os.SameFile(held, now) {
			return func() { _, _ = os.Remove(at), file.Close() }, nil
		}
		if err := errors.Join(err, file.Close()); err != nil {
			return nil, err
		}
	}
}
