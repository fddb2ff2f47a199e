package pack

import (
	"io"

	"golang.org/x/mod/sumdb/dirhash"
)

// hash1 is the hash that Terraform's lock file has of a package directory, "h1:…".
func hash1(files []File) (string, error) {
	names := make([]string, 0, len(files))
	byName := make(map[string]File, len(files))
	for _, file := range files {
		names = append(names, file.Name)
		byName[file.Name] = file
	}
	return dirhash.Hash1(names, func(name string) (io.ReadCloser, error) { return byName[name].Open() })
}
