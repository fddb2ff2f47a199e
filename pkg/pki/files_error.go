package pki

import "fmt"

// A FileReason says what is wrong with a file. The set is closed.
type FileReason string

// The reasons of a FileError.
const (
	// FileUnset: the file is needed, and no path is set.
	FileUnset FileReason = "unset"
	// FileUnreadable: there is no such file, or it may not be read.
	FileUnreadable FileReason = "unreadable"
	// FileNoPEM: the file holds no block of the type that is needed.
	FileNoPEM FileReason = "no pem"
	// FileDamaged: a block is no certificate, or no key, of a known kind.
	FileDamaged FileReason = "damaged"
	// FileEncrypted: the key needs a password.
	FileEncrypted FileReason = "encrypted"
	// FileMismatch: the key is not that of the certificate.
	FileMismatch FileReason = "mismatch"
	// FileDates: the certificate has expired, or is not valid yet.
	FileDates FileReason = "dates"
)

// The settings of a FileError.
const (
	settingCertificate = "certificate"
	settingKey         = "key"
	settingCA          = "CA"
)

// A FileError is what the methods of [Files] fail with. It never holds key
// material.
type FileError struct {
	// Reason is never empty.
	Reason FileReason
	// Setting is which of the Files it is: "certificate", "key" or "CA".
	Setting string
	// Path is the file, without "file://"; empty with FileUnset, and where none was
	// given but its text.
	Path string
	// Found is what was found, Expected what would have been right. Either may
	// be empty.
	Found, Expected string
	// Err is the cause, or nil.
	Err error
}

// Error names the file and says what is wrong with it.
func (e *FileError) Error() string {
	text := e.Setting + " file"
	if e.Path != "" {
		text += fmt.Sprintf(" %q", e.Path)
	}
	text += " " + e.Reason.what()
	if e.Found != "" {
		text += fmt.Sprintf(": found %q", e.Found)
	}
	if e.Expected != "" {
		text += ", expected " + e.Expected
	}
	if e.Err != nil {
		text += ": " + e.Err.Error()
	}
	return text
}

// Unwrap returns the cause.
func (e *FileError) Unwrap() error { return e.Err }

// Hint returns what to do about it, or nothing.
func (e *FileError) Hint() string {
	switch e.Reason {
	case FileUnset:
		return "a certificate and its key go together"
	case FileUnreadable:
		return "a path is taken from the working directory unless it is absolute; the file must be readable for this user"
	case FileNoPEM:
		return `PEM begins with a line such as "-----BEGIN CERTIFICATE-----"; "openssl x509 -inform der" and "openssl pkey -inform der" convert from DER`
	case FileDamaged:
		return `"openssl x509 -noout -text -in FILE" or "openssl pkey -noout -text -in FILE" shows what the file holds`
	case FileEncrypted:
		return `nobody is there to be asked for a password; "openssl pkey -in FILE -out NEW" takes it off`
	case FileMismatch:
		return "the first certificate of its file is the one that the key must belong to; those of authorities come after it"
	case FileDates:
		return "issue the certificate anew, or set the clock"
	default:
		return ""
	}
}

// what says in words what the reason stands for.
func (r FileReason) what() string {
	switch r {
	case FileUnset:
		return "is not set"
	case FileUnreadable:
		return "cannot be read"
	case FileNoPEM:
		return "has nothing of use in PEM form"
	case FileDamaged:
		return "cannot be used"
	case FileEncrypted:
		return "is encrypted"
	case FileMismatch:
		return "does not match the certificate"
	case FileDates:
		return "holds a certificate that is not valid now"
	default:
		return string(r)
	}
}
