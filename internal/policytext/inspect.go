package policytext

import (
	"fmt"
	"strings"

	"google.golang.org/genproto/googleapis/type/date"

	corev1 "fashen/gen/fashen/core/v1"
)

// Inspection is what `fashen inspect` prints: a policy text without its words,
// unless they are asked for.
type Inspection struct {
	Title          string   `json:"title"`
	DocumentNumber string   `json:"document_number"` // as in the text
	Normalized     string   `json:"document_number_normalized"`
	Date           string   `json:"date"` // ISO 8601, or empty
	Counts         Counts   `json:"counts"`
	Addressees     string   `json:"addressees"`
	Signatories    []string `json:"signatories"`
	Annotation     string   `json:"annotation"` // 附注, without its brackets
	// Names of the attachments, as the note 附件：… lists them.
	Attachments []string     `json:"attachments"`
	Outline     []*Inspected `json:"outline"`
	// The document itself, the texts it issues, and what is attached.
	Parts      []InspectedPart      `json:"parts"`
	Citations  []Cited              `json:"citations"`
	References []InspectedReference `json:"references"`
	Validities []InspectedValidity  `json:"validities"`
	Changes    []Changed            `json:"changes"`
	Comments   []Commented          `json:"comments"`
	Notes      []Noted              `json:"notes"`
	Margins    []Margin             `json:"margins"`
	Warnings   []string             `json:"warnings"`
	Text       string               `json:"text,omitempty"`
}

// Changed is one tracked change; offsets are code points, equal where this
// reading leaves its words out.
type Changed struct {
	Kind   string `json:"kind"` // insertion, deletion, move_from, move_to
	Author string `json:"author"`
	Date   string `json:"date"`
	Start  int    `json:"start"`
	End    int    `json:"end"`
	Text   string `json:"text"` // a line feed for the end of a paragraph
}

// Commented is one comment; offsets are code points, null for a comment about no
// place of the body.
type Commented struct {
	ID       string  `json:"id"`
	Author   string  `json:"author"`
	Date     string  `json:"date"`
	Text     string  `json:"text"`
	Start    *int    `json:"start"`
	End      *int    `json:"end"`
	Quote    string  `json:"quote"`  // the first maxQuote code points of what it is about
	Parent   *string `json:"parent"` // the comment it answers
	Resolved bool    `json:"resolved"`
}

// maxQuote bounds a quote, since many comments may be about a whole text.
const maxQuote = 1_000

// Noted is a footnote or endnote.
type Noted struct {
	Kind     string `json:"kind"`   // footnote, endnote
	Number   int    `json:"number"` // among its kind; 0 where the author set a sign by hand
	Position int    `json:"position"`
	Text     string `json:"text"`
}

// Counts are the totals of an outline.
type Counts struct {
	Chapters   int `json:"chapters"`
	Sections   int `json:"sections"`
	Articles   int `json:"articles"`
	Paragraphs int `json:"paragraphs"` // 款, summed over the articles
	Items      int `json:"items"`      // 项, summed over the articles
	// 附件 listed below the texts, or the attached pages where none is listed.
	Attachments int `json:"attachments"`
}

// Cited is one 《…》; offsets are code points, from 《 to just after 》.
type Cited struct {
	Title          string   `json:"title"`
	Article        *string  `json:"article"`         // the first 第…条 behind it, or null
	Provisions     []string `json:"provisions"`      // all provisions behind it, as written
	DocumentNumber *string  `json:"document_number"` // as in the text, or null
	Normalized     *string  `json:"document_number_normalized"`
	Start          int      `json:"start"`
	End            int      `json:"end"`
	Kind           string   `json:"kind"`       // self, law, document, other
	FullTitle      *string  `json:"full_title"` // of a short name, or null
}

// Inspected is one provision of the outline; offsets are code points.
type Inspected struct {
	ID       string       `json:"id"`
	Kind     string       `json:"kind"` // part, chapter, section, article, paragraph, item, sub_item, heading
	Number   int          `json:"number"`
	Label    string       `json:"label"`
	Title    string       `json:"title"`
	Start    int          `json:"start"`
	End      int          `json:"end"`
	Children []*Inspected `json:"children"`
}

