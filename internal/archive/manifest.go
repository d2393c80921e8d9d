package archive

import (
	"archive/zip"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
)

// ErrDamaged says that an archive is not what was written.
var ErrDamaged = errors.New("archive: damaged")

const (
	manifestName = "manifest.json"
	// format is the version of the form of archives.
	format = 1
	// maxManifest bounds the manifest that is read.
	maxManifest = 1 << 20
)

// Manifest says what is in an archive.
type Manifest struct {
	Format int `json:"format"`
	// Created is when, UTC.
	Created  time.Time `json:"created"`
	Services []Service `json:"services"`
}

// Service is the store of one service.
type Service struct {
	Name string `json:"name"`
	// Schema is the version of the store's schema.
	Schema int `json:"schema"`
	// Collections of documents.
	Collections []Collection `json:"collections"`
	Journal     Member       `json:"journal"`
	Blobs       Member       `json:"blobs"`
}

// Collection is one collection of documents.
type Collection struct {
	Name string `json:"name"`
	// Message is the full name of the message type of its bodies.
	Message string `json:"message"`
	Member
}

// Member is one member of the archive.
type Member struct {
	// Records in it.
	Records int64 `json:"records"`
	// SHA256 of its content, in lower-case hex.
	SHA256 string `json:"sha256"`
}

// Documents is the number of documents of a service.
func (s Service) Documents() int64 {
	total := int64(0)
	for _, c := range s.Collections {
		total += c.Records
	}
	return total
}

func documentsName(service, collection string) string {
	return service + "/documents/" + collection
}
func journalName(service string) string { return service + "/journal" }
func blobsName(service string) string   { return service + "/blobs" }

// members are all members by name, but for the manifest.
func (m Manifest) members() map[string]Member {
	out := map[string]Member{}
	for _, s := range m.Services {
		for _, c := range s.Collections {
			out[documentsName(s.Name, c.Name)] = c.Member
		}
		out[journalName(s.Name)], out[blobsName(s.Name)] = s.Journal, s.Blobs
	}
	return out
}

// Reader reads an archive whose checksums were found right.
type Reader struct {
	Manifest Manifest
	zip      *zip.Reader
}

// Open reads an archive once from end to end. One that was cut off or changed is
// [ErrDamaged].
func Open(r io.ReaderAt, size int64) (*Reader, error) {
	z, err := zip.NewReader(r, size)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	a := &Reader{zip: z}
	if err := a.readManifest(); err != nil {
		return nil, err
	}
	members := a.Manifest.members()
	for _, f := range z.File {
		if f.Name == manifestName {
			continue
		}
		want, ok := members[f.Name]
		if !ok {
			return nil, fmt.Errorf("%w: %s is not in the manifest, or there twice", ErrDamaged, f.Name)
		}
		delete(members, f.Name)
		if err := checkMember(f, want); err != nil {
			return nil, err
		}
	}
	for name := range members {
		return nil, fmt.Errorf("%w: %s is missing", ErrDamaged, name)
	}
	return a, nil
}

func (a *Reader) readManifest() error {
	f, err := a.zip.Open(manifestName)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	defer func() { _ = f.Close() }()
	text, err := io.ReadAll(io.LimitReader(f, maxManifest))
	if err != nil {
		return fmt.Errorf("%w: %s: %w", ErrDamaged, manifestName, err)
	}
	if err := json.Unmarshal(text, &a.Manifest); err != nil {
		return fmt.Errorf("%w: %s: %w", ErrDamaged, manifestName, err)
	}
	if a.Manifest.Format != format {
		return fmt.Errorf("archive: the form is of version %d, this server reads %d", a.Manifest.Format, format)
	}
	names := make([]string, len(a.Manifest.Services))
	for i, s := range a.Manifest.Services {
		if names[i] = s.Name; s.Name == "" || strings.Contains(s.Name, "/") || slices.Contains(names[:i], s.Name) {
			return fmt.Errorf("%w: service %q", ErrDamaged, s.Name)
		}
	}
	return nil
}

func checkMember(f *zip.File, want Member) error {
	r, err := f.Open()
	if err != nil {
		return fmt.Errorf("%w: %s: %w", ErrDamaged, f.Name, err)
	}
	defer func() { _ = r.Close() }()
	hash := sha256.New()
	if _, err := io.Copy(hash, r); err != nil { //nolint:gosec // nothing of it is kept, whatever its size
		return fmt.Errorf("%w: %s: %w", ErrDamaged, f.Name, err)
	}
	if hex.EncodeToString(hash.Sum(nil)) != want.SHA256 {
		return fmt.Errorf("%w: %s is not what its checksum says", ErrDamaged, f.Name)
	}
	return nil
}
