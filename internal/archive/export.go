package archive

import (
	"archive/zip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"time"

	"google.golang.org/protobuf/encoding/protodelim"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	corev1 "fashen/gen/fashen/core/v1"
	storagev1 "fashen/gen/fashen/storage/v1"
	"fashen/internal/docstore"
	"fashen/internal/journal"
)

// page is the number of records read and written at a time.
const page = 200

// Errors of an export.
var (
	// ErrBroken says that the record of a store is not whole: an archive of it
	// would hide what is missing.
	ErrBroken = errors.New("archive: the record of the store is not whole, see `fashen verify`")
	// ErrWritten says that the store was written to meanwhile.
	ErrWritten = errors.New("archive: the store was written to during the export; stop the servers first")
)

// Writer writes an archive.
type Writer struct {
	zip      *zip.Writer
	types    journal.Types
	manifest Manifest
}

// NewWriter begins an archive. Add the stores, then Close.
func NewWriter(w io.Writer, types journal.Types, created time.Time) *Writer {
	return &Writer{
		zip: zip.NewWriter(w), types: types,
		manifest: Manifest{Format: format, Created: created.UTC().Truncate(time.Second)},
	}
}

// Close writes the manifest and answers it with its SHA-256.
func (w *Writer) Close() (Manifest, string, error) {
	text, err := json.MarshalIndent(w.manifest, "", "  ")
	if err != nil {
		return Manifest{}, "", fmt.Errorf("archive: %w", err)
	}
	f, err := w.zip.Create(manifestName)
	if err == nil {
		_, err = f.Write(append(text, '\n'))
	}
	if err = errors.Join(err, w.zip.Close()); err != nil {
		return Manifest{}, "", fmt.Errorf("archive: write %s: %w", manifestName, err)
	}
	sum := sha256.Sum256(append(text, '\n'))
	return w.manifest, hex.EncodeToString(sum[:]), nil
}

// Add writes the store of a service, after it was verified. Nobody may write to
// the store meanwhile.
func (w *Writer) Add(ctx context.Context, service string, e docstore.Engine) error {
	report, err := journal.Verify(ctx, e, w.types)
	if err != nil {
		return err
	}
	if len(report.Problems) > 0 {
		return fmt.Errorf("%w: %s: %s", ErrBroken, service, report.Problems[0])
	}
	schema, err := docstore.SchemaVersion(ctx, e)
	if err != nil {
		return err
	}
	x := &export{w: w, engine: e, out: Service{Name: service, Schema: schema}}
	stored, err := e.Stored(ctx)
	if err != nil {
		return err
	}
	for _, s := range stored {
		if err := x.collection(ctx, s); err != nil {
			return fmt.Errorf("archive: %s: %w", documentsName(service, s.Name), err)
		}
	}
	if err := x.journal(ctx); err != nil {
		return fmt.Errorf("archive: %s: %w", journalName(service), err)
	}
	if err := x.blobs(ctx); err != nil {
		return fmt.Errorf("archive: %s: %w", blobsName(service), err)
	}
	w.manifest.Services = append(w.manifest.Services, x.out)
	return nil
}

// export writes one store.
type export struct {
	w      *Writer
	engine docstore.Engine
	out    Service
	// logged is how many entries the log holds, by what the documents say.
	logged int64
}

// member is a member that is being written.
type member struct {
	io.Writer
	hash    hash.Hash
	records int64
}

func (w *Writer) member(name string) (*member, error) {
	f, err := w.zip.Create(name)
	if err != nil {
		return nil, err
	}
	m := &member{hash: sha256.New()}
	m.Writer = io.MultiWriter(f, m.hash)
	return m, nil
}

func (m *member) add(r *storagev1.ArchiveRecord) error {
	m.records++
	_, err := protodelim.MarshalTo(m, r)
	return err
}

func (m *member) done() Member {
	return Member{Records: m.records, SHA256: hex.EncodeToString(m.hash.Sum(nil))}
}

