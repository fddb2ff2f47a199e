package pack

import (
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"
)

// documents are the files beside the archives: what registries and network
// mirrors have about them.
func (o Output) documents(p *Package, made []Made) ([]File, error) {
	switch o.Layout {
	case LayoutRegistry:
		return registryDocuments(p, made)
	case LayoutNetwork:
		return o.networkDocuments(p, made)
	case LayoutMirror, LayoutPacked:
	}
	return nil, nil
}

// registryDocuments are manifest and checksums of a release.
func registryDocuments(p *Package, made []Made) ([]File, error) {
	var manifest struct {
		Version  int `json:"version"`
		Metadata struct {
			ProtocolVersions []string `json:"protocol_versions"`
		} `json:"metadata"`
	}
	manifest.Version, manifest.Metadata.ProtocolVersions = 1, p.Program.protocols()
	text, err := json.MarshalIndent(manifest, "", "  ")
	if err != nil {
		return nil, err
	}
	names := registryNames(p)
	text = append(text, '\n')
	document := FileOf(names[0], text)
	sums := []string{fmt.Sprintf("%x  %s", sha256.Sum256(text), document.Name)}
	for _, one := range made {
		sums = append(sums, strings.TrimPrefix(one.ZH, "zh:")+"  "+path.Base(one.name))
	}
	slices.SortFunc(sums, func(a, b string) int { return strings.Compare(a[64:], b[64:]) })
	return []File{document, FileOf(names[1], []byte(strings.Join(sums, "\n")+"\n"))}, nil
}

// registryNames are the names of manifest and checksums.
func registryNames(p *Package) []string {
	release := p.Provider.prefix() + "_" + p.Version
	return []string{release + "_manifest.json", release + "_SHA256SUMS"}
}

// archiveEntry is what a network mirror tells of an archive.
type archiveEntry struct {
	URL    string   `json:"url"`
	Hashes []string `json:"hashes"`
}

// networkDocuments are index.json and VERSION.json, with what is there already.
func (o Output) networkDocuments(p *Package, made []Made) ([]File, error) {
	folder := path.Join(p.Provider.Host, p.Provider.Namespace, p.Provider.Type)
	var index struct {
		Versions map[string]struct{} `json:"versions"`
	}
	if err := o.readDocument(path.Join(folder, "index.json"), &index); err != nil {
		return nil, err
	}
	if index.Versions == nil {
		index.Versions = make(map[string]struct{})
	}
	index.Versions[p.Version] = struct{}{}
	var version struct {
		Archives map[string]archiveEntry `json:"archives"`
	}
	if err := o.readDocument(path.Join(folder, p.Version+".json"), &version); err != nil {
		return nil, err
	}
	if version.Archives == nil {
		version.Archives = make(map[string]archiveEntry)
	}
	for _, one := range made {
		version.Archives[one.Platform.String()] = archiveEntry{URL: path.Base(one.name), Hashes: []string{one.H1, one.ZH}}
	}
	var files []File
	for _, document := range []struct {
		name  string
		value any
	}{{"index.json", index}, {p.Version + ".json", version}} {
		text, err := json.MarshalIndent(document.value, "", "  ")
		if err != nil {
			return nil, err
		}
		files = append(files, FileOf(path.Join(folder, document.name), append(text, '\n')))
	}
	return files, nil
}

// readDocument reads one that may be there.
func (o Output) readDocument(name string, into any) error {
	data, err := os.ReadFile(o.path(name))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err == nil {
		err = json.Unmarshal(data, into)
	}
	if err != nil {
		return &Error{Reason: ReasonFiles, Err: fmt.Errorf("%s: %w", o.path(name), err), Advice: "it should be the index of a network mirror: remove or correct it"}
	}
	return nil
}
