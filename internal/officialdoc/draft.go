package officialdoc

import (
	"fmt"
	"strings"
	"unicode/utf8"

	corev1 "fashen/gen/fashen/core/v1"
	"fashen/internal/policytext"
)

// draftLine is a line of a draft with the style it is set in.
type draftLine struct {
	text       string
	start, end int // code points, without the line feed
	style      string
}

// draft is a document that holds the text of a draft: characters that a Word file
// cannot hold are shown as U+FFFD, one for one, so that offsets hold.
func draft() docx { return docx{shows: true} }

// draftLines parts a draft into lines and tells by its outline how each is set.
func draftLines(t *corev1.PolicyText) []draftLine {
	headings := map[int]*corev1.Provision{}
	body := -1 // where the first provision begins
	var walk func(nodes []*corev1.Provision)
	walk = func(nodes []*corev1.Provision) {
		for _, n := range nodes {
			if body < 0 {
				body = int(n.GetStart())
			}
			if n.GetTitle() != "" {
				headings[int(n.GetStart())] = n
			}
			walk(n.GetChildren())
		}
	}
	walk(t.GetOutline())
	var lines []draftLine
	head, titled := true, false // whether the title may still go on, and has begun
	start := 0
	for text := range strings.Lines(t.GetText()) {
		l := draftLine{text: strings.TrimSuffix(text, "\n"), start: start, style: "BodyText"}
		l.end = start + utf8.RuneCountInString(l.text)
		start = l.end + 1
		words := strings.TrimFunc(l.text, policytext.IsBlank)
		before, _, _ := strings.Cut(l.text, words)
		h := headings[l.start+utf8.RuneCountInString(before)]
		switch {
		case h != nil && squeezed(words) == squeezed(h.GetLabel()+h.GetTitle()):
			l.style = headingStyle(h)
		case words != l.text: // it was set with blanks
			l.style = "Normal"
		case l.start >= body || words == "":
		case isTitle(squeezed(words), squeezed(t.GetTitle()), head):
			l.style = "Title"
		case strings.TrimRight(words, "：:") == strings.TrimRight(t.GetAddressees(), "：:"):
			l.style = "Addressee"
		}
		head = head && (l.style == "Title" || words == "" || !titled)
		titled = titled || l.style == "Title"
		lines = append(lines, l)
	}
	return lines
}

// isTitle reports whether a line is the title or, in the head of a document, a part
// of it, or the title of the text that the document issues.
func isTitle(words, title string, head bool) bool {
	return len(words) > 3 && (head && strings.Contains(title, words) || strings.Contains(title, "《"+words+"》"))
}

func headingStyle(h *corev1.Provision) string {
	if h.GetKind() == corev1.ProvisionKind_PROVISION_KIND_HEADING {
		return fmt.Sprintf("Heading%d", min(4, max(1, h.GetLevel())))
	}
	return "Chapter"
}

// squeezed is a text without blanks, by which lines are held against each other.
func squeezed(s string) string {
	return strings.Map(func(r rune) rune {
		if policytext.IsBlank(r) {
			return -1
		}
		return r
	}, s)
}
