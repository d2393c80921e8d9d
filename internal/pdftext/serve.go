package pdftext

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"strings"
	"time"
	"unicode/utf16"

	"github.com/klippa-app/go-pdfium"
	pdfiumerrors "github.com/klippa-app/go-pdfium/errors"
	"github.com/klippa-app/go-pdfium/references"
	"github.com/klippa-app/go-pdfium/requests"
	"github.com/klippa-app/go-pdfium/webassembly"
	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
	"github.com/tetratelabs/wazero/experimental"

	"fashen/internal/policytext"
)

const (
	// memoryPages of 64 KiB are all the memory the engine gets: 96 MiB.
	memoryPages = 1536
	// maxBytes bounds a file, as uploads are bounded.
	maxBytes = 64 << 20
	// maxPages bounds the pages of a file, maxRunes their text.
	maxPages = 2_000
	maxRunes = 8 << 20
	// startTime bounds the start of the engine, readTime the life of a child once it
	// has started: its parent asks for far less.
	startTime = time.Minute
	readTime  = time.Minute
)

// Serve reads a PDF file from in and writes its pages to out. It is the whole work
// of a child process. cacheDir keeps the compiled engine.
func Serve(in io.Reader, out io.Writer, cacheDir string) error {
	// A child whose parent was killed is stopped by nobody else.
	over := time.AfterFunc(compileTime, die)
	defer over.Stop()
	data, err := io.ReadAll(io.LimitReader(in, maxBytes+1))
	if err != nil {
		return fmt.Errorf("pdftext: read the file: %w", err)
	}
	if len(data) > maxBytes {
		return errors.New("pdftext: the file is longer than any upload")
	}
	pool, err := engine(cacheDir)
	if err != nil {
		return err
	}
	instance, err := pool.GetInstance(startTime)
	if err != nil {
		return fmt.Errorf("pdftext: start the engine: %w", err)
	}
	over.Reset(readTime)
	lines := json.NewEncoder(out)
	lines.SetEscapeHTML(false)
	f := &file{engine: instance, page: func(p *policytext.Page) error { return lines.Encode(answer{Page: p}) }}
	end := answer{Done: true}
	if err := f.read(&data); err != nil {
		var refused *policytext.FormatError
		if !errors.As(err, &refused) {
			return err
		}
		end = answer{Code: refused.Code, Message: refused.Message}
	}
	return lines.Encode(end)
}

// engine loads PDFium without any files, with a fixed memory.
func engine(cacheDir string) (pdfium.Pool, error) {
	c := wazero.NewRuntimeConfig().WithMemoryLimitPages(memoryPages).
		WithCoreFeatures(api.CoreFeaturesV2 | experimental.CoreFeaturesExceptionHandling)
	if err := own(cacheDir); err != nil {
		return nil, err
	}
	cache, err := wazero.NewCompilationCacheWithDir(cacheDir)
	if err != nil {
		return nil, fmt.Errorf("pdftext: keep the compiled engine: %w", err)
	}
	c = c.WithCompilationCache(cache)
	pool, err := webassembly.Init(webassembly.Config{
		Context: context.Background(), MinIdle: 0, MaxIdle: 1, MaxTotal: 1, RuntimeConfig: c, FSConfig: wazero.NewFSConfig(),
	})
	if err != nil {
		return nil, fmt.Errorf("pdftext: load the engine: %w", err)
	}
	if err := os.WriteFile(readyFile(cacheDir), nil, 0o600); err != nil {
		return nil, fmt.Errorf("pdftext: keep the compiled engine: %w", err)
	}
	return pool, nil
}

// file is a PDF file that is being read.
type file struct {
	engine pdfium.Pdfium
	page   func(*policytext.Page) error
	runes  int
}

func (f *file) read(data *[]byte) error {
	doc, err := f.engine.OpenDocument(&requests.OpenDocument{File: data})
	switch {
	case errors.Is(err, pdfiumerrors.ErrPassword):
		return refuse(policytext.CodeFormatNotSupported, "PDF 文件已加密，请取消密码后上传")
	case err != nil:
		return refuse(CodeDamaged, "PDF 文件已损坏或者不完整，请重新导出后上传")
	}
	count, err := f.engine.FPDF_GetPageCount(&requests.FPDF_GetPageCount{Document: doc.Document})
	switch {
	case err != nil:
		return fmt.Errorf("pdftext: count the pages: %w", err)
	case count.PageCount > maxPages:
		return tooManyPages(maxPages)
	}
	for i := range count.PageCount {
		if err := f.readPage(doc.Document, i); err != nil {
			return err
		}
	}
	return nil
}

func tooManyPages(most int) error {
	return refuse(policytext.CodeTooManyPages, fmt.Sprintf("PDF 文件超过%d页的上限，请拆分后上传", most))
}

