package journal

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"fashen/internal/docstore"
)

// Kind says what is wrong.
type Kind string

// Kinds of problems.
const (
	// EntryChanged: an entry is not what was hashed, or is not linked to the
	// entry before it, or cannot be read.
	EntryChanged Kind = "ENTRY_CHANGED"
	// EntryMissing: entries are missing from a sequence on.
	EntryMissing Kind = "ENTRY_MISSING"
	// EntryReordered: an entry is kept at another's place.
	EntryReordered Kind = "ENTRY_REORDERED"
	// BodyChanged: the document is not what its last entry says.
	BodyChanged Kind = "BODY_CHANGED"
	// HeadChanged: the envelope's head is not the last entry.
	HeadChanged Kind = "HEAD_CHANGED"
	// Orphan: the log has entries of a document that is not there.
	Orphan Kind = "ORPHAN"
	// FileChanged: a stored file is not what its hash says.
	FileChanged Kind = "FILE_CHANGED"
)

// Problem is one thing that verification found.
type Problem struct {
	Kind     Kind
	Resource string
	// Sequence of the entry concerned; 0 for the document as a whole.
	Sequence int64
	// Text says more, for people.
	Text string
}

// String is the problem on one line.
func (p Problem) String() string {
	return fmt.Sprintf("%s %s #%d: %s", p.Kind, p.Resource, p.Sequence, p.Text)
}

// Report is what verification saw and found.
type Report struct {
	Documents, Entries, Files int64
	// NotCompared counts documents whose last entry covers only a part of the
	// body, written by a server of an older schema than this one.
	NotCompared int64
	// Problems by resource, at most maxProblems of them; More counts the others.
	Problems []Problem
	More     int64
}

const (
	maxProblems = 1000
	// page is the number of documents and of entries read at a time.
	page = 200
	// looks is how often a document in which something is wrong is looked at,
	// as long as it keeps changing.
	looks = 5
)

// Types finds message types by name; protoregistry.GlobalTypes is one.
type Types interface {
	FindMessageByName(protoreflect.FullName) (protoreflect.MessageType, error)
}

// Verify reads every document and every entry of a store and checks that the
// entries of each document are numbered without gaps, linked, unchanged and
// whole up to the head of its envelope, that the document is what its last
// entry says, that no entry is without a document, and that every stored file is
// what its hash says. It needs one pass and
// little memory, and may run while the store is used.
//
// The server that verifies must be as new as those that wrote. What is not
// found is a history that was cut and hashed again as a whole, head included:
// that takes checkpoints kept outside the store.
//
// An error means that the store could not be read, not that something is wrong.
func Verify(ctx context.Context, e docstore.Engine, types Types) (Report, error) {
	v := &verifier{engine: e}
	stored, err := e.Stored(ctx)
	if err != nil {
		return v.report, fmt.Errorf("verify: %w", err)
	}
	for _, s := range stored {
		mt, err := types.FindMessageByName(protoreflect.FullName(s.Message))
		if err != nil {
			return v.report, fmt.Errorf("verify: collection %s: %w", s.Name, err)
		}
		newBody := func() proto.Message { return mt.New().Interface() }
		v.walks = append(v.walks, &walk{
			engine: e, collection: s.Name, newBody: newBody, derived: docstore.IsDerived(mt.Descriptor()),
		})
	}
	v.log = &logWalk{log: e.Log()}
	for {
		more, err := v.next(ctx)
		if err != nil {
			return v.report, fmt.Errorf("verify: %w", err)
		}
		if !more {
			break
		}
	}
	if err := v.files(ctx); err != nil {
		return v.report, fmt.Errorf("verify: %w", err)
	}
	return v.report, nil
}

type verifier struct {
	engine docstore.Engine
	walks  []*walk
	log    *logWalk
	report Report
}

// next verifies the resource that comes next by name, in whatever collection,
// or in the log alone. All of them come in the same order.
func (v *verifier) next(ctx context.Context) (more bool, err error) {
	entry, err := v.log.peek(ctx)
	if err != nil {
		return false, err
	}
	var name string
	if entry != nil {
		name, more = entry.Resource, true
	}
	for _, w := range v.walks {
		r, err := w.peek(ctx)
		if err != nil {
			return false, err
		}
		if r != nil && (!more || r.Name < name) {
			name, more = r.Name, true
		}
	}
	if !more {
		return false, nil
	}
	logged, err := v.log.take(ctx, name)
	if err != nil {
		return false, err
	}
	known := false
	for _, w := range v.walks {
		if r, _ := w.peek(ctx); r != nil && r.Name == name {
			w.drop()
			known = true
			if err := v.document(ctx, w, r, logged); err != nil {
				return false, err
			}
		}
	}
	if !known {
		return true, v.orphan(ctx, name, logged)
	}
	return true, nil
}

