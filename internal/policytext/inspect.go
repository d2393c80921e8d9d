package policytext

import (
	"fmt"
	"strings"

	"google.golang.org/genproto/googleapis/type/date"

	corev1 "fashen/gen/fashen/core/v1"
)

// Inspection is what `fashen inspect` prints: a policy text without its words.
type Inspection struct {
	Title          string       `json:"title"`
	DocumentNumber string       `json:"document_number"`
	Date           string       `json:"date"` // ISO 8601, or empty
	Counts         Counts       `json:"counts"`
	Outline        []*Inspected `json:"outline"`
}

// Counts are the totals of an outline.
type Counts struct {
	Chapters   int `json:"chapters"`
	Sections   int `json:"sections"`
	Articles   int `json:"articles"`
	Paragraphs int `json:"paragraphs"` // 款, summed over the articles
	Items      int `json:"items"`      // 项, summed over the articles
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

// Inspect renders a policy text for printing as JSON.
func Inspect(t *corev1.PolicyText) *Inspection {
	c := t.GetCounts()
	return &Inspection{
		Title:          t.GetTitle(),
		DocumentNumber: t.GetDocumentNumber(),
		Date:           isoDate(t.GetDate()),
		Counts: Counts{
			Chapters: int(c.GetChapters()), Sections: int(c.GetSections()), Articles: int(c.GetArticles()),
			Paragraphs: int(c.GetParagraphs()), Items: int(c.GetItems()),
		},
		Outline: inspectNodes(t.GetOutline()),
	}
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
