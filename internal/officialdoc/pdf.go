package officialdoc

import (
	"fmt"
	"time"
	"unicode"

	"github.com/signintech/gopdf"
)

// PDF writes the letter as a PDF file with its fonts in it. A character that no
// font has is an *Error that names it, never a blank.
func (l Letter) PDF(fonts *Typefaces) ([]byte, error) {
	flow, err := l.flow()
	if err != nil {
		return nil, err
	}
	p := newSheet(fonts)
	p.pdf.SetInfo(gopdf.PdfInfo{Title: l.Title, Author: l.Issuer, CreationDate: time.Date(l.Date.Year, l.Date.Month, l.Date.Day, 0, 0, 0, 0, time.UTC)})
	p.layOut(flow)
	p.number()
	if p.err != nil {
		return nil, p.err
	}
	data, err := p.pdf.GetBytesPdfReturnErr()
	if err != nil {
		return nil, fmt.Errorf("write the PDF file: %w", err)
	}
	if data, err = mendUnicode(data, l.Title, l.Issuer); err != nil {
		return nil, fmt.Errorf("mend the PDF file: %w", err)
	}
	return data, nil
}

// sheet is a PDF file in the making; measures are in points. The first error
// stays.
type sheet struct {
	pdf    *gopdf.GoPdf
	styles map[string]style
	fonts  *Typefaces
	used   map[face]bool // those whose fonts are in the file
	// glyphs keeps which font has a character of a face, and how wide it is for a
	// size of one point.
	glyphs map[glyphKey]glyph
	page   int
	y      float64 // where the next line begins, from the top of the page
	err    error
}

type glyphKey struct {
	face face
	r    rune
}

type glyph struct {
	face  face // of the font that has it; empty for a blank
	width float64
}

const (
	point                    = 20.0 // twips
	left, top                = marginLeft / point, marginTop / point
	right, bottom            = (pageWidth - marginRight) / point, (marginTop + textHeight) / point
	cellSide, cellTop        = 5.4, 3.0
	pageNumberSize           = 14.0
	pageNumberBelow          = 19.8 // 7 mm
	ascent                   = 0.86 // of a Chinese character above the baseline
	redLineBelow, redLineFat = 11.3, 1.5
)

func newSheet(fonts *Typefaces) *sheet {
	p := &sheet{pdf: &gopdf.GoPdf{}, fonts: fonts, used: map[face]bool{}, styles: map[string]style{}, glyphs: map[glyphKey]glyph{}}
	p.pdf.Start(gopdf.Config{PageSize: gopdf.Rect{W: pageWidth / point, H: pageHeight / point}})
	for _, s := range styles() {
		p.styles[s.id] = s
	}
	p.turn()
	return p
}

func (p *sheet) fail(err error) {
	if p.err == nil {
		p.err = err
	}
}

// turn begins a page.
func (p *sheet) turn() {
	if p.page > 0 {
		p.number()
	}
	p.pdf.AddPage()
	p.page++
	p.y = top
}

// number writes the page's number, on odd pages at the right.
func (p *sheet) number() {
	text := []rune(fmt.Sprintf("— %d —", p.page))
	x := left + pageNumberSize
	if p.page%2 == 1 {
		x = right - pageNumberSize - p.width(text, songti, pageNumberSize, 0)
	}
	p.draw(text, songti, pageNumberSize, x, bottom+pageNumberBelow+pageNumberSize*(ascent-0.5), 0)
}

// glyph finds a font for a character, that of the face before all others.
func (p *sheet) glyph(f face, r rune) glyph {
	key := glyphKey{f, r}
	if g, ok := p.glyphs[key]; ok {
		return g
	}
	g := glyph{}
	switch {
	case r == '\u3000':
		g.width = 1
	case unicode.IsSpace(r):
		g.width = 0.5
	case unicode.Is(unicode.Cf, r): // takes no room
	default:
		g = p.search(f, r)
	}
	p.glyphs[key] = g
	return g
}

// use takes a font into the file when it is first needed: each makes it larger, and
// slower to write. It reports whether there is one for the face.
func (p *sheet) use(f face) bool {
	if !p.used[f] {
		p.used[f] = p.pdf.AddTTFFontFromFontContainer(string(f), &p.fonts.fonts) == nil
	}
	return p.used[f]
}

func (p *sheet) search(f face, r rune) glyph {
	for _, candidate := range append([]face{f}, p.fonts.faces...) {
		if !p.use(candidate) {
			continue
		}
		if err := p.pdf.SetFont(string(candidate), "", 100); err != nil {
			p.fail(fmt.Errorf("set the font of %s: %w", candidate, err))
		}
		has, err := p.pdf.IsCurrFontContainGlyph(r)
		if err != nil || !has {
			continue
		}
		width, err := p.pdf.MeasureTextWidth(string(r))
		if err != nil {
			p.fail(fmt.Errorf("measure %q: %w", r, err))
		}
		return glyph{candidate, width / 100}
	}
	p.fail(refuse("fonts", "字体中没有字符“%c”（U+%04X），请指定含有该字符的字体", r, r))
	return glyph{}
}

// width is how wide characters are, with a space behind each.
func (p *sheet) width(text []rune, f face, size, space float64) float64 {
	w := 0.0
	for _, r := range text {
		w += p.glyph(f, r).width*size + space
	}
	return w
}

// draw writes characters from x on a baseline, with a space behind each.
func (p *sheet) draw(text []rune, f face, size, x, baseline, space float64) {
	for i := 0; i < len(text); {
		font, from, begin := p.glyph(f, text[i]).face, i, x
		for ; i < len(text) && p.glyph(f, text[i]).face == font; i++ {
			x += p.glyph(f, text[i]).width*size + space
		}
		if font == "" {
			continue
		}
		err := p.pdf.SetFont(string(font), "", size)
		if err == nil {
			err = p.pdf.SetCharSpacing(space)
		}
		if err == nil {
			p.pdf.SetXY(begin, baseline)
			err = p.pdf.Text(string(text[from:i]))
		}
		if err != nil {
			p.fail(fmt.Errorf("write %q: %w", string(text[from:i]), err))
		}
	}
}

// rule draws a line across.
func (p *sheet) rule(x1, x2, y, width float64) {
	p.pdf.SetLineWidth(width)
	p.pdf.Line(x1, y, x2, y)
}
