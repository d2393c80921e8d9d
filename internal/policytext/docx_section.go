package policytext

import (
	"encoding/xml"
	"strconv"
)

// PageSetup is the paper of a document and its margins, in millimetres. A zero is
// not said.
type PageSetup struct {
	Width, Height            float64
	Top, Bottom, Left, Right float64
}

// section reads a w:sectPr, which ends a section; the first one of the body is that
// of the document itself, and forms on broad paper come behind it.
func (d *docx) section(x *xmlReader) error {
	var page PageSetup
	err := x.children(func(e xml.StartElement) error {
		switch e.Name.Local {
		case "pgSz":
			page.Width, page.Height = millimetres(e, "w"), millimetres(e, "h")
		case "pgMar":
			page.Top, page.Bottom = millimetres(e, "top"), millimetres(e, "bottom")
			page.Left, page.Right = millimetres(e, "left"), millimetres(e, "right")
			page.Left += millimetres(e, "gutter")
		}
		return x.skip()
	})
	if d.reading.page == nil {
		d.reading.page = &page
	}
	return err
}

// millimetres reads a measure in twentieths of a point; one that is none, or that
// no paper has, is not said.
func millimetres(e xml.StartElement, name string) float64 {
	const perMillimetre = 1440 / 25.4
	v, _ := attr(e, name)
	twips, err := strconv.Atoi(v)
	if err != nil || twips < 0 || twips > 100_000 {
		return 0
	}
	return float64(twips) / perMillimetre
}
