package rulebook

import (
	"errors"
	"strings"
)

// parseMask reads a word that only looks as if it held a word of a lexicon,
// with the misleading part in brackets: 小区[内] is not {local}'s 区内. It returns
// the word and the word with that part blanked out, in as many bytes, so that
// offsets into the text hold.
func parseMask(s string) (seen, hidden string, err error) {
	before, rest, ok := strings.Cut(s, "[")
	part, after, ok2 := strings.Cut(rest, "]")
	if !ok || !ok2 || part == "" || before+after == "" {
		return "", "", errors.New("brackets must mark a part of the word")
	}
	return before + part + after, before + strings.Repeat("\x00", len(part)) + after, nil
}