func (x *export) collection(ctx context.Context, s docstore.StoredCollection) error {
	mt, err := x.w.types.FindMessageByName(protoreflect.FullName(s.Message))
	if err != nil {
		return err
	}
	m, err := x.w.member(documentsName(x.out.Name, s.Name))
	if err != nil {
		return err
	}
	for from := ""; ; {
		rs, err := x.engine.Walk(ctx, s.Name, func() proto.Message { return mt.New().Interface() }, from, page)
		if err != nil {
			return err
		}
		for _, r := range rs {
			if err := x.document(ctx, m, r); err != nil {
				return fmt.Errorf("%s: %w", r.Name, err)
			}
		}
		if len(rs) < page {
			break
		}
		from = rs[len(rs)-1].Name + "\x00"
	}
	x.out.Collections = append(x.out.Collections, Collection{Name: s.Name, Message: s.Message, Member: m.done()})
	return nil
}

func (x *export) document(ctx context.Context, m *member, r *docstore.Record) error {
	if r.Body == nil || r.Envelope == nil {
		return fmt.Errorf("%w: it cannot be read", ErrBroken)
	}
	body, err := proto.MarshalOptions{Deterministic: true}.Marshal(r.Body)
	if err != nil {
		return err
	}
	pending, err := x.pending(ctx, r)
	if err != nil {
		return err
	}
	x.logged += r.Envelope.GetHeadSequence() - pending
	return m.add(&storagev1.ArchiveRecord{Content: &storagev1.ArchiveRecord_Document{Document: &storagev1.ArchivedDocument{
		Name: r.Name, CreateKey: r.CreateKey, Envelope: r.Envelope, Body: body,
	}}})
}

// pending is how many entries of a document's tail are not in the log.
func (x *export) pending(ctx context.Context, r *docstore.Record) (int64, error) {
	tail := r.Envelope.GetTail()
	if len(tail) == 0 {
		return 0, nil
	}
	logged, err := x.engine.Log().History(ctx, r.Name, tail[0].GetSequence(), len(tail))
	return int64(len(tail) - len(logged)), err
}

func (x *export) journal(ctx context.Context) error {
	m, err := x.w.member(journalName(x.out.Name))
	if err != nil {
		return err
	}
	err = eachEntry(ctx, x.engine.Log(), func(e *corev1.JournalEntry) error {
		return m.add(&storagev1.ArchiveRecord{Content: &storagev1.ArchiveRecord_Entry{Entry: e}})
	})
	if err != nil {
		return err
	}
	if m.records != x.logged {
		return fmt.Errorf("%w: %d entries, the documents say %d", ErrWritten, m.records, x.logged)
	}
	x.out.Journal = m.done()
	return nil
}

// eachEntry reads the log from end to end, feed by feed in the order of its
// positions, so that an import gives each entry the position it had.
func eachEntry(ctx context.Context, log docstore.Log, do func(*corev1.JournalEntry) error) error {
	feeds, err := log.Feeds(ctx)
	if err != nil {
		return err
	}
	for _, feed := range feeds {
		for last := int64(0); ; {
			entries, err := log.Feed(ctx, feed, last, page)
			if err != nil {
				return err
			}
			for _, at := range entries {
				if at.Position != last+1 {
					return fmt.Errorf("%w: position %d of %s comes after %d", ErrBroken, at.Position, feed, last)
				}
				if err := do(at.Entry); err != nil {
					return err
				}
				last = at.Position
			}
			if len(entries) < page {
				break
			}
		}
	}
	return nil
}

func (x *export) blobs(ctx context.Context) error {
	m, err := x.w.member(blobsName(x.out.Name))
	if err != nil {
		return err
	}
	for after := ""; ; {
		list, err := x.engine.Blobs().List(ctx, after, page)
		if err != nil {
			return err
		}
		for _, b := range list {
			if err := x.blob(ctx, m, b); err != nil {
				return fmt.Errorf("%s: %w", b.SHA256, err)
			}
			after = b.SHA256
		}
		if len(list) < page {
			break
		}
	}
	x.out.Blobs = m.done()
	return nil
}

func (x *export) blob(ctx context.Context, m *member, b docstore.Blob) (err error) {
	r, size, err := x.engine.Blobs().Open(ctx, b.SHA256)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	err = m.add(&storagev1.ArchiveRecord{Content: &storagev1.ArchiveRecord_Blob{Blob: &storagev1.ArchivedBlob{Sha256: b.SHA256, Size: size}}})
	if err != nil {
		return err
	}
	sum := sha256.New()
	n, err := io.Copy(io.MultiWriter(m, sum), r)
	if err == nil && (n != size || hex.EncodeToString(sum.Sum(nil)) != b.SHA256) {
		err = fmt.Errorf("%w: the file is not what its name says", ErrBroken)
	}
	return err
}
