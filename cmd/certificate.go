package cmd

import (
	"time"

	"github.com/pyvider/rpcplugin/pkg/pki"
	"github.com/pyvider/rpcplugin/pkg/pki/certs"
)

// certificateInfo is a certificate in short.
type certificateInfo struct {
	Key      string    `json:"key"`
	Subject  string    `json:"subject"`
	NotAfter time.Time `json:"not_after"`
	SHA256   string    `json:"sha256"`
}

// describeCertificate returns nil for none.
func describeCertificate(der []byte) (*certificateInfo, error) {
	if len(der) == 0 {
		return nil, nil //nolint:nilnil // there is none, and that is fine
	}
	certificate, err := pki.ParseDER(der)
	if err != nil {
		return nil, err
	}
	facts := certs.Describe(certificate)[0]
	return &certificateInfo{Key: facts.Key.String(), Subject: facts.Subject, NotAfter: facts.NotAfter, SHA256: facts.SHA256}, nil
}
