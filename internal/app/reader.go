package app

import (
	"cmp"
	"context"
	"path/filepath"

	"fashen/internal/docstore"
	"fashen/internal/intake"
	"fashen/internal/legacyword"
	"fashen/internal/pdftext"
	"fashen/internal/policytext"
)

// files is where uploaded files come in, for all services of this process that take
// any: what they hold in memory and read at a time is bounded together.
func (a *App) files() (*intake.Door, error) {
	if a.door != nil {
		return a.door, nil
	}
	texts, err := a.reader()
	if err != nil {
		return nil, err
	}
	reading := a.config.Reading.Effective()
	a.door = intake.New(intake.Options{
		Texts: texts, FileBytes: min(reading.FileBytes, docstore.MaxBlobBytes), IntakeBytes: reading.IntakeBytes, Readings: reading.AtOnce,
	})
	return a.door, nil
}

// reader reads uploaded files.
func (a *App) reader() (policytext.Reader, error) {
	reading := a.config.Reading.Effective()
	a.pdf = pdftext.NewReader(cmp.Or(a.config.PDFCache, filepath.Join(a.config.DataDir, "pdf")), pdfChildren, reading.Limits)
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
