package policytext

import (
	"sort"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// Shadow is a text as it is searched: width, brackets and compatibility forms of
// characters told apart no more, blanks left out. The text itself stays as sent; a
// shadow leads back to it.
type Shadow struct {
	// Text is the folded text.
	Text string
	// at are the bytes of Text where a piece of the original begins to speak, origin the
	// code point at which the piece begins and end the one just behind it.
	at, origin, end []int32
}

// folded are brackets and dashes that are written one for another; what NFKC makes
// the same is not listed.
var folded = map[rune]rune{
	'〔': '[', '〕': ']', '【': '[', '】': ']', '〈': '<', '〉': '>', '《': '<', '》': '>',
	'—': '-', '–': '-', '－': '-', '―': '-', '‐': '-', '○': '〇',
	'“': '"', '”': '"', '‘': '\'', '’': '\'', '「': '"', '」': '"',
}

// NewShadow folds a text.
func NewShadow(s string) *Shadow {
	sh := &Shadow{}
	var b strings.Builder
	b.Grow(len(s))
	var iter norm.Iter
	iter.InitString(norm.NFKC, s)
	from, point := 0, 0
	for !iter.Done() {
		piece := iter.Next()
		to := iter.Pos()
		next := point + utf8.RuneCountInString(s[from:to])
		started := false
		for len(piece) > 0 {
			r, size := utf8.DecodeRune(piece)
			piece = piece[size:]
			if IsBlank(r) {
				continue
			}
			if same, ok := folded[r]; ok {
				r = same
			}
			if !started {
				sh.at, sh.origin = append(sh.at, int32(b.Len())), append(sh.origin, int32(point))
				sh.end = append(sh.end, int32(next))
				started = true
			}
			b.WriteRune(r)
		}
		from, point = to, next
	}
	sh.Text = b.String()
	return sh
}

// Fold is the text of a shadow, for comparing titles and quotes.
func Fold(s string) string { return NewShadow(s).Text }

// Find gives the code points [start, end) of the original at which a quote stands,
// however it writes widths, brackets and blanks; at most limit of them.
func (sh *Shadow) Find(quote string, limit int) (spans [][2]int) {
	quote = Fold(quote)
	if quote == "" {
		return nil
	}
	for from := 0; len(spans) < limit; {
		i := strings.Index(sh.Text[from:], quote)
		if i < 0 {
			break
		}
		start := from + i
		end := start + len(quote)
		spans = append(spans, [2]int{int(sh.origin[sh.piece(start)]), int(sh.end[sh.piece(end-1)])})
		_, size := utf8.DecodeRuneInString(sh.Text[start:])
		from = start + size
	}
	return spans
}

// FindQuote gives the code points [start, end) at which a quote stands in a text, at
// most limit of them: as it is written or, where it nowhere is, in the text's shadow.
func FindQuote(text, quote string, limit int) (spans [][2]int) {
	if quote == "" {
		return nil
	}
	points, last := 0, 0
	for from := 0; len(spans) < limit; {
		i := strings.Index(text[from:], quote)
		if i < 0 {
			break
		}
		points += utf8.RuneCountInString(text[last : from+i])
		last = from + i
		spans = append(spans, [2]int{points, points + utf8.RuneCountInString(quote)})
		_, size := utf8.DecodeRuneInString(quote)
		from = last + size
	}
	if len(spans) > 0 {
		return spans
	}
	return NewShadow(text).Find(quote, limit)
}

// piece is the piece of the original that speaks at a byte of the folded text.
func (sh *Shadow) piece(at int) int {
	return sort.Search(len(sh.at), func(i int) bool { return int(sh.at[i]) > at }) - 1
}
