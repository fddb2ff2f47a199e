package cmd

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"time"

	"github.com/pyvider/rpcplugin/pkg/pki"
	"github.com/pyvider/rpcplugin/pkg/pki/certs"
	"github.com/pyvider/rpcplugin/pkg/transport"
)

// certSource is where certificates are looked at.
type certSource struct {
	Source  string        `arg:"" help:"A file, - for stdin, a handshake line in quotes, or a server: host:port or unix:///path."`
	Timeout time.Duration `default:"5s" help:"Longest wait for a server."`
}

// exhibit is what was found: certificates, leaf first, or else a request.
type exhibit struct {
	chain   []*x509.Certificate
	request *x509.CertificateRequest
	// field is the certificate field of a handshake line, as it stands there.
	field string
}

// look reads the source, or asks the server.
func (s certSource) look(ctx context.Context, p *Program) (exhibit, error) {
	if strings.Contains(s.Source, "|") {
		return exhibitOfLine(s.Source)
	}
	if endpoint, ok := s.server(); ok {
		return s.ask(ctx, endpoint)
	}
	data, err := p.readInput(s.Source)
	if err != nil {
		return exhibit{}, err
	}
	found, err := exhibitOf(data)
	return found, ofInput(s.Source, err)
}

// certificates is look for those who want nothing else.
func (s certSource) certificates(ctx context.Context, p *Program) (exhibit, error) {
	found, err := s.look(ctx, p)
	if err == nil && len(found.chain) == 0 {
		err = ofInput(s.Source, &certs.Error{Reason: certs.ReasonNotFound, Found: "a request", Expected: "a certificate"})
	}
	return found, err
}

// readInput reads a file, or stdin for "-".
func (p *Program) readInput(name string) ([]byte, error) {
	if name != "-" {
		return certs.ReadFile(strings.TrimPrefix(name, "@"))
	}
	if isTerminal(p.Stdin) {
		return nil, usagef("name a file, or write COMMAND | rpcplugin …", "nothing was given on standard input")
	}
	data, err := certs.Read(p.Stdin)
	return data, ofInput(name, err)
}

// ofInput adds the name of the input to an error.
func ofInput(name string, err error) error {
	switch {
	case err == nil:
		return nil
	case name == "-":
		return fmt.Errorf("standard input: %w", err)
	default:
		return fmt.Errorf("%q: %w", name, err)
	}
}

// exhibitOf sorts out what was read.
func exhibitOf(data []byte) (exhibit, error) {
	first, _, _ := strings.Cut(string(data), "\n")
	if strings.Count(first, "|") >= 3 {
		return exhibitOfLine(first)
	}
	chain, err := certs.ParseCertificates(data)
	if err == nil {
		return exhibit{chain: chain}, nil
	}
	if request, other := certs.ParseRequest(data); other == nil {
		return exhibit{request: request}, nil
	}
	return exhibit{}, err
}

// exhibitOfLine takes the certificate field. What is wrong with it is for those
// who look at fields.
func exhibitOfLine(line string) (exhibit, error) {
	fields := strings.Split(strings.TrimSpace(line), "|")
	if len(fields) < 6 || fields[5] == "" {
		return exhibit{}, &certs.Error{Reason: certs.ReasonNotFound, Found: "a handshake line without a certificate", Expected: "one in field 6"}
	}
	found := exhibit{field: fields[5]}
	certificate, err := pki.DecodeField(found.field)
	if err != nil {
		return found, fmt.Errorf("certificate of the handshake line: %w", err)
	}
	found.chain = []*x509.Certificate{certificate}
	return found, nil
}

// server says whether the source is an address: with a scheme, or of the form
// host:port while no file goes by that name.
func (s certSource) server() (transport.Endpoint, bool) {
	scheme := strings.HasPrefix(s.Source, "unix:") || strings.HasPrefix(s.Source, "tcp:")
	if !scheme {
		_, port, err := net.SplitHostPort(s.Source)
		if err != nil || port == "" || strings.Trim(port, "0123456789") != "" {
			return transport.Endpoint{}, false
		}
		if _, err := os.Lstat(s.Source); err == nil {
			return transport.Endpoint{}, false
		}
	}
	endpoint, err := transport.ParseEndpoint(s.Source)
	return endpoint, err == nil
}

// ask takes the certificates that a server shows, whatever it thinks of us.
func (s certSource) ask(ctx context.Context, endpoint transport.Endpoint) (exhibit, error) {
	if err := checkDuration("--timeout", s.Timeout); err != nil {
		return exhibit{}, err
	}
	ctx, cancel := context.WithTimeout(ctx, s.Timeout)
	defer cancel()
	conn, err := transport.Connect(ctx, endpoint)
	if err != nil {
		return exhibit{}, s.unreached(err)
	}
	defer conn.Close()
	var found exhibit
	name := "localhost"
	if host, _, err := net.SplitHostPort(endpoint.Address); err == nil && endpoint.Network == transport.NetworkTCP {
		name = host
	}
	secured := tls.Client(conn, &tls.Config{
		ServerName: name, NextProtos: []string{"h2"}, MinVersion: tls.VersionTLS12,
		InsecureSkipVerify: true, // it is looked at here, and not relied on
		VerifyPeerCertificate: func(raw [][]byte, _ [][]*x509.Certificate) error {
			for _, der := range raw {
				certificate, err := x509.ParseCertificate(der)
				if err != nil {
					return err
				}
				found.chain = append(found.chain, certificate)
			}
			return nil
		},
	})
	err = secured.HandshakeContext(ctx)
	switch {
	case len(found.chain) > 0:
		return found, nil
	case errors.Is(err, context.DeadlineExceeded):
		return found, s.unreached(fmt.Errorf("no TLS handshake within %s: %w", s.Timeout, err))
	default:
		return found, fmt.Errorf("%q: %w", s.Source, &tlsError{pki.Explain(err)})
	}
}

// unreached is a server that does not answer, in time or at all.
func (s certSource) unreached(err error) error {
	err = fmt.Errorf("%q: %w", s.Source, err)
	if errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	return &startError{err}
}
