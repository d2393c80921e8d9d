package checkpoint

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/transparency-dev/merkle/proof"

	corev1 "fashen/gen/fashen/core/v1"
	"fashen/internal/docstore"
)

const feed = "regions/120105"

// memory is an engine that holds one feed, and nothing but it and properties.
type memory struct {
	docstore.Engine

	log        *memoryLog
	properties map[string]string
	roots      map[int][]byte
}

type memoryLog struct {
	docstore.Log

	entries []*corev1.JournalEntry
	// missing is a position that is not there.
	missing int64
	// reads counts the entries that were read.
	reads int
}

func newMemory(n int) *memory {
	m := &memory{log: &memoryLog{}, properties: map[string]string{}, roots: map[int][]byte{}}
	m.append(n)
	return m
}

// append adds entries that are what their place is.
func (m *memory) append(n int) {
	for range n {
		hash := sha256.Sum256(binary.BigEndian.AppendUint64(nil, uint64(len(m.log.entries))))
		m.log.entries = append(m.log.entries, &corev1.JournalEntry{Hash: hash[:]})
	}
}

func (m *memory) Log() docstore.Log { return m.log }

func (m *memory) Property(_ context.Context, key string) (string, error) {
	return m.properties[key], nil
}

func (m *memory) SetProperty(_ context.Context, key, value string) error {
	m.properties[key] = value
	return nil
}

func (l *memoryLog) Head(context.Context, string) (int64, error) { return int64(len(l.entries)), nil }

func (l *memoryLog) Feeds(context.Context) ([]string, error) { return []string{feed}, nil }

func (l *memoryLog) Feed(_ context.Context, _ string, after int64, limit int) ([]docstore.Positioned, error) {
	var out []docstore.Positioned
	for i := after; i < int64(len(l.entries)) && len(out) < limit; i++ {
		if i+1 != l.missing {
			out = append(out, docstore.Positioned{Position: i + 1, Entry: l.entries[i]})
		}
	}
	l.reads += len(out)
	return out, nil
}

// wanted is the root over the first entries, by the definition of RFC 6962.
func (m *memory) wanted(size int) []byte {
	var mth func(entries []*corev1.JournalEntry) []byte
	mth = func(entries []*corev1.JournalEntry) []byte {
		if len(entries) == 1 {
			sum := sha256.Sum256(append([]byte{0}, entries[0].GetHash()...))
			return sum[:]
		}
		k := 1
		for k*2 < len(entries) {
			k *= 2
		}
		sum := sha256.Sum256(slices.Concat([]byte{1}, mth(entries[:k]), mth(entries[k:])))
		return sum[:]
	}
	if size == 0 {
		sum := sha256.Sum256(nil)
		return sum[:]
	}
	if m.roots[size] == nil {
		m.roots[size] = mth(m.log.entries[:size])
	}
	return m.roots[size]
}

func grown(t testing.TB, m *memory, size int64, keep bool) *tree {
	t.Helper()
	tr, err := openTree(t.Context(), m, feed, keep)
	if err != nil {
		t.Fatal(err)
	}
	if err := tr.grow(t.Context(), size); err != nil {
		t.Fatal(err)
	}
	return tr
}

// Roots of all sizes and proofs between some are those of RFC 6962, whether the
// tree is read from tiles, or made in one go, and past two levels of tiles.
func TestTree(t *testing.T) {
	const last = width*width + 2*width + 3
	m := newMemory(last)
	sizes := []int64{0, 1, 2, 3, 7, width - 1, width, width + 1, 2 * width, 3*width + 100, width * width, width*width + 1, last}
	for _, keep := range []bool{true, false} {
		for _, upTo := range sizes {
			tr := grown(t, m, upTo, keep)
			for _, size := range sizes {
				if size > upTo {
					break
				}
				root, err := tr.root(t.Context(), size)
				if err != nil || !bytes.Equal(root, m.wanted(int(size))) {
					t.Fatalf("root of %d in a tree of %d (kept: %v): %x, %v", size, upTo, keep, root, err)
				}
			}
		}
	}
	tr := grown(t, m, last, true)
	for _, size := range sizes[1:] {
		for _, position := range sizes[1:] {
			if position > size {
				break
			}
			checkInclusion(t, m, tr, uint64(position), uint64(size))
			checkConsistency(t, m, tr, uint64(position), uint64(size))
		}
	}
}

func checkInclusion(t *testing.T, m *memory, tr *tree, position, size uint64) {
	t.Helper()
	nodes, err := proof.Inclusion(position-1, size)
	if err != nil {
		t.Fatal(err)
	}
	hashes, err := tr.proof(t.Context(), nodes)
	if err != nil {
		t.Fatal(err)
	}
	leaf := hasher.HashLeaf(m.log.entries[position-1].GetHash())
	if err := proof.VerifyInclusion(hasher, position-1, size, leaf, hashes, m.wanted(int(size))); err != nil {
		t.Errorf("%d in %d: %v", position, size, err)
	}
}

func checkConsistency(t *testing.T, m *memory, tr *tree, from, to uint64) {
	t.Helper()
	nodes, err := proof.Consistency(from, to)
	if err != nil {
		t.Fatal(err)
	}
	hashes, err := tr.proof(t.Context(), nodes)
	if err != nil {
		t.Fatal(err)
	}
	if err := proof.VerifyConsistency(hasher, from, to, hashes, m.wanted(int(from)), m.wanted(int(to))); err != nil {
		t.Errorf("%d in %d: %v", from, to, err)
	}
}

// To advance reads the new entries and those of the last tile that is not whole.
func TestTreeReadsWhatIsNew(t *testing.T) {
	m := newMemory(10*width + 5)
	grown(t, m, 10*width+5, true)
	m.append(3)
	m.log.reads = 0
	grown(t, m, 10*width+8, true)
	if m.log.reads != 8 {
		t.Errorf("%d entries read for 3 new ones and 5 of a tile that is not whole", m.log.reads)
	}
	m.log.reads = 0
	tr := grown(t, m, 10*width, true)
	if _, err := tr.root(t.Context(), 10*width); err != nil || m.log.reads != 0 {
		t.Errorf("%d entries read, %v", m.log.reads, err)
	}
}

// What is kept of a tree and cannot be is as if it were not there.
func TestTreeDamaged(t *testing.T) {
	for _, edge := range []string{"x", "256", "257 ", "-256 ", "256 AAAA", "256 " + encode([][]byte{make([]byte, hashBytes), make([]byte, hashBytes)}), "256 \x00"} {
		m := newMemory(width + 1)
		m.properties["checkpoint/"+feed+"/edge"] = edge
		tr := grown(t, m, width+1, true)
		if root, err := tr.root(t.Context(), width+1); err != nil || !bytes.Equal(root, m.wanted(width+1)) {
			t.Errorf("edge %q: %x, %v", edge, root, err)
		}
	}
	m := newMemory(3 * width)
	grown(t, m, 3*width, true)
	for key := range m.properties {
		if strings.Contains(key, "/tile/0/1") {
			m.properties[key] = "AAAA"
		}
	}
	tr := grown(t, m, 3*width, true)
	if _, err := tr.root(t.Context(), width+3); !errors.Is(err, errTiles) {
		t.Errorf("a short tile: %v", err)
	}
}
