package pack

import (
	"bytes"
	"debug/elf"
	"debug/macho"
	"debug/pe"
	"slices"
	"strings"
)

// headerSize is how much of a program is read to tell what it is for.
const headerSize = 64 << 10

// machine is what the header of a program says of itself.
type machine struct {
	format string   // the system, as far as ELF, Mach-O or PE tell
	archs  []string // as Go names them, "" for those that are not known here
}

// machineOf reads the header of a program; false if it is none.
func machineOf(header []byte) (machine, bool) {
	switch {
	case bytes.HasPrefix(header, []byte(elf.ELFMAG)) && len(header) >= 20:
		kind := elf.Machine(uint16(header[18]) | uint16(header[19])<<8)
		if elf.Data(header[elf.EI_DATA]) == elf.ELFDATA2MSB {
			kind = elf.Machine(uint16(header[19]) | uint16(header[18])<<8)
		}
		return machine{"Linux or Unix", []string{elfArch(kind)}}, true
	case bytes.HasPrefix(header, []byte("MZ")):
		at := 0
		if len(header) >= 0x40 {
			at = int(header[0x3c]) | int(header[0x3d])<<8 | int(header[0x3e])<<16
		}
		if at+6 > len(header) || !bytes.HasPrefix(header[at:], []byte("PE\x00\x00")) {
			return machine{}, false
		}
		return machine{"Windows", []string{peArch(uint16(header[at+4]) | uint16(header[at+5])<<8)}}, true
	case bytes.HasPrefix(header, []byte{0xca, 0xfe, 0xba, 0xbe}) && len(header) >= 8: // for several
		found := machine{format: "macOS"}
		for i := 0; i < int(header[7]) && 8+20*i+4 <= len(header); i++ {
			cpu := header[8+20*i:]
			found.archs = append(found.archs, machoArch(macho.Cpu(uint32(cpu[0])<<24|uint32(cpu[1])<<16|uint32(cpu[2])<<8|uint32(cpu[3]))))
		}
		return found, true
	case bytes.HasPrefix(header, []byte{0xcf, 0xfa, 0xed, 0xfe}) && len(header) >= 8:
		cpu := macho.Cpu(uint32(header[4]) | uint32(header[5])<<8 | uint32(header[6])<<16 | uint32(header[7])<<24)
		return machine{"macOS", []string{machoArch(cpu)}}, true
	default:
		return machine{}, false
	}
}

func (m machine) String() string {
	archs := strings.Join(m.archs, ", ")
	if archs == "" {
		archs = "another architecture"
	}
	return m.format + " program for " + archs
}

// fits reports whether a program of that header can run there. ELF does not tell
// the systems apart that use it; an unknown architecture fits every one that
// has no header of its own here.
func (m machine) fits(platform Platform) bool {
	format := "Linux or Unix"
	switch platform.OS {
	case "darwin", "ios":
		format = "macOS"
	case "windows":
		format = "Windows"
	}
	known := []string{"386", "amd64", "arm", "arm64", "ppc64", "ppc64le", "riscv64", "s390x"}
	if m.format != format {
		return false
	}
	return slices.ContainsFunc(m.archs, func(arch string) bool {
		if platform.Arch == "ppc64le" && arch == "ppc64" {
			return true
		}
		return arch == platform.Arch || arch == "" && !slices.Contains(known, platform.Arch)
	})
}

func elfArch(kind elf.Machine) string {
	switch kind {
	case elf.EM_386:
		return "386"
	case elf.EM_X86_64:
		return "amd64"
	case elf.EM_ARM:
		return "arm"
	case elf.EM_AARCH64:
		return "arm64"
	case elf.EM_PPC64:
		return "ppc64"
	case elf.EM_RISCV:
		return "riscv64"
	case elf.EM_S390:
		return "s390x"
	default:
		return ""
	}
}

func machoArch(cpu macho.Cpu) string {
	switch cpu {
	case macho.CpuAmd64:
		return "amd64"
	case macho.CpuArm64:
		return "arm64"
	default:
		return ""
	}
}

func peArch(kind uint16) string {
	switch kind {
	case pe.IMAGE_FILE_MACHINE_I386:
		return "386"
	case pe.IMAGE_FILE_MACHINE_AMD64:
		return "amd64"
	case pe.IMAGE_FILE_MACHINE_ARM64:
		return "arm64"
	default:
		return ""
	}
}
