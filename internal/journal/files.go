package journal

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"

	"fashen/internal/docstore"
)

// files reads every stored file and compares its content with the hash it is
// kept under, which documents name and entries cover. A file that a document
// names and that is gone is found when it is asked for, not here.
func (v *verifier) files(ctx context.Context) error {
	after := ""
	for {
		list, err := v.engine.Blobs().List(ctx, after, page)
		if err != nil {
			return fmt.Errorf("list files: %w", err)
		}
		for _, b := range list {
			if err := v.file(ctx, b); err != nil {
				return err
			}
			after = b.SHA256
		}
		if len(list) < page {
			return nil
		}
	}
}

func (v *verifier) file(ctx context.Context, b docstore.Blob) (err error) {
	r, _, err := v.engine.Blobs().Open(ctx, b.SHA256)
	if errors.Is(err, docstore.ErrNotFound) {
		return nil // taken away since it was listed
	}
	if err != nil {
		return fmt.Errorf("read file %s: %w", b.SHA256, err)
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	v.report.Files++
	h := sha256.New()
	n, err := io.Copy(h, r)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if sum := hex.EncodeToString(h.Sum(nil)); err != nil || sum != b.SHA256 || n != b.Size {
		v.add(Problem{Kind: FileChanged, Resource: "sha256:" + b.SHA256, Text: "the stored file is not what its hash says"})
	}
	return nil
}
