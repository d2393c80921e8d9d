package rulebook

import (
	"archive/zip"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"
)

// Bounds of the rule files that are taken in at a time.
const (
	maxFiles     = 200
	maxFileBytes = 4 << 20 // of all together
)

// Files are rule files by their path under the root of the packs, such as
// `competition/20-costs.yaml`.
type Files map[string][]byte

// BuiltinFiles are the files of the packs that come with the program.
func BuiltinFiles() (Files, error) {
	sub, err := fs.Sub(builtin, "packs")
	if err != nil {
		return nil, err
	}
	return ReadFiles(sub)
}

// ReadFiles reads every .yaml file under a root, within the bounds of an import.
func ReadFiles(fsys fs.FS) (Files, error) {
	files := Files{}
	err := fs.WalkDir(fsys, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || path.Ext(name) != ".yaml" {
			return err
		}
		f, err := fsys.Open(name)
		if err != nil {
			return err
		}
		return errors.Join(files.add(name, f), f.Close())
	})
	if err != nil {
		return nil, fmt.Errorf("read rule packs: %w", err)
	}
	return files, nil
}

// ReadImport reads what is imported: the one .yaml file, by its path, or the .yaml
// files of a .zip. A *Problem tells what is wrong with it.
func ReadImport(filename string, content []byte) (Files, error) {
	files := Files{}
	if path.Ext(filename) == ".yaml" {
		return files, files.add(filename, bytes.NewReader(content))
	}
	if path.Ext(filename) != ".zip" {
		return nil, &Problem{filename, 0, errors.New("neither .yaml nor .zip")}
	}
	archive, err := zip.NewReader(bytes.NewReader(content), int64(len(content)))
	if err != nil {
		return nil, &Problem{filename, 0, err}
	}
	for _, f := range archive.File {
		if strings.HasSuffix(f.Name, "/") {
			continue
		}
		if path.Ext(f.Name) != ".yaml" {
			return nil, &Problem{f.Name, 0, errors.New("no .yaml file")}
		}
		r, err := f.Open()
		if err != nil {
			return nil, &Problem{f.Name, 0, err}
		}
		if err := errors.Join(files.add(f.Name, r), r.Close()); err != nil {
			return nil, err
		}
	}
	if len(files) == 0 {
		return nil, &Problem{filename, 0, errors.New("no rule file in it")}
	}
	return files, nil
}

// add reads one file, as far as all together stay within the bounds.
func (f Files) add(name string, r io.Reader) error {
	if !fs.ValidPath(name) || strings.ContainsAny(name, "\\\x00\n\r") {
		return &Problem{name, 0, errors.New("no path under the root of the packs")}
	}
	if _, dup := f[name]; dup {
		return &Problem{name, 0, errors.New("is there twice")}
	}
	left := maxFileBytes
	for _, data := range f {
		left -= len(data)
	}
	data, err := io.ReadAll(io.LimitReader(r, int64(left)+1))
	switch {
	case err != nil:
		return &Problem{name, 0, err}
	case len(data) > left:
		return &Problem{name, 0, fmt.Errorf("the rule files have more than %d bytes together", maxFileBytes)}
	case len(f) == maxFiles:
		return &Problem{name, 0, fmt.Errorf("more than %d rule files", maxFiles)}
	}
	f[name] = data
	return nil
}

// Candidate compiles the built-in packs with changed files: each stands in the place
// of the built-in file of its path, or is added. It is [Load] for files that are not
// trusted: what compiling takes is bounded, and ends with the context.
func Candidate(ctx context.Context, changed Files) (*Library, error) {
	files, err := BuiltinFiles()
	if err != nil {
		return nil, err
	}
	maps.Copy(files, changed)
	lib, err := load(files, &budget{ctx: ctx, left: maxLibrarySize})
	if stopped := ctx.Err(); stopped != nil {
		return nil, stopped
	}
	return lib, err
}

// Problems lists the mistakes in rule files that an error is made of; empty for an
// error that is about anything else.
func Problems(err error) []*Problem {
	var one *Problem
	switch e := err.(type) { //nolint:errorlint // each error of a joined one is looked at by itself
	case interface{ Unwrap() []error }:
		var all []*Problem
		for _, err := range e.Unwrap() {
			all = append(all, Problems(err)...)
		}
		return all
	default:
		if errors.As(err, &one) {
			return []*Problem{one}
		}
	}
	return nil
}

// Zip packs the files, in the order of their paths, as [ReadImport] takes them.
func (f Files) Zip() ([]byte, error) {
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for _, name := range slices.Sorted(maps.Keys(f)) {
		part, err := w.Create(name)
		if err == nil {
			_, err = part.Write(f[name])
		}
		if err != nil {
			return nil, fmt.Errorf("pack %s: %w", name, err)
		}
	}
	if err := w.Close(); err != nil {
		return nil, fmt.Errorf("pack rule files: %w", err)
	}
	return b.Bytes(), nil
}
