package pack

import (
	"archive/zip"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"os"
	"time"
)

// writeZip packs files: the same bytes for the same files. There are no entries
// for folders, which Terraform would hash in an archive, but not in a folder. It
// returns the archive's size in bytes and its hash, "zh:…".
func writeZip(at string, files []File, counted *counter) (size int64, hash string, err error) {
	target, err := os.OpenFile(at, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return 0, "", err
	}
	defer func() { err = errors.Join(err, target.Close()) }()
	sum := sha256.New()
	archive := zip.NewWriter(io.MultiWriter(target, sum))
	for _, file := range files {
		header := &zip.FileHeader{Name: file.Name, Method: zip.Deflate, Modified: time.Date(1980, 1, 1, 0, 0, 0, 0, time.UTC)}
		header.SetMode(file.mode())
		entry, err := archive.CreateHeader(header)
		if err != nil {
			return 0, "", err
		}
		if err := copyFile(entry, file, counted); err != nil {
			return 0, "", err
		}
	}
	if err := archive.Close(); err != nil {
		return 0, "", err
	}
	info, err := target.Stat()
	if err != nil {
		return 0, "", err
	}
	return info.Size(), "zh:" + hex.EncodeToString(sum.Sum(nil)), nil
}

// zipHash is the hash of an archive, "zh:…".
func zipHash(at string) (string, error) {
	file, err := os.Open(at)
	if err != nil {
		return "", err
	}
	defer file.Close()
	sum := sha256.New()
	_, err = io.Copy(sum, file)
	return "zh:" + hex.EncodeToString(sum.Sum(nil)), err
}
