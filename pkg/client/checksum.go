package client

import (
	"crypto/sha256"
	"crypto/sha512"
	"crypto/subtle"
	"encoding/hex"
	"fmt"
	"hash"
	"io"
	"os"
	"strings"

	"github.com/pyvider/rpcplugin/internal/process"
)

// Checksum is the sum that a plugin's executable must have. The zero value asks
// for none.
//
// The file is read before it is started, so that neither one that is exchanged in
// between nor an interpreter, library or file that the program loads is covered:
// keep them where nobody else can write.
type Checksum struct {
	// Hash makes the hash, such as sha256.New, or the method New of a
	// crypto.Hash that is linked in.
	Hash func() hash.Hash
	// Sum is the expected sum, as long as the hash's.
	Sum []byte
}

// ParseChecksum reads "sha256:" and the sum in hexadecimal, of either case;
// sha384 and sha512 are the other names. The error is an *Error with
// ReasonConfig.
func ParseChecksum(text string) (Checksum, error) {
	name, sum, found := strings.Cut(strings.TrimSpace(text), ":")
	var c Checksum
	switch strings.ToLower(name) {
	case "sha256":
		c.Hash = sha256.New
	case "sha384":
		c.Hash = sha512.New384
	case "sha512":
		c.Hash = sha512.New
	default:
		found = false
	}
	if !found {
		return Checksum{}, badConfig("checksum %q has no known hash, expected \"sha256:\", \"sha384:\" or \"sha512:\" before it", text)
	}
	var err error
	if c.Sum, err = hex.DecodeString(sum); err != nil {
		return Checksum{}, badConfig("checksum %q is not hexadecimal: %w", text, err)
	}
	if err := c.check(); err != nil {
		return Checksum{}, badConfig("checksum %q: %w", text, err)
	}
	return c, nil
}

// asked reports whether there is a sum to be checked.
func (c Checksum) asked() bool { return c.Hash != nil || c.Sum != nil }

// check finds a sum that nothing can match.
func (c Checksum) check() error {
	switch {
	case !c.asked():
		return nil
	case c.Hash == nil:
		return fmt.Errorf("a sum of %d bytes without its hash", len(c.Sum))
	}
	if size := c.Hash().Size(); len(c.Sum) != size {
		return fmt.Errorf("a sum of %d bytes, expected the %d of its hash", len(c.Sum), size)
	}
	return nil
}

// checkSum compares the executable with the sum that it must have.
func (c *Client) checkSum() error {
	if !c.cfg.Checksum.asked() {
		return nil
	}
	command := ""
	if len(c.cfg.Command) > 0 {
		command = c.cfg.Command[0]
	}
	path, err := process.Look(command)
	if err != nil {
		return c.fail(ReasonCommand, err)
	}
	found, err := c.cfg.Checksum.of(path)
	if err != nil {
		return c.fail(ReasonChecksum, err)
	}
	if subtle.ConstantTimeCompare(found, c.cfg.Checksum.Sum) == 1 {
		return nil
	}
	failed := c.fail(ReasonChecksum, nil)
	failed.Found, failed.Expected = hex.EncodeToString(found), hex.EncodeToString(c.cfg.Checksum.Sum)
	failed.Program = process.Describe(command)
	return failed
}

// of is the sum of a file.
func (c Checksum) of(path string) ([]byte, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	h := c.Hash()
	if _, err := io.Copy(h, file); err != nil {
		return nil, err
	}
	return h.Sum(nil), nil
}