// document checks one document. Where something is wrong it may merely have
// been written to between reading it and its entries: it is read again.
func (v *verifier) document(ctx context.Context, w *walk, r *docstore.Record, logged []docstore.Logged) error {
	if w.derived { // rows that are worked out again have no journal
		v.report.Documents++
		return nil
	}
	found := check(r, logged)
	for range looks {
		if len(found.problems) == 0 {
			break
		}
		again, err := w.read(ctx, r.Name)
		if err != nil {
			return err
		}
		entries, err := readLogged(ctx, v.engine.Log(), r.Name)
		if err != nil {
			return err
		}
		if again == nil || again.Version == r.Version && len(entries) == len(logged) {
			break
		}
		r, logged = again, entries
		found = check(r, logged)
	}
	v.report.Documents++
	v.report.Entries += found.entries
	if found.notCompared {
		v.report.NotCompared++
	}
	v.add(found.problems...)
	return nil
}

// orphan reports entries without a document, unless the document was made
// after its collection had been read this far.
func (v *verifier) orphan(ctx context.Context, name string, logged []docstore.Logged) error {
	for _, w := range v.walks {
		r, err := w.read(ctx, name)
		if err != nil {
			return err
		}
		if r != nil {
			return v.document(ctx, w, r, logged)
		}
	}
	v.report.Entries += int64(len(logged))
	v.add(Problem{Orphan, name, logged[0].Sequence, fmt.Sprintf("%d entries without a document", len(logged))})
	return nil
}

func (v *verifier) add(ps ...Problem) {
	room := min(maxProblems-len(v.report.Problems), len(ps))
	v.report.Problems = append(v.report.Problems, ps[:room]...)
	v.report.More += int64(len(ps) - room)
}

// walk goes through a collection by name.
type walk struct {
	engine     docstore.Engine
	collection string
	newBody    func() proto.Message
	derived    bool
	from       string
	ahead      []*docstore.Record
	end        bool
}

func (w *walk) peek(ctx context.Context) (*docstore.Record, error) {
	if len(w.ahead) == 0 && !w.end {
		rs, err := w.engine.Walk(ctx, w.collection, w.newBody, w.from, page)
		if err != nil {
			return nil, err
		}
		w.ahead, w.end = rs, len(rs) < page
		if len(rs) > 0 {
			w.from = rs[len(rs)-1].Name + "\x00" // the least name beyond
		}
	}
	if len(w.ahead) == 0 {
		return nil, nil
	}
	return w.ahead[0], nil
}

func (w *walk) drop() { w.ahead = w.ahead[1:] }

// read reads one record by name; nil when there is none.
func (w *walk) read(ctx context.Context, name string) (*docstore.Record, error) {
	rs, err := w.engine.Walk(ctx, w.collection, w.newBody, name, 1)
	if err != nil || len(rs) == 0 || rs[0].Name != name {
		return nil, err
	}
	return rs[0], nil
}

// logWalk goes through the log by resource and sequence.
type logWalk struct {
	log      docstore.Log
	resource string
	sequence int64
	ahead    []docstore.Logged
	end      bool
}

func (l *logWalk) peek(ctx context.Context) (*docstore.Logged, error) {
	if len(l.ahead) == 0 && !l.end {
		es, err := l.log.Walk(ctx, l.resource, l.sequence, page)
		if err != nil {
			return nil, err
		}
		l.ahead, l.end = es, len(es) < page
		if len(es) > 0 {
			last := es[len(es)-1]
			l.resource, l.sequence = last.Resource, last.Sequence
		}
	}
	if len(l.ahead) == 0 {
		return nil, nil
	}
	return &l.ahead[0], nil
}

// take answers all entries of a resource, if it is the one that comes next.
func (l *logWalk) take(ctx context.Context, resource string) ([]docstore.Logged, error) {
	var out []docstore.Logged
	for {
		e, err := l.peek(ctx)
		if err != nil {
			return nil, err
		}
		if e == nil || e.Resource != resource {
			return out, nil
		}
		out = append(out, *e)
		l.ahead = l.ahead[1:]
	}
}

// readLogged reads all entries of one resource again.
func readLogged(ctx context.Context, log docstore.Log, resource string) ([]docstore.Logged, error) {
	l := &logWalk{log: log, resource: resource, sequence: -1 << 62}
	out, err := l.take(ctx, resource)
	if errors.Is(err, docstore.ErrNotFound) {
		err = nil
	}
	return slices.Clip(out), err
}