func (f *file) readPage(doc references.FPDF_DOCUMENT, index int) error {
	loaded, err := f.engine.FPDF_LoadPage(&requests.FPDF_LoadPage{Document: doc, Index: index})
	if err != nil {
		return refuse(CodeDamaged, fmt.Sprintf("PDF 文件第%d页已损坏，请重新导出后上传", index+1))
	}
	page := requests.Page{ByReference: &loaded.Page}
	width, err := f.engine.FPDF_GetPageWidthF(&requests.FPDF_GetPageWidthF{Page: page})
	if err != nil {
		return fmt.Errorf("pdftext: page %d: %w", index+1, err)
	}
	height, err := f.engine.FPDF_GetPageHeightF(&requests.FPDF_GetPageHeightF{Page: page})
	if err != nil {
		return fmt.Errorf("pdftext: page %d: %w", index+1, err)
	}
	text, err := f.engine.FPDFText_LoadPage(&requests.FPDFText_LoadPage{Page: page})
	if err != nil {
		return fmt.Errorf("pdftext: page %d: %w", index+1, err)
	}
	out := &policytext.Page{Width: float64(width.PageWidth), Height: float64(height.PageHeight)}
	if err := f.spans(text.TextPage, out); err != nil {
		return fmt.Errorf("pdftext: page %d: %w", index+1, err)
	}
	if _, err := f.engine.FPDFText_ClosePage(&requests.FPDFText_ClosePage{TextPage: text.TextPage}); err != nil {
		return fmt.Errorf("pdftext: page %d: %w", index+1, err)
	}
	if _, err := f.engine.FPDF_ClosePage(&requests.FPDF_ClosePage{Page: loaded.Page}); err != nil {
		return fmt.Errorf("pdftext: page %d: %w", index+1, err)
	}
	return f.page(out)
}

// character is one character of a page.
type character struct {
	r          rune
	x, y, size float64
}

// spans gathers the characters of a page into runs: those that follow one another
// closely on one baseline, in one size.
func (f *file) spans(text references.FPDF_TEXTPAGE, out *policytext.Page) error {
	count, err := f.engine.FPDFText_CountChars(&requests.FPDFText_CountChars{TextPage: text})
	if err != nil {
		return err
	}
	if f.runes += count.Count; f.runes > maxRunes {
		return refuse(policytext.CodeTextTooLong, "PDF 文件文字过多，请拆分后上传")
	}
	var b strings.Builder
	var span policytext.Span
	var last character
	high := rune(0) // half of a character beyond U+FFFF
	flush := func() {
		if b.Len() > 0 {
			span.Text, span.Width = b.String(), last.x+advance(last)-span.X
			out.Spans = append(out.Spans, span)
			b.Reset()
		}
	}
	for i := range count.Count {
		c, shown, err := f.character(text, i)
		if err != nil {
			return err
		}
		switch {
		case !shown:
			continue
		case utf16.IsSurrogate(c.r) && high == 0:
			high = c.r
			continue
		case high != 0:
			c.r, high = utf16.DecodeRune(high, c.r), 0
		}
		c.y = out.Height - c.y
		gap := c.x - last.x - advance(last)
		if b.Len() > 0 && span.Turned {
			// What stands at an angle goes on as long as its characters do.
			if turned, err := f.turned(text, i); err != nil {
				return err
			} else if turned {
				b.WriteRune(c.r)
				last = c
				continue
			}
		}
		if strings.ContainsRune("—…", c.r) && c == last {
			b.WriteRune(c.r) // —— may be one glyph
			continue
		}
		if b.Len() == 0 || math.Abs(c.y-last.y) > 0.1*c.size || math.Abs(c.size-last.size) > 0.1*c.size || gap > 0.4*c.size || gap < -0.6*c.size {
			flush()
			turned, err := f.turned(text, i)
			if err != nil {
				return err
			}
			span = policytext.Span{X: c.x, Y: c.y, Size: c.size, Turned: turned}
		}
		b.WriteRune(c.r)
		last = c
	}
	flush()
	return nil
}

// advance is about how far the next character stands from this one.
func advance(c character) float64 {
	if c.r < 0x2000 {
		return c.size / 2
	}
	return c.size
}

// character reads one character; shown is false for those that the engine made up
// and those that are not printed.
func (f *file) character(text references.FPDF_TEXTPAGE, i int) (c character, shown bool, err error) {
	code, err := f.engine.FPDFText_GetUnicode(&requests.FPDFText_GetUnicode{TextPage: text, Index: i})
	if err != nil {
		return c, false, err
	}
	if c.r = rune(code.Unicode); c.r <= ' ' && c.r != ' ' || c.r == 0xfffe || c.r == 0xffff {
		return c, false, nil
	}
	size, err := f.engine.FPDFText_GetFontSize(&requests.FPDFText_GetFontSize{TextPage: text, Index: i})
	if err != nil {
		return c, false, err
	}
	if c.r == ' ' {
		// Between characters that a justified row has spread, the engine makes blanks up.
		made, err := f.engine.FPDFText_IsGenerated(&requests.FPDFText_IsGenerated{TextPage: text, Index: i})
		if err != nil || made.IsGenerated {
			return c, false, err
		}
	}
	origin, err := f.engine.FPDFText_GetCharOrigin(&requests.FPDFText_GetCharOrigin{TextPage: text, Index: i})
	if err != nil {
		return c, false, err
	}
	c.x, c.y, c.size = origin.X, origin.Y, size.FontSize
	for _, n := range []float64{c.x, c.y, c.size} {
		if math.IsNaN(n) || math.Abs(n) > 1e6 {
			return c, false, nil
		}
	}
	return c, c.size > 0, nil
}

// turned tells whether a run is set at an angle of more than some degrees.
func (f *file) turned(text references.FPDF_TEXTPAGE, i int) (bool, error) {
	const some, whole = 0.1, 6.283
	angle, err := f.engine.FPDFText_GetCharAngle(&requests.FPDFText_GetCharAngle{TextPage: text, Index: i})
	if err != nil {
		return false, err
	}
	a := float64(angle.CharAngle)
	return a > some && a < whole-some, nil
}
