package rulebook

import (
	"context"
	"fmt"
	"regexp/syntax"
	"unicode/utf8"
)

// Bounds of a library that comes from outside. Expressions are RE2, whose time and
// memory follow their size once lexicons and repetitions are written out, so the
// size is what is bounded: a part takes some 200 bytes once it is compiled. The
// built-in packs have somewhat more than a third of maxLibrarySize.
const (
	maxPatternSize  = 20_000
	maxLibrarySize  = 1_500_000
	maxExampleRunes = 2_000
)

// budget bounds what compiling a library may take; nil bounds nothing.
type budget struct {
	ctx  context.Context
	left int
}

// spend counts an expression whose lexicons are written out.
func (b *budget) spend(expr string) error {
	if b == nil {
		return nil
	}
	if err := b.ctx.Err(); err != nil {
		return err
	}
	re, err := syntax.Parse(expr, syntax.Perl)
	if err != nil {
		return err
	}
	n := sizeOf(re)
	if n > maxPatternSize {
		return fmt.Errorf("pattern has %d parts when written out, the limit is %d", n, maxPatternSize)
	}
	if b.left -= n; b.left < 0 {
		return fmt.Errorf("the patterns have more than %d parts together", maxLibrarySize)
	}
	return nil
}

// example refuses an example that would take long to run.
func (b *budget) example(s string) error {
	if b == nil {
		return nil
	}
	if err := b.ctx.Err(); err != nil {
		return err
	}
	if n := utf8.RuneCountInString(s); n > maxExampleRunes {
		return fmt.Errorf("the example has %d characters, the limit is %d", n, maxExampleRunes)
	}
	return nil
}

// sizeOf counts the parts of an expression with its repetitions written out. It
// stops growing past the limit of a pattern.
func sizeOf(re *syntax.Regexp) int {
	n := 1 + len(re.Rune)
	for _, sub := range re.Sub {
		n += sizeOf(sub)
	}
	if re.Op == syntax.OpRepeat {
		n *= max(re.Min, re.Max, 1)
	}
	return min(n, maxPatternSize+1)
}
