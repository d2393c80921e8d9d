package main

import (
	"context"
	"errors"
	"io"
	"os"

	corev1 "fashen/gen/fashen/core/v1"
	"fashen/internal/config"
	"fashen/internal/docstore"
	"fashen/internal/legacyword"
	"fashen/internal/pdftext"
	"fashen/internal/policytext"
)

// readFile reads the text of a draft by its name.
func readFile(ctx context.Context, reading config.Reading, name string) (_ *corev1.PolicyText, err error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	document, err := readDocument(ctx, reading, f)
	if err != nil {
		return nil, err
	}
	return document.Text, nil
}

// readDocument reads a file within the limits of an upload.
func readDocument(ctx context.Context, reading config.Reading, in io.Reader) (*policytext.Document, error) {
	reader, data, err := openDocument(reading, in)
	if err != nil {
		return nil, err
	}
	return reader.Read(ctx, data)
}

// openDocument takes a file in and prepares a reader with the limits of an upload.
func openDocument(reading config.Reading, in io.Reader) (policytext.Reader, []byte, error) {
	data, err := io.ReadAll(io.LimitReader(in, docstore.MaxBlobBytes+1))
	if err != nil {
		return policytext.Reader{}, nil, err
	}
	if len(data) > docstore.MaxBlobBytes {
		return policytext.Reader{}, nil, errors.New("文件超过 50 MiB")
	}
	reading = reading.Effective()
	pdf := pdftext.NewReader("", 1, reading.Limits)
	if policytext.IsPDF(data) { // the first time on a machine takes longer than a file may
		if err := pdf.Warm(); err != nil {
			return policytext.Reader{}, nil, err
		}
	}
	reader := policytext.Reader{Limits: reading.Limits, PDF: pdf.Pages}
	if reading.Word.Program != "" {
		word, err := legacyword.New(reading.Word)
		if err != nil {
			return policytext.Reader{}, nil, err
		}
		reader.Word = word.Convert
	}
	return reader, data, nil
}
