package pyenv

import (
	"bufio"
	"errors"
	"io"
	"regexp"

	"github.com/pyvider/rpcplugin/internal/hclog"
)

// withoutSecrets passes on what pip says, line by line, without what stands before
// the @ of an address: pip itself hides passwords only of package indexes.
func withoutSecrets(r io.Reader) io.Reader {
	userinfo := regexp.MustCompile(`(://)[^/\s'"]+@`)
	out, in := io.Pipe()
	go func() {
		lines := bufio.NewReaderSize(r, hclog.MaxLineBytes)
		for {
			line, err := lines.ReadSlice('\n')
			_, _ = in.Write(userinfo.ReplaceAll(line, []byte("$1****@")))
			if err != nil && !errors.Is(err, bufio.ErrBufferFull) {
				_ = in.CloseWithError(err)
				return
			}
		}
	}()
	return out
}
