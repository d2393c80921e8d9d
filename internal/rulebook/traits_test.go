package rulebook

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"fashen/internal/policytext"
)

// TestTraits: whatever holds a name, a title, a definition or a reference has the trait,
// and most sentences are spared the search.
func TestTraits(t *testing.T) {
	lib := builtinSet(t).lib
	parts := []string{"在", "市", "，", "甲", "\xff", "𠀀", "《", "某法", "》", "第", "三条", "前", "款", "本", "办法", "附件", "1", "以下", "简称", "称", "所", "所称", "指", "企业"}
	for name := range lib.places.full {
		parts = append(parts, name, strings.TrimSuffix(name, "市"))
		if len(parts) > 200 {
			break
		}
	}
	random := rand.New(rand.NewPCG(5, 6))
	var text spelling
	for range 50_000 {
		var b strings.Builder
		for range 1 + random.IntN(6) {
			b.WriteString(parts[random.IntN(len(parts))])
		}
		s := b.String()
		has := lib.spell(s, &text)
		read, names := lib.places.read(s)
		for _, c := range []struct {
			what string
			is   bool
			of   traits
		}{
			{"a name", names != nil || read != s, hasName | hasBareName},
			{"a definition", mayDefine(s), hasDefinition},
			{"a reference", len(policytext.Mentions(s)) > 0, hasMention},
			{"a title", strings.Contains(s, "《"), hasTitle},
			{"第", strings.Contains(s, "第"), hasOrdinal},
			{"前", strings.Contains(s, "前"), hasFront},
		} {
			if c.is && has&c.of == 0 {
				t.Fatalf("%q holds %s and has not its trait", s, c.what)
			}
		}
	}
	clauses, named := 0, 0
	for _, c := range readClauses(t, "../wording/clauses/powers/items.tsv") {
		clauses++
		if lib.spell(c.text, &text)&(hasName|hasBareName) != 0 {
			named++
		}
	}
	if named > clauses/2 {
		t.Errorf("%d of %d clauses are searched for names", named, clauses)
	}
}

func TestRuneAt(t *testing.T) {
	random := rand.New(rand.NewPCG(7, 8))
	bytes := []byte{0, 'a', 0x7f, 0x80, 0x9f, 0xa0, 0xbf, 0xc0, 0xc3, 0xe0, 0xe4, 0xed, 0xef, 0xf0, 0xf4, 0xff}
	for range 200_000 {
		b := make([]byte, 1+random.IntN(5))
		for i := range b {
			b[i] = bytes[random.IntN(len(bytes))]
		}
		r, size := runeAt(string(b), 0)
		if want, n := utf8.DecodeRune(b); r != want || size != n {
			t.Fatalf("% x: %x of %d bytes, not %x of %d", b, r, size, want, n)
		}
	}
}

// TestSparseSets: what a sparse set marks are its members.
func TestSparseSets(t *testing.T) {
	var sets sparseSets
	members := [][]int32{{3, 1, 64, 130, 3}, {63, 127}, {0, 65, 129, 200, 300, 301, 399}}
	for _, m := range members {
		sets.add(m)
	}
	for i, m := range members {
		got := newBitset(400)
		sets.mark([]int32{int32(i)}, got)
		var list []int32
		got.both(got, func(n int32) { list = append(list, n) })
		if want := slices.Compact(slices.Sorted(slices.Values(m))); !slices.Equal(list, want) {
			t.Errorf("%v marks %v", m, list)
		}
	}
}

// TestWaitingList: frames are queued when all their sets are held, and only those asked for.
func TestWaitingList(t *testing.T) {
	var list waitingList
	for set := range 70 {
		list.add([]waiting{{int32(set), 0, 1}, {int32(70 + set), 0, 66}}[:set%3])
	}
	held := newBitset(70)
	for _, set := range []int32{0, 1, 5, 65, 68} {
		held.set(set)
	}
	even := newBitset(140)
	for n := range int32(70) {
		even.set(2 * n)
	}
	some := list.only(even)
	for _, c := range []struct {
		list *waitingList
		want []int32
	}{{&list, []int32{1, 5, 65, 68}}, {&some, []int32{68}}, {&waitingList{}, nil}} {
		queued := newBitset(140)
		c.list.queue(held, queued)
		var got []int32
		queued.both(queued, func(n int32) { got = append(got, n) })
		if !slices.Equal(got, c.want) {
			t.Errorf("%v are queued, not %v", got, c.want)
		}
	}
}
