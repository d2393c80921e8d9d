package sqlite

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"io"

	"fashen/internal/docstore"
)

// blobs keeps files as rows of chunks. Chunk n of blob b has the key
// b*chunksPerBlob+n, so one primary key serves both.
type blobs struct{ e *Engine }

const (
	chunkBytes    = 1 << 20
	chunksPerBlob = 1 << 10
)

// Put writes each chunk in a transaction of its own, so that a slow upload
// holds no lock; the blob can be found only after the last one.
func (b *blobs) Put(ctx context.Context, sum string, size int64, r io.Reader) error {
	if size < 0 || size > docstore.MaxBlobBytes {
		return fmt.Errorf("%w: a blob of %d bytes, the limit is %d", docstore.ErrTooLarge, size, docstore.MaxBlobBytes)
	}
	var known int64
	err := b.e.read.QueryRowContext(ctx, `SELECT size FROM blobs WHERE sha256 = ?`, sum).Scan(&known)
	if err == nil && known == size {
		return nil
	}
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return failure(err)
	}
	id, err := b.begin(ctx, size)
	if err != nil {
		return err
	}
	err = b.fill(ctx, id, sum, size, r)
	if err == nil {
		_, err = b.e.queue.exec(ctx, `UPDATE blobs SET sha256 = ? WHERE id = ?`, sum, id)
		if err == nil {
			return nil
		}
	}
	// The upload is removed even when the caller is gone.
	dropErr := b.drop(context.WithoutCancel(ctx), id)
	if errors.Is(err, docstore.ErrAlreadyExists) {
		return dropErr // another upload of the same content came first
	}
	return errors.Join(err, dropErr)
}

func (b *blobs) begin(ctx context.Context, size int64) (int64, error) {
	res, err := b.e.queue.exec(ctx, `INSERT INTO blobs (size) VALUES (?)`, size)
	if err != nil {
		return 0, err
	}
	id, err := res.LastInsertId()
	return id, failure(err)
}

// fill stores the chunks and checks size and hash.
func (b *blobs) fill(ctx context.Context, id int64, sum string, size int64, r io.Reader) error {
	hash := sha256.New()
	r = io.TeeReader(io.LimitReader(r, size+1), hash)
	chunk := make([]byte, min(chunkBytes, size+1))
	total := int64(0)
	for n := int64(0); ; n++ {
		got, err := io.ReadFull(r, chunk)
		total += int64(got)
		if err != nil && err != io.EOF && err != io.ErrUnexpectedEOF {
			return fmt.Errorf("read blob: %w", err)
		}
		if total > size {
			return fmt.Errorf("%w: more than %d bytes", docstore.ErrMismatch, size)
		}
		if got > 0 {
			_, dbErr := b.e.queue.exec(ctx, `INSERT INTO blob_chunks (id, data) VALUES (?, ?)`, id*chunksPerBlob+n, chunk[:got])
			if dbErr != nil {
				return dbErr
			}
		}
		if err != nil {
			break
		}
	}
	if total != size {
		return fmt.Errorf("%w: %d bytes instead of %d", docstore.ErrMismatch, total, size)
	}
	if hex.EncodeToString(hash.Sum(nil)) != sum {
		return docstore.ErrMismatch
	}
	return nil
}

func (b *blobs) drop(ctx context.Context, id int64) error {
	return b.e.queue.write(ctx, func(ctx context.Context, tx *sql.Tx) error { return dropBlob(ctx, tx, id) })
}

func dropBlob(ctx context.Context, tx *sql.Tx, id int64) error {
	if _, err := tx.ExecContext(ctx, `DELETE FROM blob_chunks WHERE id >= ? AND id < ?`, id*chunksPerBlob, (id+1)*chunksPerBlob); err != nil {
		return failure(err)
	}
	_, err := tx.ExecContext(ctx, `DELETE FROM blobs WHERE id = ?`, id)
	return failure(err)
}

// sweepUploads removes what uploads left that the end of a process cut off.
func sweepUploads(ctx context.Context, tx *sql.Tx) error {
	ids, err := texts(ctx, tx, `SELECT id FROM blobs WHERE sha256 IS NULL`)
	if err != nil {
		return failure(err)
	}
	for _, text := range ids {
		var id int64
		if _, err := fmt.Sscan(text, &id); err != nil {
			return err
		}
		if err := dropBlob(ctx, tx, id); err != nil {
			return err
		}
	}
	return nil
}

func (b *blobs) Open(ctx context.Context, sum string) (io.ReadCloser, int64, error) {
	r := &blobReader{ctx: ctx, db: b.e.read}
	err := b.e.read.QueryRowContext(ctx, `SELECT id, size FROM blobs WHERE sha256 = ?`, sum).Scan(&r.id, &r.size)
	if err != nil {
		return nil, 0, failure(err)
	}
	r.left = r.size
	return r, r.size, nil
}

func (b *blobs) List(ctx context.Context, after string, limit int) ([]docstore.Blob, error) {
	rows, err := b.e.query(ctx, `SELECT sha256, size FROM blobs WHERE sha256 > ? ORDER BY sha256 LIMIT ?`, after, limit)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	var out []docstore.Blob
	for rows.Next() {
		var one docstore.Blob
		if err := rows.Scan(&one.SHA256, &one.Size); err != nil {
			return nil, failure(err)
		}
		out = append(out, one)
	}
	return out, failure(rows.Err())
}

// blobReader reads chunk by chunk, so that it holds no connection in between.
type blobReader struct {
	ctx        context.Context
	db         *sql.DB
	id, n      int64
	size, left int64
	chunk      []byte
}

func (r *blobReader) Read(p []byte) (int, error) {
	if len(r.chunk) == 0 {
		if r.left == 0 {
			return 0, io.EOF
		}
		err := r.db.QueryRowContext(r.ctx, `SELECT data FROM blob_chunks WHERE id = ?`, r.id*chunksPerBlob+r.n).Scan(&r.chunk)
		if err != nil {
			return 0, fmt.Errorf("%w: chunk %d of a blob: %w", docstore.ErrUnavailable, r.n, err)
		}
		r.n++
	}
	n := copy(p, r.chunk)
	r.chunk = r.chunk[n:]
	r.left -= int64(n)
	return n, nil
}

func (r *blobReader) Close() error {
	r.chunk, r.left = nil, 0
	return nil
}
