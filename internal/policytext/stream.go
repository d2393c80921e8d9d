package policytext

import (
	"cmp"
	"context"
	"errors"
	"iter"
)

// Paragraph is a line of a file as a stream gives it.
type Paragraph struct {
	// Number is the automatic number at the start of Text; empty where it was
	// typed or there is none.
	Number string `json:"number"`
	// Style is the name of its style, where the format has any.
	Style string `json:"style"`
	// Place is text, table, box, contents or margin.
	Place string `json:"place"`
	Text  string `json:"text"`
}

// errStop ends a stream that nobody reads on.
var errStop = errors.New("stopped by the reader")

// Paragraphs reads a file as Read does, but gives its lines one after the other
// and keeps none, so that memory does not grow with the text. Only the lines of
// the body are read: no structure, no notes or comments. An error is the last
// thing it gives.
func (re Reader) Paragraphs(ctx context.Context, data []byte) iter.Seq2[Paragraph, error] {
	places := map[place]string{inText: "text", inTable: "table", inBox: "box", inContents: "contents", inMargin: "margin"}
	return func(yield func(Paragraph, error) bool) {
		r := &reading{limits: re.Limits, changes: re.Changes}
		r.sink = func(l line) error {
			if !yield(Paragraph{Number: l.label, Style: l.style, Place: places[l.place], Text: cmp.Or(l.raw, l.text)}, nil) {
				return errStop
			}
			return nil
		}
		if err := re.read(ctx, data, r); err != nil && !errors.Is(err, errStop) {
			yield(Paragraph{}, err)
		}
	}
}
