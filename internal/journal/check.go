package journal

import (
	"bytes"
	"cmp"
	"fmt"
	"slices"

	"fashen/internal/docstore"

	corev1 "fashen/gen/fashen/core/v1"
)

// findings of one document.
type findings struct {
	problems    []Problem
	entries     int64
	notCompared bool
}

// check looks at one document and its drained entries.
func check(r *docstore.Record, logged []docstore.Logged) findings {
	c := &chain{resource: r.Name, next: 1, linked: true}
	for _, l := range logged {
		c.add(l)
	}
	if r.Envelope == nil {
		c.problem(HeadChanged, 0, "the envelope cannot be read")
		return c.findings
	}
	c.tail(r.Envelope.GetTail())
	c.head(r.Envelope.GetHeadSequence(), r.Envelope.GetHeadHash(), r.Envelope.GetRevision())
	c.body(r)
	return c.findings
}

// chain follows the entries of one resource.
type chain struct {
	findings
	resource string
	// next is the sequence that comes next, hash the hash of the entry before;
	// linked is false where that entry could not be read.
	next   int64
	hash   []byte
	linked bool
	// last is the last entry, done the last one that changed the document.
	last, done *corev1.JournalEntry
}

func (c *chain) problem(k Kind, sequence int64, format string, args ...any) {
	c.problems = append(c.problems, Problem{k, c.resource, sequence, fmt.Sprintf(format, args...)})
}

// add takes the entry at the next place.
func (c *chain) add(l docstore.Logged) {
	c.entries++
	if l.Sequence > c.next {
		c.problem(EntryMissing, c.next, "entries %d to %d are not there", c.next, l.Sequence-1)
		c.linked = false
	}
	if l.Sequence < c.next {
		c.problem(EntryReordered, l.Sequence, "entry %d comes after entry %d", l.Sequence, c.next-1)
		return
	}
	c.next = l.Sequence + 1
	e := l.Entry
	if e == nil {
		c.problem(EntryChanged, l.Sequence, "the entry cannot be read")
		c.linked = false
		return
	}
	hash, err := docstore.EntryHash(e)
	switch {
	case err != nil || !bytes.Equal(hash, e.GetHash()):
		c.problem(EntryChanged, l.Sequence, "the entry is not what was hashed")
	case e.GetResource() != c.resource || e.GetSequence() != l.Sequence:
		c.problem(EntryReordered, l.Sequence, "entry %d of %s is kept here", e.GetSequence(), e.GetResource())
	case c.linked && !bytes.Equal(e.GetPreviousHash(), c.hash):
		c.problem(EntryChanged, l.Sequence, "the entry does not follow the one before it")
	}
	c.hash, c.linked = e.GetHash(), true
	c.last = e
	if e.GetOutcome() != corev1.Outcome_OUTCOME_REFUSED {
		c.done = e
	}
}

// tail takes the entries that are not drained, and skips those that are in the
// log already.
func (c *chain) tail(entries []*corev1.JournalEntry) {
	bySequence := func(a, b *corev1.JournalEntry) int { return cmp.Compare(a.GetSequence(), b.GetSequence()) }
	if !slices.IsSortedFunc(entries, bySequence) {
		c.problem(EntryReordered, entries[0].GetSequence(), "the entries that wait in the document are not in order")
		entries = slices.SortedFunc(slices.Values(entries), bySequence)
	}
	for _, e := range entries {
		if e.GetSequence() >= c.next {
			c.add(docstore.Logged{Resource: c.resource, Sequence: e.GetSequence(), Entry: e})
		}
	}
}

func (c *chain) head(sequence int64, hash []byte, revision int64) {
	last := c.next - 1
	switch {
	case sequence > last:
		c.problem(EntryMissing, last+1, "entries %d to %d are not there", last+1, sequence)
	case last == 0:
		c.problem(EntryMissing, 1, "the document was never written by a server: it has no entry")
	case sequence < last:
		c.problem(HeadChanged, sequence, "the document says %d entries, there are %d", sequence, last)
	case c.linked && !bytes.Equal(hash, c.hash):
		c.problem(HeadChanged, sequence, "the document does not name its last entry")
	case c.last != nil && c.last.GetSequence() == last && c.last.GetRevision() != revision:
		c.problem(HeadChanged, sequence, "the document says revision %d, its last entry %d", revision, c.last.GetRevision())
	}
}

// body compares the document with what the last change left.
func (c *chain) body(r *docstore.Record) {
	if r.Body == nil {
		c.problem(BodyChanged, 0, "the document cannot be read")
		return
	}
	if c.done == nil {
		return // every entry is missing, which was said
	}
	digest, partial, err := docstore.Digest(r.Body)
	switch {
	case err != nil:
		c.problem(BodyChanged, c.done.GetSequence(), "the document cannot be encoded: %v", err)
	case c.done.GetDigestPartial() && !partial:
		// This server knows the fields that the writer left out of its digest.
		c.notCompared = true
	case !bytes.Equal(digest, c.done.GetContentDigest()) || partial && !c.done.GetDigestPartial():
		c.problem(BodyChanged, c.done.GetSequence(), "the document is not what its last entry says")
	}
}