// Inspect renders a document for printing as JSON, without its text.
func Inspect(d *Document) *Inspection {
	t := d.Text
	c := t.GetCounts()
	out := &Inspection{
		Title:          t.GetTitle(),
		Normalized:     t.GetDocumentNumberNormalized(),
		DocumentNumber: t.GetDocumentNumber(),
		Date:           isoDate(t.GetDate()),
		Counts: Counts{
			Chapters: int(c.GetChapters()), Sections: int(c.GetSections()), Articles: int(c.GetArticles()),
			Paragraphs: int(c.GetParagraphs()), Items: int(c.GetItems()), Attachments: int(c.GetAttachments()),
		},
		Addressees:  t.GetAddressees(),
		Signatories: orEmpty(t.GetSignatories()),
		Annotation:  t.GetAnnotation(),
		Attachments: orEmpty(t.GetAttachmentNames()),
		Outline:     inspectNodes(t.GetOutline()),
		Parts:       inspectParts(t),
		Citations:   inspectCitations(t.GetCitations()),
		References:  inspectReferences(t.GetReferences()),
		Validities:  inspectValidities(t.GetValidities()),
		Margins:     append([]Margin{}, d.Margins...),
		Warnings:    append([]string{}, t.GetWarnings()...),
	}
	inspectMarkup(t, out)
	return out
}

func inspectMarkup(t *corev1.PolicyText, out *Inspection) {
	out.Changes, out.Comments, out.Notes = []Changed{}, []Commented{}, []Noted{}
	for _, c := range t.GetMarkup().GetChanges() {
		out.Changes = append(out.Changes, Changed{strings.ToLower(c.Kind.String()), c.Author, c.Written, int(c.Start), int(c.End), c.Text})
	}
	text := []rune(t.GetText())
	for _, c := range t.GetMarkup().GetComments() {
		comment := Commented{ID: c.Id, Author: c.Author, Date: c.Written, Text: c.Text, Parent: orNull(c.Parent), Resolved: c.Resolved}
		if c.Anchored {
			start, end := int(c.Start), int(c.End)
			comment.Start, comment.End = &start, &end
			comment.Quote = string(text[start:min(end, start+maxQuote)])
		}
		out.Comments = append(out.Comments, comment)
	}
	for _, n := range t.GetMarkup().GetNotes() {
		out.Notes = append(out.Notes, Noted{strings.ToLower(n.Kind.String()), int(n.Number), int(n.Position), n.Text})
	}
}

func inspectCitations(citations []*corev1.Citation) []Cited {
	out := make([]Cited, 0, len(citations))
	for _, c := range citations {
		cited := Cited{
			Title: c.Title, Start: int(c.Start), End: int(c.End), Provisions: []string{},
			DocumentNumber: orNull(c.DocumentNumber), Normalized: orNull(c.DocumentNumberNormalized),
			Kind: strings.ToLower(strings.TrimPrefix(c.Kind.String(), "CITATION_KIND_")), FullTitle: orNull(c.FullTitle),
		}
		for i, p := range c.Provisions {
			cited.Provisions = append(cited.Provisions, p.Text)
			if i == 0 {
				article, _, ok := scanCited(p.Text, nil, true)
				if !ok { // the first of 第五、六条
					article.Text = p.Text + "条"
				}
				cited.Article = orNull(article.GetText())
			}
		}
		out = append(out, cited)
	}
	return out
}

func orNull(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

func inspectNodes(nodes []*corev1.Provision) []*Inspected {
	out := make([]*Inspected, 0, len(nodes))
	for _, n := range nodes {
		out = append(out, &Inspected{
			ID: n.Id, Kind: strings.ToLower(strings.TrimPrefix(n.Kind.String(), "PROVISION_KIND_")),
			Number: int(n.Number), Label: n.Label, Title: n.Title, Start: int(n.Start), End: int(n.End),
			Children: inspectNodes(n.Children),
		})
	}
	return out
}

func isoDate(d *date.Date) string {
	if d == nil {
		return ""
	}
	return fmt.Sprintf("%04d-%02d-%02d", d.Year, d.Month, d.Day)
}
