package cmd

import (
	"bytes"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf16"

	"github.com/pyvider/rpcplugin/pkg/pki/certs"
)

// What certificates say is somebody else's text: it goes through visible.

// writeCertJSON escapes more than JSON asks for: what a terminal would obey.
func writeCertJSON(w io.Writer, value any) error {
	var plain bytes.Buffer
	if err := writeJSON(&plain, value); err != nil {
		return err
	}
	var safe strings.Builder
	for _, r := range plain.String() {
		if r == '\n' || unicode.IsPrint(r) {
			safe.WriteRune(r)
			continue
		}
		for _, unit := range utf16.Encode([]rune{r}) { // it is inside a string
			fmt.Fprintf(&safe, `\u%04x`, unit)
		}
	}
	_, err := io.WriteString(w, safe.String())
	return err
}

func dateText(at time.Time) string { return at.UTC().Format("2006-01-02 15:04:05 UTC") }

// namesText lists alternative names, each by its type unless it is DNS.
func namesText(names certs.NameList) string {
	var all []string
	for _, list := range []struct {
		kind  string
		names []string
	}{{"", names.DNS}, {"IP ", names.IP}, {"e-mail ", names.Email}, {"URI ", names.URI}} {
		for _, name := range list.names {
			if strings.ContainsAny(name, ` ,"`) { // or one would look like two
				name = strconv.Quote(name)
			}
			all = append(all, list.kind+printable(name))
		}
	}
	if all == nil {
		return "no alternative names"
	}
	return strings.Join(all, ", ")
}

// certificateRows describes a certificate in full.
func certificateRows(table *factTable, c certs.Properties) {
	table.row("subject", visible(c.Subject))
	table.row("issuer", visible(c.Issuer))
	table.row("names", namesText(c.Names))
	table.row("from", dateText(c.NotBefore))
	table.row("until", dateText(c.NotAfter)+", "+remaining(c.NotAfter))
	place := string(c.Position)
	if c.CA {
		place += ", an authority"
		if c.MaxPath != nil {
			place += fmt.Sprintf(" with at most %d intermediates below", *c.MaxPath)
		}
	}
	table.row("kind", place)
	table.row("key", c.Key.String())
	table.row("signature", c.Signature)
	table.row("usages", strings.Join(append(append([]string{}, c.Usages...), c.ExtendedUsages...), ", "))
	table.row("serial", c.Serial)
	table.row("sha256", c.SHA256)
	table.row("spki", c.SPKI)
}

// remaining is the time that is left, roughly.
func remaining(end time.Time) string {
	const day = 24 * time.Hour
	days := (end.Unix() - time.Now().Unix()) / int64(day/time.Second)
	switch left := time.Until(end); {
	case left < 0:
		return "expired"
	case left < 2*day:
		return fmt.Sprintf("%.0f hours left", left.Hours())
	default:
		return fmt.Sprintf("%d days left", days)
	}
}

// requestRows describes a request.
func requestRows(table *factTable, r certs.RequestProperties) {
	table.row("for", visible(r.Subject)+"\n"+namesText(r.Names))
	table.row("kind", r.Key.String()+", a request")
	if !r.Valid {
		table.row("signature", "wrong: it was changed after it was made")
	}
	table.row("spki", r.SPKI)
}

// shortText is a certificate in one line.
func shortText(c certs.Properties) string {
	return fmt.Sprintf("%s  %s  %s  until %s  %s", c.Position, visible(c.Subject), c.Key, c.NotAfter.Format(time.DateOnly), c.SHA256[:16])
}
