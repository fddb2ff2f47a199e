package certs

import (
	"bytes"
	"encoding/binary"
	"encoding/pem"
	"strings"
	"unicode/utf16"
)

const (
	typeCertificate = "CERTIFICATE"
	typeRequest     = "CERTIFICATE REQUEST"
	typeOldRequest  = "NEW CERTIFICATE REQUEST"
	typeTrusted     = "TRUSTED CERTIFICATE"
	typeOldX509     = "X509 CERTIFICATE"
	typeKey         = "PRIVATE KEY"
	typeEncrypted   = "ENCRYPTED PRIVATE KEY"
	typeRSA         = "RSA PRIVATE KEY"
	typeEC          = "EC PRIVATE KEY"
)

// plainText takes a byte order mark off, and makes UTF-8 of the UTF-16 that
// some shells of Windows write.
func plainText(data []byte) []byte {
	if rest, found := bytes.CutPrefix(data, []byte("\xef\xbb\xbf")); found {
		return rest
	}
	var order binary.ByteOrder
	switch {
	case bytes.HasPrefix(data, []byte{0xff, 0xfe}):
		order = binary.LittleEndian
	case bytes.HasPrefix(data, []byte{0xfe, 0xff}):
		order = binary.BigEndian
	default:
		return data
	}
	var units []uint16
	for rest := data[2:]; len(rest) >= 2; rest = rest[2:] {
		units = append(units, order.Uint16(rest))
	}
	return []byte(string(utf16.Decode(units)))
}

// blocks returns all blocks of a text in PEM form, with any line ends, with
// indentation and with other text around them; none of what is no PEM. A block
// that begins and is not whole is an error.
func blocks(data []byte) ([]*pem.Block, error) {
	const begin, end = "-----BEGIN ", "-----END "
	data = plainText(data)
	if !bytes.Contains(data, []byte(begin)) {
		return nil, nil
	}
	text := strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(string(data))
	lines := strings.Split(text, "\n")
	started, ended := 0, 0
	for i, line := range lines {
		line = strings.TrimSpace(line)
		lines[i] = line
		if strings.HasPrefix(line, begin) {
			started++
		}
		if strings.HasPrefix(line, end) {
			ended++
		}
	}
	rest, all := []byte(strings.Join(lines, "\n")), []*pem.Block(nil)
	for {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			break
		}
		all = append(all, block)
	}
	switch {
	case started > ended:
		return nil, &Error{Reason: ReasonTruncated, Expected: "a line that begins with " + end + "for each that begins with " + begin}
	case len(all) < started || started == 0:
		return nil, &Error{Reason: ReasonDamaged, Expected: "base64 between the lines of PEM"}
	}
	return all, nil
}

// broken tells bytes of DER that end too early, and those with a key of a kind
// that is not supported, from those that are none.
func broken(der []byte, expected string, cause error) *Error {
	if isCut(der) {
		return &Error{Reason: ReasonTruncated, Expected: expected}
	}
	if kind := foreignKind(der); kind != "" {
		return &Error{Reason: ReasonKeyKind, Found: kind, Expected: expectedKinds(), Err: cause}
	}
	return &Error{Reason: ReasonDamaged, Expected: expected, Err: cause}
}

// isCut says whether DER begins with a sequence that is longer than the rest.
func isCut(der []byte) bool {
	if len(der) == 0 || der[0] != 0x30 {
		return false
	}
	if len(der) < 2 {
		return true
	}
	length, header := uint64(der[1]), 2
	if length >= 0x80 {
		count := int(length & 0x7f)
		if count == 0 || count > 3 { // the files here end at MaxFile
			return false
		}
		if len(der) < 2+count {
			return true
		}
		length, header = 0, 2+count
		for _, b := range der[2:header] {
			length = length<<8 | uint64(b)
		}
	}
	return uint64(len(der)-header) < length
}
