package certs

import (
	"crypto"
	"crypto/rand"
	"crypto/x509"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
)

const (
	secretMode fs.FileMode = 0o600
	publicMode fs.FileMode = 0o644
)

// WriteOptions say how files are written.
type WriteOptions struct {
	// Replace has a file that exists replaced, at once and whole. A symbolic link
	// is replaced, not followed; what is no regular file is left alone.
	Replace bool
	// Password encrypts private keys, if it is not empty.
	Password []byte
}

// WriteIdentity writes a chain, readable for all, and its key, readable for the
// user only. Either path may be empty, and nothing is written for it; if both
// are the same, one file holds both. A value may begin with "file://". If one
// file cannot be written, neither is, except that with Replace the key may be
// new and the certificate old when the second of two renames fails. It fails
// with [ReasonExists], [ReasonDirectory], [ReasonWrite] or as [EncodeKey] does.
func WriteIdentity(certificate, key string, identity *Identity, options WriteOptions) error {
	secret, err := EncodeKey(identity.Key, options.Password)
	if err != nil {
		return err
	}
	public := EncodeCertificates(identity.Chain...)
	certificate, key = path(certificate), path(key)
	switch {
	case filepath.Clean(certificate) == filepath.Clean(key):
		return writeAll(options.Replace, output{key, append(public, secret...), secretMode})
	case certificate == "":
		return writeAll(options.Replace, output{key, secret, secretMode})
	case key == "":
		return writeAll(options.Replace, output{certificate, public, publicMode})
	default:
		return writeAll(options.Replace, output{key, secret, secretMode}, output{certificate, public, publicMode})
	}
}

// WriteRequest writes a request, readable for all, and its key, readable for the
// user only, or neither; if both are the same, one file holds both. It fails as
// [WriteIdentity] does.
func WriteRequest(request, key string, r *x509.CertificateRequest, private crypto.Signer, options WriteOptions) error {
	secret, err := EncodeKey(private, options.Password)
	if err != nil {
		return err
	}
	public := EncodeRequest(r)
	request, key = path(request), path(key)
	if filepath.Clean(request) == filepath.Clean(key) {
		return writeAll(options.Replace, output{key, append(public, secret...), secretMode})
	}
	return writeAll(options.Replace, output{key, secret, secretMode}, output{request, public, publicMode})
}

// WriteCertificates writes certificates in PEM form, readable for all. It fails
// as [WriteIdentity] does.
func WriteCertificates(file string, chain []*x509.Certificate, options WriteOptions) error {
	return WritePublic(file, EncodeCertificates(chain...), options)
}

// WritePublic writes what anybody may read, such as a request.
func WritePublic(file string, data []byte, options WriteOptions) error {
	return writeAll(options.Replace, output{path(file), data, publicMode})
}

// WriteSecret writes what only the user may read, such as PKCS #12.
func WriteSecret(file string, data []byte, options WriteOptions) error {
	return writeAll(options.Replace, output{path(file), data, secretMode})
}

// output is a file to be written.
type output struct {
	path string
	data []byte
	mode fs.FileMode
}

// writeAll writes all files beside their places before it puts the first one
// there, and takes back what it did on any error.
func writeAll(replace bool, outputs ...output) (err error) {
	var undo []string
	defer func() {
		if err != nil {
			for _, name := range undo {
				_ = os.Remove(name)
			}
		}
	}()
	staged := make([]string, len(outputs))
	for i := range outputs {
		if err := outputs[i].check(replace); err != nil {
			return err
		}
		if staged[i], err = outputs[i].stage(replace); err != nil {
			return err
		}
		undo = append(undo, staged[i])
	}
	if !replace { // a place of our own, so that nobody's file is in the way
		for _, o := range outputs {
			if err := create(o.path, nil, o.mode, false); err != nil {
				return o.fault(err)
			}
			undo = append(undo, o.path)
		}
	}
	for i, o := range outputs {
		if err := os.Rename(staged[i], o.path); err != nil {
			return o.fault(err)
		}
	}
	return nil
}

// check refuses a place that is taken.
func (o output) check(replace bool) error {
	if o.path == "" {
		return &Error{Reason: ReasonUnset, Expected: "a path"}
	}
	info, err := os.Lstat(o.path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return o.fault(err)
	case !info.Mode().IsRegular() && info.Mode()&fs.ModeSymlink == 0:
		return &Error{Reason: ReasonDirectory, Path: o.path, Found: info.Mode().String()}
	case !replace:
		return &Error{Reason: ReasonExists, Path: o.path}
	default:
		return nil
	}
}

// stage writes the data beside its place, down to the disk if a good file is to
// make way for it: a power failure leaves the one or the other.
func (o output) stage(replace bool) (string, error) {
	name := filepath.Join(filepath.Dir(o.path), ".rpcplugin-"+rand.Text())
	if err := create(name, o.data, o.mode, replace); err != nil {
		return "", o.fault(err)
	}
	return name, nil
}

// create writes a file that does not exist, or leaves none.
func create(name string, data []byte, mode fs.FileMode, sync bool) error {
	file, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
	if err != nil {
		return err
	}
	_, err = file.Write(data)
	if err == nil && sync {
		err = file.Sync()
	}
	if closeErr := file.Close(); err == nil {
		err = closeErr
	}
	if err != nil {
		_ = os.Remove(name)
	}
	return err
}

func (o output) fault(err error) error {
	reason := ReasonWrite
	if errors.Is(err, fs.ErrExist) {
		reason = ReasonExists
	}
	return &Error{Reason: reason, Path: o.path, Err: withoutPath(err)}
}
