package archive

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"

	"google.golang.org/protobuf/encoding/protodelim"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	corev1 "fashen/gen/fashen/core/v1"
	storagev1 "fashen/gen/fashen/storage/v1"
	"fashen/internal/docstore"
	"fashen/internal/journal"
)

// maxRecord bounds one record: a document with its envelope.
const maxRecord = 16 << 20

// ErrNotEmpty says that there is something in the store already.
var ErrNotEmpty = errors.New("archive: the store is not empty")

// Import puts the store of a service into an empty one, and verifies it. Until
// that is done the store is marked, and no server serves it: after an import
// that failed or was cut off, empty the store and import again.
//
// Indexes are worked out when a server opens the store.
func (a *Reader) Import(ctx context.Context, service Service, e docstore.Engine, types journal.Types) (journal.Report, error) {
	if err := Empty(ctx, e); err != nil {
		return journal.Report{}, err
	}
	if err := docstore.BeginImport(ctx, e); err != nil {
		return journal.Report{}, err
	}
	in := &imported{a: a, engine: e, service: service, types: types}
	if err := in.run(ctx); err != nil {
		return journal.Report{}, err
	}
	report, err := journal.Verify(ctx, e, types)
	if err != nil {
		return report, err
	}
	if len(report.Problems) > 0 {
		return report, fmt.Errorf("%w: %s", ErrDamaged, report.Problems[0])
	}
	if report.Documents != service.Documents() {
		return report, fmt.Errorf("%w: %d documents arrived, the manifest says %d", ErrDamaged, report.Documents, service.Documents())
	}
	return report, docstore.EndImport(ctx, e, service.Schema)
}

// Empty refuses a store that holds anything, with [ErrNotEmpty].
func Empty(ctx context.Context, e docstore.Engine) error {
	stored, err := e.Stored(ctx)
	if err != nil {
		return err
	}
	entries, err := e.Log().Walk(ctx, "", 0, 1)
	if err != nil {
		return err
	}
	blobs, err := e.Blobs().List(ctx, "", 1)
	if err != nil {
		return err
	}
	if len(stored)+len(entries)+len(blobs) > 0 {
		return ErrNotEmpty
	}
	return docstore.CheckImported(ctx, e)
}

// imported is a store that is being filled.
type imported struct {
	a       *Reader
	engine  docstore.Engine
	service Service
	types   journal.Types
}

func (in *imported) run(ctx context.Context) error {
	for _, c := range in.service.Collections {
		if err := in.collection(ctx, c); err != nil {
			return fmt.Errorf("archive: %s: %w", documentsName(in.service.Name, c.Name), err)
		}
	}
	if err := in.journal(ctx); err != nil {
		return fmt.Errorf("archive: %s: %w", journalName(in.service.Name), err)
	}
	if err := in.blobs(ctx); err != nil {
		return fmt.Errorf("archive: %s: %w", blobsName(in.service.Name), err)
	}
	return nil
}

// each reads the records of a member. do may read on behind its record.
func (in *imported) each(name string, want Member, do func(r *storagev1.ArchiveRecord, rest io.Reader) error) error {
	f, err := in.a.zip.Open(name)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	buffered, n := bufio.NewReaderSize(f, 64<<10), int64(0)
	for ; ; n++ {
		r := &storagev1.ArchiveRecord{}
		err := protodelim.UnmarshalOptions{MaxSize: maxRecord}.UnmarshalFrom(buffered, r)
		if errors.Is(err, io.EOF) {
			break
		}
		if err == nil {
			err = do(r, buffered)
		}
		if err != nil {
			return err
		}
	}
	if n != want.Records {
		return fmt.Errorf("%w: %d records, the manifest says %d", ErrDamaged, n, want.Records)
	}
	return nil
}

func (in *imported) collection(ctx context.Context, c Collection) error {
	mt, err := in.types.FindMessageByName(protoreflect.FullName(c.Message))
	if err != nil {
		return err
	}
	newBody := func() proto.Message { return mt.New().Interface() }
	// Without indexes: whoever opens the collection with its declaration builds
	// them then.
	table, err := in.engine.Table(ctx, docstore.TableSpec{
		Spec: docstore.Spec{Name: c.Name}, New: newBody,
		Values: func(*docstore.Record) ([]docstore.Value, []string) { return nil, nil },
	})
	if err != nil {
		return err
	}
	return in.each(documentsName(in.service.Name, c.Name), c.Member, func(r *storagev1.ArchiveRecord, _ io.Reader) error {
		d := r.GetDocument()
		body := newBody()
		if d == nil {
			return fmt.Errorf("%w: a record is no document", ErrDamaged)
		}
		if err := proto.Unmarshal(d.GetBody(), body); err != nil {
			return fmt.Errorf("%w: %s: %w", ErrDamaged, d.GetName(), err)
		}
		return table.Insert(ctx, &docstore.Record{Name: d.GetName(), CreateKey: d.GetCreateKey(), Envelope: d.GetEnvelope(), Body: body})
	})
}

func (in *imported) journal(ctx context.Context) error {
	var batch []*corev1.JournalEntry
	flush := func() error {
		err := in.engine.Log().Append(ctx, batch)
		batch = batch[:0]
		return err
	}
	err := in.each(journalName(in.service.Name), in.service.Journal, func(r *storagev1.ArchiveRecord, _ io.Reader) error {
		if r.GetEntry() == nil {
			return fmt.Errorf("%w: a record is no entry", ErrDamaged)
		}
		if batch = append(batch, r.GetEntry()); len(batch) < page {
			return nil
		}
		return flush()
	})
	if err != nil || len(batch) == 0 {
		return err
	}
	return flush()
}

func (in *imported) blobs(ctx context.Context) error {
	return in.each(blobsName(in.service.Name), in.service.Blobs, func(r *storagev1.ArchiveRecord, rest io.Reader) error {
		b := r.GetBlob()
		if b == nil {
			return fmt.Errorf("%w: a record is no file", ErrDamaged)
		}
		content := &io.LimitedReader{R: rest, N: b.GetSize()}
		if err := in.engine.Blobs().Put(ctx, b.GetSha256(), b.GetSize(), content); err != nil {
			return err
		}
		if content.N != 0 {
			return fmt.Errorf("%w: file %s is there twice", ErrDamaged, b.GetSha256())
		}
		return nil
	})
}
