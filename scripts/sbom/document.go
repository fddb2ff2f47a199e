package main

import (
	"crypto/sha256"
	"debug/buildinfo"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"time"

	cdx "github.com/CycloneDX/cyclonedx-go"
)

// writeDocument writes the CycloneDX document.
func writeDocument(w io.Writer, build *buildinfo.BuildInfo, modules []module, binary string) error {
	content, err := os.ReadFile(binary)
	if err != nil {
		return err
	}
	main := component(cdx.ComponentTypeApplication, module{path: build.Main.Path, version: build.Main.Version, licences: []string{"Apache-2.0"}})
	main.Hashes = &[]cdx.Hash{{Algorithm: cdx.HashAlgoSHA256, Value: fmt.Sprintf("%x", sha256.Sum256(content))}}
	var properties []cdx.Property
	for _, setting := range build.Settings {
		properties = append(properties, cdx.Property{Name: "go:build:" + setting.Key, Value: setting.Value})
	}
	main.Properties = &properties

	document := cdx.NewBOM()
	document.Metadata = &cdx.Metadata{Component: &main}
	if epoch, found := os.LookupEnv("SOURCE_DATE_EPOCH"); found {
		seconds, err := strconv.ParseInt(epoch, 10, 64)
		if err != nil {
			return fmt.Errorf("SOURCE_DATE_EPOCH is %q, expected seconds since 1970", epoch)
		}
		document.Metadata.Timestamp = time.Unix(seconds, 0).UTC().Format(time.RFC3339)
	}
	var components []cdx.Component
	var references []string
	for _, m := range modules {
		c := component(cdx.ComponentTypeLibrary, m)
		components = append(components, c)
		references = append(references, c.BOMRef)
	}
	document.Components = &components
	document.Dependencies = &[]cdx.Dependency{{Ref: main.BOMRef, Dependencies: &references}}
	return cdx.NewBOMEncoder(w, cdx.BOMFileFormatJSON).SetPretty(true).Encode(document)
}

// component describes a module.
func component(kind cdx.ComponentType, m module) cdx.Component {
	version := m.version
	if m.path == "std" {
		version = strings.TrimPrefix(version, "go")
	}
	purl := "pkg:golang/" + m.path + "@" + version
	var licences cdx.Licenses
	for _, id := range m.licences {
		licences = append(licences, cdx.LicenseChoice{License: &cdx.License{ID: id}})
	}
	return cdx.Component{
		Type: kind, BOMRef: purl, Name: m.path, Version: version, PackageURL: purl,
		Scope: cdx.ScopeRequired, Licenses: &licences,
	}
}
