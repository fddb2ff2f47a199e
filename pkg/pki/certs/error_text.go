package certs

// text is what a reason means, and the advice that goes with it.
type text struct{ what, hint string }

// what says in words what the reason stands for.
func (r Reason) what() string {
	if t := r.text(); t.what != "" {
		return t.what
	}
	return string(r)
}

// hint says what to do about it, or nothing.
func (r Reason) hint() string { return r.text().hint }

func (r Reason) text() text {
	if t := r.fileText(); t.what != "" {
		return t
	}
	if t := r.makingText(); t.what != "" {
		return t
	}
	return r.verificationText()
}

func (r Reason) fileText() text {
	switch r {
	case ReasonUnset:
		return text{"nothing is given", "a certificate and its key go together"}
	case ReasonUnreadable:
		return text{"cannot be read", "a path is taken from the working directory unless it is absolute; the file must be readable for this user"}
	case ReasonDirectory:
		return text{"is not a regular file", "name the file itself"}
	case ReasonEmpty:
		return text{"is empty", "an earlier command may have failed while it wrote the file"}
	case ReasonTooLarge:
		return text{"is too large", "a file of certificates has a few kilobytes: this one is something else"}
	case ReasonNotFound:
		return text{"does not hold what is needed", "certificates, keys and requests are told apart by the line that begins with -----BEGIN"}
	case ReasonDamaged:
		return text{"is damaged or of an unknown form", "PEM and DER are read, and PKCS #12 where it is asked for; make or copy the file again"}
	case ReasonTruncated:
		return text{"is cut off", "copy the file again, whole"}
	case ReasonEncrypted:
		return text{"is encrypted", "give the file with its password"}
	case ReasonPassword:
		return text{"cannot be decrypted: the password is wrong", "the password is the first line of its file, without the line end"}
	case ReasonCipher:
		return text{"is encrypted in a way that is not supported", `"openssl pkcs8 -topk8 -v2 aes-256-cbc -in FILE -out NEW" encrypts it anew`}
	case ReasonExists:
		return text{"exists and is not replaced", "choose another name, or replace it with --force"}
	case ReasonWrite:
		return text{"cannot be written", "the directory must exist and be writable for this user, with space left"}
	default:
		return text{}
	}
}

func (r Reason) makingText() text {
	switch r {
	case ReasonKeyKind:
		return text{"unsupported kind of key", "use p-256, which every TLS takes"}
	case ReasonWeakKey:
		return text{"key is too weak", "make a new key: p-256, or RSA of 2048 bits or more"}
	case ReasonMismatch:
		return text{"private key does not belong to the certificate", "the first certificate of its file is the one that the key must belong to; those of authorities come after it"}
	case ReasonProfile:
		return text{"unknown profile", ""}
	case ReasonValidity:
		return text{"period of validity is no good", `write durations like "30d", "1y" or "8760h", and instants like "2027-01-31T12:00:00Z"`}
	case ReasonName:
		return text{"alternative name is no good", `write a DNS name, an IP address, an e-mail address or a URI; "dns:", "ip:", "email:" or "uri:" before it says which`}
	case ReasonIssuer:
		return text{"issuer does not fit", "leaf and intermediate certificates are signed by a root or an intermediate; go-plugin, root and self-signed ones sign themselves"}
	case ReasonRequest:
		return text{"request is not signed with its own key", "the request was changed after it was made: make it again"}
	case ReasonFormat:
		return text{"unknown format", ""}
	case ReasonGenerate:
		return text{"cannot make it", ""}
	default:
		return text{}
	}
}

func (r Reason) verificationText() text {
	switch r {
	case ReasonExpired:
		return text{"certificate has expired", "issue the certificate anew, or set the clock"}
	case ReasonNotYetValid:
		return text{"certificate is not valid yet", "wait, or set the clock of this machine or of the one that issued it"}
	case ReasonWrongName:
		return text{"certificate does not go by the name", `peers of the go-plugin protocol ask for "localhost" among the subject alternative names; the common name does not count`}
	case ReasonUnknownAuthority:
		return text{"authority is not trusted", "trust the root that the certificate comes from, not another of the same name"}
	case ReasonIncomplete:
		return text{"chain is incomplete", "put the certificates of the intermediates behind the leaf, or trust the authority that issued the last one"}
	case ReasonOrder:
		return text{"chain is out of order", "the leaf comes first, and each next certificate is the issuer of the one before"}
	case ReasonUsage:
		return text{"certificate is not for this purpose", "issue it with the extended usages that it needs: both for a go-plugin connection; authorities need the CA bit and certificate signing"}
	case ReasonConstraint:
		return text{"issuer does not allow it", "an issuer's path length or name constraints exclude this certificate"}
	case ReasonWeakSignature:
		return text{"signature is too weak", "issue the certificate anew with SHA-256"}
	default:
		return text{}
	}
}
