package process

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"os"
	"strings"
)

// Describe says what kind of file a command stands for: path, mode, owner and
// executable format. It is a diagnosis for people and never fails.
func Describe(command string) string {
	path, err := Look(command)
	if err != nil {
		return err.Error()
	}
	info, err := os.Stat(path)
	if err != nil {
		return err.Error()
	}
	text := fmt.Sprintf("%q, mode %v", path, info.Mode())
	if owner := ownerOf(info); owner != "" {
		text += ", owner " + owner
	}
	return text + ", " + formatOf(path)
}

// formatOf reads the magic bytes of a file.
func formatOf(path string) string {
	file, err := os.Open(path)
	if err != nil {
		return "not readable"
	}
	defer file.Close()
	head := make([]byte, 128)
	n, err := io.ReadFull(file, head)
	if n == 0 {
		return "empty"
	}
	head = head[:n]
	switch {
	case bytes.HasPrefix(head, []byte("#!")):
		line, _, _ := strings.Cut(string(head[2:]), "\n")
		return fmt.Sprintf("script for %q", strings.TrimSpace(line))
	case bytes.HasPrefix(head, []byte("\x7fELF")) && err == nil:
		return "ELF program for " + elfMachine(head)
	case bytes.HasPrefix(head, []byte("MZ")):
		return "Windows program"
	case bytes.HasPrefix(head, []byte("\xcf\xfa\xed\xfe")), bytes.HasPrefix(head, []byte("\xca\xfe\xba\xbe")):
		return "macOS program"
	default:
		return "of no executable format known here"
	}
}

// elfMachine names the processor that an ELF header is for: the field e_machine,
// at byte 18, in the order of bytes that byte 5 tells.
func elfMachine(head []byte) string {
	var order binary.ByteOrder = binary.LittleEndian
	if head[5] == 2 {
		order = binary.BigEndian
	}
	switch machine := order.Uint16(head[18:]); machine {
	case 3:
		return "386"
	case 40:
		return "arm"
	case 62:
		return "amd64"
	case 183:
		return "arm64"
	case 243:
		return "riscv64"
	default:
		return fmt.Sprintf("machine %d", machine)
	}
}
