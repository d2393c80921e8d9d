package policytext

import (
	"archive/zip"
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	corev1 "fashen/gen/fashen/core/v1"
)

const wordNamespaces = `xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main" ` +
	`xmlns:mc="http://schemas.openxmlformats.org/markup-compatibility/2006" ` +
	`xmlns:m="http://schemas.openxmlformats.org/officeDocument/2006/math" ` +
	`xmlns:v="urn:schemas-microsoft-com:vml" ` +
	`xmlns:w14="http://schemas.microsoft.com/office/word/2010/wordml" ` +
	`xmlns:w15="http://schemas.microsoft.com/office/word/2012/wordml"`

// zipOf packs named parts; names are written in order.
func zipOf(t testing.TB, parts map[string]string) []byte {
	t.Helper()
	var out bytes.Buffer
	z := zip.NewWriter(&out)
	names := make([]string, 0, len(parts))
	for name := range parts {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		w, err := z.Create(name)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write([]byte(parts[name])); err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// wordFile is a Word document in the making: inner XML of its parts.
type wordFile struct {
	body, styles, numbering string
	header, footer          string
	more                    map[string]string // further parts by their names: comments, footnotes
}

func (f wordFile) bytes(t testing.TB) []byte {
	t.Helper()
	parts := map[string]string{
		"[Content_Types].xml": `<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"/>`,
		"_rels/.rels": `<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">` +
			`<Relationship Id="r1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument" Target="word/document.xml"/></Relationships>`,
		"word/document.xml": fmt.Sprintf(`<w:document %s><w:body>%s</w:body></w:document>`, wordNamespaces, f.body),
	}
	if f.styles != "" {
		parts["word/styles.xml"] = fmt.Sprintf(`<w:styles %s>%s</w:styles>`, wordNamespaces, f.styles)
	}
	if f.numbering != "" {
		parts["word/numbering.xml"] = fmt.Sprintf(`<w:numbering %s>%s</w:numbering>`, wordNamespaces, f.numbering)
	}
	margins := ""
	for name, inner := range map[string]string{"header": f.header, "footer": f.footer} {
		if inner != "" {
			parts["word/"+name+"1.xml"] = fmt.Sprintf(`<w:hdr %s>%s</w:hdr>`, wordNamespaces, inner)
			margins += fmt.Sprintf(`<Relationship Id="%s" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/%[1]s" Target="%[1]s1.xml"/>`, name)
		}
	}
	if margins != "" {
		parts["word/_rels/document.xml.rels"] = `<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">` + margins + `</Relationships>`
	}
	for name, inner := range f.more {
		parts["word/"+name+".xml"] = fmt.Sprintf(`<w:%s %s>%s</w:%[1]s>`, name, wordNamespaces, inner)
	}
	return zipOf(t, parts)
}

func run(text string) string { return `<w:r><w:t xml:space="preserve">` + text + `</w:t></w:r>` }

// par is a paragraph of runs, with optional properties.
func par(properties string, runs ...string) string {
	return `<w:p><w:pPr>` + properties + `</w:pPr>` + strings.Join(runs, "") + `</w:p>`
}

func text(s string) string          { return par("", run(s)) }
func styled(style, s string) string { return par(`<w:pStyle w:val="`+style+`"/>`, run(s)) }
func listed(num, level int, s string) string {
	return par(fmt.Sprintf(`<w:numPr><w:ilvl w:val="%d"/><w:numId w:val="%d"/></w:numPr>`, level, num), run(s))
}

// level is a w:lvl that leaves no gap after its label.
func level(at int, format, pattern, more string) string {
	return fmt.Sprintf(`<w:lvl w:ilvl="%d"><w:start w:val="1"/><w:numFmt w:val="%s"/>%s<w:suff w:val="nothing"/><w:lvlText w:val="%s"/></w:lvl>`,
		at, format, more, pattern)
}

func definition(id int, inner string) string {
	return fmt.Sprintf(`<w:abstractNum w:abstractNumId="%d">%s</w:abstractNum>`, id, inner)
}

func listOf(id, definition int, overrides string) string {
	return fmt.Sprintf(`<w:num w:numId="%d"><w:abstractNumId w:val="%d"/>%s</w:num>`, id, definition, overrides)
}

func mustRead(t testing.TB, data []byte) *Document {
	t.Helper()
	d, err := Read(context.Background(), data, DefaultLimits())
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// codeOf reads data and returns the code of its refusal, or an empty string.
func codeOf(t testing.TB, data []byte, lim Limits) string {
	t.Helper()
	_, err := Read(context.Background(), data, lim)
	if err == nil {
		return ""
	}
	var refused *FormatError
	if !errors.As(err, &refused) {
		t.Fatalf("error %v is no FormatError", err)
	}
	if refused.Message == "" {
		t.Errorf("%s has no message for people", refused.Code)
	}
	return refused.Code
}

// skeleton draws an outline, one provision a line, indented.
func skeleton(nodes []*corev1.Provision, indent string) string {
	var b strings.Builder
	for _, n := range nodes {
		b.WriteString(strings.TrimRight(fmt.Sprintf("%s%s %s", indent, n.Id, n.Title), " ") + "\n")
		b.WriteString(skeleton(n.Children, indent+" "))
	}
	return b.String()
}

func checkText(t *testing.T, d *Document, want string) {
	t.Helper()
	if got := d.Text.Text; got != want {
		t.Errorf("text\n got %q\nwant %q", got, want)
	}
}
