package app

import (
	"cmp"
	"context"
	"path/filepath"

	"fashen/internal/legacyword"
	"fashen/internal/pdftext"
	"fashen/internal/policytext"
)

// reader reads uploaded files for the services of this process that take any. They
// share the children that read PDF files.
func (a *App) reader() (policytext.Reader, error) {
	reading := a.config.Reading.Effective()
	if a.pdf == nil {
		a.pdf = pdftext.NewReader(cmp.Or(a.config.PDFCache, filepath.Join(a.config.DataDir, "pdf")), pdfChildren, reading.Limits)
	}
	texts := policytext.Reader{Limits: reading.Limits, PDF: a.pdf.Pages}
	if reading.Word.Program == "" {
		return texts, nil
	}
	word, err := legacyword.New(reading.Word)
	if err != nil {
		return texts, err
	}
	texts.Word = func(ctx context.Context, data []byte) ([]byte, error) {
		docx, err := word.Convert(ctx, data)
		if err != nil {
			a.log.WarnContext(ctx, "a .doc file was not converted", "error", err)
		}
		return docx, err
	}
	return texts, nil
}
