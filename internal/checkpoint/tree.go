package checkpoint

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/transparency-dev/merkle/compact"
	"github.com/transparency-dev/merkle/proof"
	"github.com/transparency-dev/merkle/rfc6962"

	"fashen/internal/docstore"
)

const (
	hashBytes = 32
	// height of a tile, in levels of the tree, and its width in hashes.
	height = 8
	width  = 1 << height
	// rereads is how often a place of the feed that seems empty is read again: a
	// reader may pass it just before it is filled.
	rereads = 3
)

// Errors of a tree.
var (
	// ErrAhead: the feed has fewer entries than the tree that was asked for.
	ErrAhead = errors.New("checkpoint: the feed has fewer entries")
	// errGap: positions of the feed are empty.
	errGap = errors.New("checkpoint: positions are missing")
	// errTiles: tiles are missing or not what a tile is.
	errTiles = errors.New("checkpoint: stored tiles are damaged")
)

var (
	hasher = rfc6962.DefaultHasher
	ranges = compact.RangeFactory{Hash: hasher.HashChildren}
)

// tileID names the tile of the hashes that stand for width^level entries each,
// from the index·width-th on.
type tileID struct {
	level uint
	index uint64
}

// tree is the tree of a feed, as far as its entries were read. It belongs to one
// goroutine.
type tree struct {
	engine docstore.Engine
	feed   string
	// keep lets whole tiles be written.
	keep bool

	size uint64
	// edge holds, for each level of tiles, the hashes after its last whole tile.
	edge [][][]byte
	// tiles were read, or are whole and not written.
	tiles map[tileID][][]byte
}

// openTree begins with what is kept of the tree of a feed, up to the last whole
// tile. What cannot be read is as if it were not there.
func openTree(ctx context.Context, e docstore.Engine, feed string, keep bool) (*tree, error) {
	t := newTree(e, feed, keep)
	text, err := e.Property(ctx, t.edgeKey())
	if err != nil {
		return nil, fmt.Errorf("read the tree of %s: %w", feed, err)
	}
	t.size, t.edge = readEdge(text)
	return t, nil
}

// readEdge reads what write keeps beside tiles: a size, and the hashes after the last
// whole tile of each level.
func readEdge(text string) (size uint64, edge [][][]byte) {
	number, hashes, _ := strings.Cut(text, " ")
	size, err := strconv.ParseUint(number, 10, 63)
	all, ok := decode(hashes)
	if err != nil || !ok || size%width != 0 {
		return 0, nil
	}
	edge = [][][]byte{nil} // entries are read again
	for rest := size / width; rest > 0; rest /= width {
		at := int(rest % width)
		if at > len(all) {
			return 0, nil
		}
		edge, all = append(edge, all[:at:at]), all[at:]
	}
	if len(all) > 0 {
		return 0, nil
	}
	return size, edge
}

// newTree begins with nothing.
func newTree(e docstore.Engine, feed string, keep bool) *tree {
	return &tree{engine: e, feed: feed, keep: keep, tiles: map[tileID][][]byte{}}
}

// reader is a tree of the same size, for another goroutine to read.
func (t *tree) reader() *tree {
	r := newTree(t.engine, t.feed, false)
	r.size, r.edge = t.size, t.edge
	return r
}

func (t *tree) edgeKey() string { return "checkpoint/" + t.feed + "/edge" }

func (t *tree) tileKey(id tileID) string {
	return fmt.Sprintf("checkpoint/%s/tile/%d/%d", t.feed, id.level, id.index)
}

// grow reads entries until the tree has a size. Errors: errGap.
func (t *tree) grow(ctx context.Context, size int64) error {
	for tries := 0; t.size < uint64(size); {
		limit := min(width-int64(t.size%width), size-int64(t.size))
		entries, err := t.engine.Log().Feed(ctx, t.feed, int64(t.size), int(limit))
		if err != nil {
			return fmt.Errorf("read %s from %d on: %w", t.feed, t.size+1, err)
		}
		before := t.size
		for _, at := range entries {
			if at.Position != int64(t.size)+1 {
				break
			}
			t.add(0, hasher.HashLeaf(at.Entry.GetHash()))
			t.size++
		}
		if t.size == before {
			if tries++; tries > rereads {
				return fmt.Errorf("%w: %s, from %d on", errGap, t.feed, t.size+1)
			}
			continue
		}
		tries = 0
		if t.keep && t.size%width == 0 {
			if err := t.write(ctx); err != nil {
				return fmt.Errorf("keep the tree of %s: %w", t.feed, err)
			}
		}
	}
	return nil
}

