package rulebook

import (
	"unicode/utf8"

	"fashen/internal/policytext"
)

// traits are what characters that stand in a text, alone or one behind the other, say of
// it, so that most sentences are spared a search for names, titles and references. A
// text may have a trait and none of what it speaks of, but not the other way round.
type traits uint32

// A trait of two characters is told of the first by one of the low bits and of the second
// by one of the next, in the same order.
const (
	hasName traits = 1 << iota
	hasBareName
	hasDefinition
	hasMention
	pairs = iota
)

const (
	hasTitle traits = 1 << (2*pairs + iota)
	hasOrdinal
	hasFront
	singles = hasTitle | hasOrdinal | hasFront
)

// A class and the traits of a code point share a word.
const (
	classBits = 20
	maxClass  = 1<<classBits - 1
)

// trait gives the characters of a word a trait.
func (a *alphabet) trait(t traits, word string) {
	for _, r := range word {
		if int(r) < len(a.flat) {
			a.flat[r] |= uint32(t) << classBits
		} else {
			a.beyond |= t
		}
	}
}

// trace tells the alphabet what the library looks for in sentences beside its rules.
func (l *Library) trace() {
	pair := func(t traits, first, second string) {
		l.trait(t, first)
		l.trait(t<<pairs, second)
	}
	for name := range l.places.full {
		_, end := utf8.DecodeLastRuneInString(name)
		before, _ := utf8.DecodeLastRuneInString(name[:len(name)-end])
		l.trait(hasName, string(before))
	}
	pair(hasName, "", divisions)
	for name := range l.places.bare {
		begins, _ := utf8.DecodeRuneInString(name)
		pair(hasBareName, beforeBare, string(begins))
	}
	pair(hasDefinition, "所下", "称指简统") // 所称, 所指, 以下简称, 以下统称, 以下称
	pair(hasMention, policytext.MentionBegins, policytext.MentionGoesOn)
	l.trait(hasTitle, "《")
	l.trait(hasOrdinal, "第")
	l.trait(hasFront, "前")
}
