package checkpoint

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/note"

	"fashen/internal/auth"
)

func newKey(t testing.TB) *Key {
	t.Helper()
	key, err := auth.NewKey()
	if err != nil {
		t.Fatal(err)
	}
	k, err := NewKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func signer(t testing.TB, m *memory, key *Key, folder string) *Signer {
	t.Helper()
	return NewSigner(Options{Service: "filing", Engine: m, Key: key, Folder: folder, Logger: slog.New(slog.DiscardHandler)})
}

func signed(t testing.TB, s *Signer) Checkpoint {
	t.Helper()
	c, err := s.Sign(t.Context(), feed)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// What is signed is a note that other tools read, and the same as long as the feed
// is; a new process goes on from what the one before it kept.
func TestSign(t *testing.T) {
	m, key, folder := newMemory(0), newKey(t), t.TempDir()
	if c := signed(t, signer(t, m, key, folder)); c.Size != 0 {
		t.Errorf("of an empty feed: %+v", c)
	}
	for _, n := range []int{1, 2, width, 7} {
		m.append(n)
		s := signer(t, m, key, folder)
		c, again := signed(t, s), signed(t, s)
		if c.Size != int64(len(m.log.entries)) || string(c.Root) != string(m.wanted(int(c.Size))) || c.Note != again.Note {
			t.Errorf("%d: %+v, then %+v", len(m.log.entries), c, again)
		}
		verifier, err := note.NewVerifier(key.Public())
		if err != nil {
			t.Fatal(err)
		}
		n, err := note.Open([]byte(c.Note), note.VerifierList(verifier))
		if err != nil || !strings.HasPrefix(n.Text, "fashen/filing/regions/120105\n") || strings.Count(n.Text, "\n") != 3 {
			t.Errorf("%+v, %v", n, err)
		}
	}
}

// change makes another entry of the one at a position.
func (m *memory) change(position int) {
	hash := sha256.Sum256([]byte("another entry"))
	m.log.entries[position-1].Hash = hash[:]
	clear(m.roots)
}

// A feed that does not continue what was signed last is not signed, in this process
// and in the next, however well its tiles were made to fit.
func TestSignRefuses(t *testing.T) {
	cases := map[string]struct {
		change func(m *memory)
		want   error
	}{
		"tail cut": {func(m *memory) { m.log.entries = m.log.entries[:width] }, ErrCut},
		"tail cut and others appended": {func(m *memory) {
			m.log.entries = m.log.entries[:2*width-1]
			m.append(9)
			m.change(2 * width)
			clear(m.properties)
		}, ErrRewritten},
		"rewritten, tiles too": {func(m *memory) {
			m.change(5)
			m.append(1)
			clear(m.properties)
		}, ErrRewritten},
		"rewritten in the last tile": {func(m *memory) {
			m.change(2*width + 1)
			m.append(1)
		}, ErrRewritten},
		"emptied": {func(m *memory) { m.log.entries = nil }, ErrCut},
		"a position is missing": {func(m *memory) {
			m.append(2)
			m.log.missing = 2*width + 5
		}, ErrCut},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			m, key, folder := newMemory(2*width+4), newKey(t), t.TempDir()
			s := signer(t, m, key, folder)
			before := signed(t, s)
			c.change(m)
			for _, s := range []*Signer{s, s, signer(t, m, key, folder)} {
				if _, err := s.Sign(t.Context(), feed); !errors.Is(err, c.want) {
					t.Errorf("%v, want %v", err, c.want)
				}
			}
			if kept, err := s.last(feed); err != nil || kept.Note != before.Note {
				t.Errorf("kept %+v, %v", kept, err)
			}
		})
	}
}

// Tiles are worked out from entries: damaged ones are made again, and refuse nothing.
func TestSignMakesTilesAgain(t *testing.T) {
	for name, damage := range map[string]func(m *memory, key string){
		"gone":      func(m *memory, key string) { delete(m.properties, key) },
		"cut":       func(m *memory, key string) { m.properties[key] = "AAAA" },
		"another's": func(m *memory, key string) { m.properties[key] = encode(make([][]byte, width)) },
		"too far":   func(m *memory, _ string) { m.properties["checkpoint/"+feed+"/edge"] = "25600 " },
	} {
		t.Run(name, func(t *testing.T) {
			m, key, folder := newMemory(3*width), newKey(t), t.TempDir()
			s := signer(t, m, key, folder)
			signed(t, s)
			for key := range m.properties {
				if strings.Contains(key, "/tile/0/") {
					damage(m, key)
				}
			}
			m.append(1)
			if c := signed(t, s); string(c.Root) != string(m.wanted(3*width+1)) {
				t.Errorf("%x", c.Root)
			}
			if _, _, err := s.Inclusion(t.Context(), feed, width+1, 3*width); err != nil {
				t.Errorf("proof: %v", err)
			}
		})
	}
}