// add puts a hash at the end of a level of tiles, and the roots of tiles that
// become whole at the end of the levels above.
func (t *tree) add(level uint, hash []byte) {
	if int(level) == len(t.edge) {
		t.edge = append(t.edge, nil)
	}
	t.edge[level] = append(t.edge[level], hash)
	if len(t.edge[level]) < width {
		return
	}
	whole := t.edge[level]
	t.tiles[tileID{level, t.size / width >> (height * level)}] = whole
	t.edge[level] = nil
	t.add(level+1, fold(whole))
}

// write keeps the tiles that became whole, and then the edge. An edge that another
// process sets back costs reading entries again.
func (t *tree) write(ctx context.Context) error {
	for id, hashes := range t.tiles {
		if err := t.engine.SetProperty(ctx, t.tileKey(id), encode(hashes)); err != nil {
			return err
		}
	}
	clear(t.tiles)
	var all [][]byte
	for _, hashes := range t.edge {
		all = append(all, hashes...)
	}
	return t.engine.SetProperty(ctx, t.edgeKey(), strconv.FormatUint(t.size, 10)+" "+encode(all))
}

// tile is a whole tile, or what there is of the last one of a level.
func (t *tree) tile(ctx context.Context, id tileID) ([][]byte, error) {
	if id.index >= t.size>>(height*(id.level+1)) {
		if int(id.level) < len(t.edge) {
			return t.edge[id.level], nil
		}
		return nil, nil
	}
	if hashes, ok := t.tiles[id]; ok {
		return hashes, nil
	}
	text, err := t.engine.Property(ctx, t.tileKey(id))
	if err != nil {
		return nil, fmt.Errorf("read a tile of %s: %w", t.feed, err)
	}
	hashes, ok := decode(text)
	if !ok || len(hashes) != width {
		return nil, fmt.Errorf("%w: %s", errTiles, t.tileKey(id))
	}
	t.tiles[id] = hashes
	return hashes, nil
}

// node is the hash of a whole subtree.
func (t *tree) node(ctx context.Context, id compact.NodeID) ([]byte, error) {
	above := id.Level % height
	first, count := id.Index<<above, uint64(1)<<above
	hashes, err := t.tile(ctx, tileID{id.Level / height, first / width})
	if err != nil {
		return nil, err
	}
	if first%width+count > uint64(len(hashes)) {
		return nil, fmt.Errorf("%w: no hash %d of level %d in %s", errTiles, id.Index, id.Level, t.feed)
	}
	return fold(hashes[first%width:][:count]), nil
}

func (t *tree) nodes(ctx context.Context, ids []compact.NodeID) ([][]byte, error) {
	hashes := make([][]byte, len(ids))
	for i, id := range ids {
		var err error
		if hashes[i], err = t.node(ctx, id); err != nil {
			return nil, err
		}
	}
	return hashes, nil
}

// root is the root of the tree as it was at a size, up to its own.
func (t *tree) root(ctx context.Context, size int64) ([]byte, error) {
	if size == 0 {
		return hasher.EmptyRoot(), nil
	}
	hashes, err := t.nodes(ctx, compact.RangeNodes(0, uint64(size), nil))
	if err != nil {
		return nil, err
	}
	r, err := ranges.NewRange(0, uint64(size), hashes)
	if err != nil {
		return nil, err
	}
	return r.GetRootHash(nil)
}

// proof is a proof by the nodes it is made of.
func (t *tree) proof(ctx context.Context, n proof.Nodes) ([][]byte, error) {
	hashes, err := t.nodes(ctx, n.IDs)
	if err != nil {
		return nil, err
	}
	return n.Rehash(hashes, hasher.HashChildren)
}

// fold is the root over a power of two of hashes.
func fold(hashes [][]byte) []byte {
	if len(hashes) == 1 {
		return hashes[0]
	}
	half := len(hashes) / 2
	return hasher.HashChildren(fold(hashes[:half]), fold(hashes[half:]))
}

func encode(hashes [][]byte) string {
	all := make([]byte, 0, len(hashes)*hashBytes)
	for _, h := range hashes {
		all = append(all, h...)
	}
	return base64.StdEncoding.EncodeToString(all)
}

func decode(text string) (hashes [][]byte, ok bool) {
	all, err := base64.StdEncoding.DecodeString(text)
	if err != nil || len(all)%hashBytes != 0 {
		return nil, false
	}
	for len(all) > 0 {
		hashes, all = append(hashes, all[:hashBytes:hashBytes]), all[hashBytes:]
	}
	return hashes, true
}
