package checkpoint

import (
	"bytes"
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/transparency-dev/formats/log"
	"golang.org/x/mod/sumdb/note"
)

// originPrefix begins the origin of every checkpoint of ours.
const originPrefix = "fashen/"

// feedForm is what a feed of the RPCs is called; nothing else is signed, so that a
// name which somebody wrote into the database ends up in no note and no path.
var feedForm = regexp.MustCompile(`^(global|regions/[0-9]{6})$`)

// Errors of a note.
var (
	// ErrChanged: the note is not what was signed, or is no checkpoint.
	ErrChanged = errors.New("checkpoint: the note is not what was signed")
	// ErrOtherKey: the note bears no signature of the key.
	ErrOtherKey = errors.New("checkpoint: the note is not signed with this key")
)

// Checkpoint is how many entries a feed has and what they are.
type Checkpoint struct {
	// Service and Feed name the feed.
	Service, Feed string
	// Size is the number of entries, those of the positions 1 to Size.
	Size int64
	// Root of the tree over them.
	Root []byte
	// Note is the signed note, whole.
	Note string
}

// Origin is the first line of the note, `fashen/filing/regions/120105`.
func (c Checkpoint) Origin() string { return originPrefix + c.Service + "/" + c.Feed }

func (c Checkpoint) text() string {
	return string(log.Checkpoint{Origin: c.Origin(), Size: uint64(c.Size), Hash: c.Root}.Marshal())
}

// Open reads a note and checks its signature. Errors: ErrOtherKey, ErrChanged.
func Open(signed string, v note.Verifier) (Checkpoint, error) {
	n, err := note.Open([]byte(signed), note.VerifierList(v))
	if _, other := errors.AsType[*note.UnverifiedNoteError](err); other {
		return Checkpoint{}, ErrOtherKey
	}
	if err != nil {
		return Checkpoint{}, fmt.Errorf("%w: %w", ErrChanged, err)
	}
	return read(n.Text, signed)
}

// read reads the text of a note. Lines beyond the three of a checkpoint are none of
// ours, and neither is another way to write the same.
func read(text, signed string) (Checkpoint, error) {
	var l log.Checkpoint
	rest, err := l.Unmarshal([]byte(text))
	if err != nil {
		return Checkpoint{}, fmt.Errorf("%w: %w", ErrChanged, err)
	}
	name, ok := strings.CutPrefix(l.Origin, originPrefix)
	service, feed, _ := strings.Cut(name, "/")
	c := Checkpoint{Service: service, Feed: feed, Size: int64(l.Size), Root: l.Hash, Note: signed}
	if !ok || len(rest) > 0 || c.Size < 0 || len(l.Hash) != hashBytes || service == "" || !feedForm.MatchString(feed) || c.text() != text {
		return Checkpoint{}, fmt.Errorf("%w: it is no checkpoint of a feed", ErrChanged)
	}
	return c, nil
}

// signature begins the signature lines of a note.
var signature = []byte("— ")

// Split cuts a file of notes, one after the other, into the notes. What is no note
// becomes one that [Open] refuses.
func Split(file []byte) []string {
	var notes []string
	var current []byte
	signed := false
	end := func() {
		if trimmed := bytes.TrimLeft(current, "\n"); len(trimmed) > 0 {
			notes = append(notes, string(trimmed))
		}
		current, signed = nil, false
	}
	for line := range bytes.Lines(file) {
		if bytes.HasPrefix(line, signature) {
			signed = true
		} else if signed {
			end()
		}
		current = append(current, line...)
	}
	end()
	return notes
}