// A new key goes on where the old one stopped; a kept note that was changed stops it.
func TestSignWithAnotherKey(t *testing.T) {
	m, folder := newMemory(3), t.TempDir()
	old, changed := newKey(t), newKey(t)
	signed(t, signer(t, m, old, folder))
	c := signed(t, signer(t, m, changed, folder))
	if _, err := Open(c.Note, changed); err != nil {
		t.Error(err)
	}
	m.change(1)
	m.append(1)
	if _, err := signer(t, m, old, folder).Sign(t.Context(), feed); !errors.Is(err, ErrRewritten) {
		t.Errorf("rewritten under the old key: %v", err)
	}
	path := filepath.Join(folder, "filing", "regions-120105.txt")
	if err := os.WriteFile(path, []byte(strings.Replace(c.Note, "\n3\n", "\n2\n", 1)), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := signer(t, m, changed, folder).Sign(t.Context(), feed); !errors.Is(err, ErrChanged) {
		t.Errorf("a changed note was kept: %v", err)
	}
}

// A name that is none of ours is neither signed nor a path.
func TestSignNames(t *testing.T) {
	m, folder := newMemory(1), t.TempDir()
	s := signer(t, m, newKey(t), folder)
	for _, feed := range []string{"", "regions/../../x", "regions/120105\n5\nAAAA", "regions/120105/x", "globals"} {
		if c, err := s.Sign(t.Context(), feed); err == nil {
			t.Errorf("signed %q: %q", feed, c.Note)
		}
	}
	if files, err := os.ReadDir(folder); err != nil || len(files) != 0 {
		t.Errorf("%v, %v", files, err)
	}
}

func TestProofAhead(t *testing.T) {
	s := signer(t, newMemory(3), newKey(t), t.TempDir())
	if _, _, err := s.Inclusion(t.Context(), feed, 1, 4); !errors.Is(err, ErrAhead) {
		t.Errorf("inclusion: %v", err)
	}
	if _, err := s.Consistency(t.Context(), feed, 1, 4); !errors.Is(err, ErrAhead) {
		t.Errorf("consistency: %v", err)
	}
}

// Proofs of a tree that was read are made without reading entries, for any size up to
// its own; the trees in memory stay few.
func TestProofReads(t *testing.T) {
	m := newMemory(2*width + 9)
	s := signer(t, m, newKey(t), t.TempDir())
	signed(t, s)
	m.log.reads = 0
	for _, size := range []int64{1, width + 3, 2*width + 9} {
		if _, _, err := s.Inclusion(t.Context(), feed, 1, size); err != nil {
			t.Error(err)
		}
		if _, err := s.Consistency(t.Context(), feed, 1, size); err != nil {
			t.Error(err)
		}
	}
	if m.log.reads != 0 {
		t.Errorf("%d entries read", m.log.reads)
	}
	for i := range 2 * maxRecent {
		if _, err := s.Sign(t.Context(), fmt.Sprintf("regions/%06d", i)); err != nil {
			t.Fatal(err)
		}
	}
	if len(s.recent) != maxRecent {
		t.Errorf("%d trees in memory", len(s.recent))
	}
}

// lines is a log that tells its lines as they come.
type lines chan string

func (l lines) Write(b []byte) (int, error) {
	l <- string(b)
	return len(b), nil
}

// Feeds are signed by themselves, an interval after a new entry, a line each; a
// service in which nothing moves waits for nothing.
func TestRounds(t *testing.T) {
	m, log, turns := newMemory(3), make(lines, 8), make(chan chan time.Time)
	s := NewSigner(Options{
		Service: "filing", Engine: m, Key: newKey(t), Folder: t.TempDir(), Interval: time.Minute,
		Logger: slog.New(slog.NewTextHandler(log, nil)),
		After: func(d time.Duration) <-chan time.Time {
			if d != time.Minute {
				t.Errorf("waits for %v", d)
			}
			turn := make(chan time.Time, 1)
			turns <- turn
			return turn
		},
	})
	s.Start()
	defer s.Close()
	line := func(want string) {
		t.Helper()
		turn := <-turns
		turn <- time.Time{}
		if got := <-log; !strings.Contains(got, want) {
			t.Errorf("%q, want %q", got, want)
		}
	}
	line("origin=fashen/filing/regions/120105 size=3")
	select {
	case <-turns:
		t.Error("a quiet service waits for another turn")
	default:
	}
	m.append(2)
	s.Moved()
	s.Moved()
	line("size=5")
	m.log.entries = m.log.entries[:4]
	s.Moved()
	line("level=ERROR")
	s.Moved()
	line("shorter than what was signed")
}
