package mongo

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"

	"go.mongodb.org/mongo-driver/v2/bson"
	driver "go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"fashen/internal/docstore"
)

// blobs keeps files as GridFS does, in the bucket `blobs` with the hash as the
// file name, so that every GridFS tool reads them. Reading and writing is done
// here, since the driver's streams buffer 16 MB and more.
//
// Each upload has an id of its own, and the file can be found only after its
// last chunk, so uploads of the same content do not disturb each other. What
// an upload leaves when its process ends is chunks without a file.
type blobs struct{ files, chunks *driver.Collection }

const chunkBytes = 255 << 10

func newBlobs(db *driver.Database) *blobs {
	return &blobs{files: db.Collection("blobs.files"), chunks: db.Collection("blobs.chunks")}
}

func (b *blobs) prepare(ctx context.Context) error {
	_, err := b.files.Indexes().CreateOne(ctx, driver.IndexModel{
		Keys: bson.D{{Key: "filename", Value: 1}}, Options: options.Index().SetName("content").SetUnique(true),
	})
	if err != nil {
		return failure(err)
	}
	_, err = b.chunks.Indexes().CreateOne(ctx, driver.IndexModel{
		Keys: bson.D{{Key: "files_id", Value: 1}, {Key: "n", Value: 1}}, Options: options.Index().SetUnique(true),
	})
	return failure(err)
}

func (b *blobs) Put(ctx context.Context, sum string, size int64, r io.Reader) error {
	if size < 0 || size > docstore.MaxBlobBytes {
		return fmt.Errorf("%w: a blob of %d bytes, the limit is %d", docstore.ErrTooLarge, size, docstore.MaxBlobBytes)
	}
	err := b.files.FindOne(ctx, bson.D{{Key: "filename", Value: sum}}).Err()
	if !errors.Is(err, driver.ErrNoDocuments) {
		return failure(err)
	}
	id := bson.NewObjectID()
	err = b.fill(ctx, id, sum, size, r)
	if err == nil {
		_, err = b.files.InsertOne(ctx, bson.D{
			{Key: "_id", Value: id}, {Key: "length", Value: size}, {Key: "chunkSize", Value: int32(chunkBytes)},
			{Key: "uploadDate", Value: id.Timestamp()}, {Key: "filename", Value: sum},
		})
		if err = failure(err); err == nil {
			return nil
		}
	}
	// The upload is removed even when the caller is gone.
	_, dropErr := b.chunks.DeleteMany(context.WithoutCancel(ctx), bson.D{{Key: "files_id", Value: id}})
	if errors.Is(err, docstore.ErrAlreadyExists) {
		return failure(dropErr) // another upload of the same content came first
	}
	return errors.Join(err, failure(dropErr))
}

// fill stores the chunks and checks size and hash.
func (b *blobs) fill(ctx context.Context, id bson.ObjectID, sum string, size int64, r io.Reader) error {
	hash := sha256.New()
	r = io.TeeReader(io.LimitReader(r, size+1), hash)
	chunk := make([]byte, min(chunkBytes, size+1))
	total := int64(0)
	for n := int32(0); ; n++ {
		got, err := io.ReadFull(r, chunk)
		total += int64(got)
		if err != nil && err != io.EOF && err != io.ErrUnexpectedEOF {
			return fmt.Errorf("read blob: %w", err)
		}
		if total > size {
			return fmt.Errorf("%w: more than %d bytes", docstore.ErrMismatch, size)
		}
		if got > 0 {
			doc := bson.D{{Key: "files_id", Value: id}, {Key: "n", Value: n}, {Key: "data", Value: chunk[:got]}}
			if _, dbErr := b.chunks.InsertOne(ctx, doc); dbErr != nil {
				return failure(dbErr)
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

// readBatch is the number of chunks fetched at a time.
const readBatch = 8

func (b *blobs) Open(ctx context.Context, sum string) (io.ReadCloser, int64, error) {
	var file struct {
		ID     bson.ObjectID `bson:"_id"`
		Length int64         `bson:"length"`
	}
	if err := b.files.FindOne(ctx, bson.D{{Key: "filename", Value: sum}}).Decode(&file); err != nil {
		return nil, 0, failure(err)
	}
	cur, err := b.chunks.Find(ctx, bson.D{{Key: "files_id", Value: file.ID}},
		options.Find().SetSort(bson.D{{Key: "n", Value: 1}}).SetBatchSize(readBatch))
	if err != nil {
		return nil, 0, failure(err)
	}
	return &blobReader{ctx: ctx, cur: cur, left: file.Length}, file.Length, nil
}

// List goes through the index of hashes.
func (b *blobs) List(ctx context.Context, after string, limit int) ([]docstore.Blob, error) {
	cur, err := b.files.Find(ctx, bson.D{{Key: "filename", Value: bson.D{{Key: "$gt", Value: after}}}},
		options.Find().SetSort(bson.D{{Key: "filename", Value: 1}}).SetLimit(int64(limit)))
	if err != nil {
		return nil, failure(err)
	}
	var rows []struct {
		SHA256 string `bson:"filename"`
		Length int64  `bson:"length"`
	}
	if err := cur.All(ctx, &rows); err != nil {
		return nil, failure(err)
	}
	out := make([]docstore.Blob, len(rows))
	for i, r := range rows {
		out[i] = docstore.Blob{SHA256: r.SHA256, Size: r.Length}
	}
	return out, nil
}

// blobReader reads the chunks of one file in order.
type blobReader struct {
	ctx   context.Context
	cur   *driver.Cursor
	left  int64
	next  int32
	chunk []byte
}

func (r *blobReader) Read(p []byte) (int, error) {
	if len(r.chunk) == 0 {
		if r.left == 0 {
			return 0, io.EOF
		}
		if err := r.fetch(); err != nil {
			return 0, err
		}
	}
	n := copy(p, r.chunk[:min(int64(len(r.chunk)), r.left)])
	r.chunk = r.chunk[n:]
	r.left -= int64(n)
	return n, nil
}

func (r *blobReader) fetch() error {
	var chunk struct {
		N    int32       `bson:"n"`
		Data bson.Binary `bson:"data"`
	}
	if !r.cur.Next(r.ctx) {
		if err := r.cur.Err(); err != nil {
			return failure(err)
		}
		return fmt.Errorf("%w: chunk %d of a blob is missing", docstore.ErrUnavailable, r.next)
	}
	if err := r.cur.Decode(&chunk); err != nil {
		return failure(err)
	}
	if chunk.N != r.next || len(chunk.Data.Data) == 0 {
		return fmt.Errorf("%w: chunk %d of a blob is missing", docstore.ErrUnavailable, r.next)
	}
	r.next++
	r.chunk = chunk.Data.Data
	return nil
}

// Close ends the cursor, even when the caller is gone.
func (r *blobReader) Close() error {
	return failure(r.cur.Close(context.WithoutCancel(r.ctx)))
}
