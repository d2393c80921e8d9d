package policytext

import (
	"cmp"
	"context"
	"encoding/xml"
	"path"
	"slices"
	"strings"
)

// readDocx reads a Word document: the body as lines, automatic numbers written
// out, and beside it what pages, notes, comments and tracked changes hold. Only
// the body is read where the reading is a stream.
func readDocx(ctx context.Context, a *archive, r *reading) error {
	d := &docx{ctx: ctx, archive: a, reading: r, mode: r.changes, numbers: newNumbering(), styles: newStyleSheet()}
	main, related, err := d.locate()
	if err != nil {
		return err
	}
	if err := d.part(related.styles, func(x *xmlReader) error { return d.styles.read(x, d.numbers) }); err != nil {
		return err
	}
	if err := d.part(related.numbering, d.numbers.read); err != nil {
		return err
	}
	body := &story{sink: r.add}
	if r.sink != nil {
		return d.part(main, func(x *xmlReader) error { return d.story(x, body) })
	}
	for _, m := range related.margins {
		story := &story{sink: d.margin(m.kind)}
		if err := d.part(m.part, func(x *xmlReader) error { return d.story(x, story) }); err != nil {
			return err
		}
	}
	// Headers must not count on: the body's lists begin anew.
	d.numbers.reset()
	d.marking = true
	if err := d.part(main, func(x *xmlReader) error { return d.story(x, body) }); err != nil {
		return err
	}
	d.marking, r.trailing = false, d.carried
	if err := d.beside(related); err != nil {
		return err
	}
	if d.tracked {
		r.warn(d.mode.warning())
	}
	return nil
}

// docx is the state of reading one Word document.
type docx struct {
	ctx        context.Context
	archive    *archive
	reading    *reading
	styles     *styleSheet
	numbers    *numbering
	fields     fieldStack
	paragraphs int

	mode    Changes
	tracked bool
	// open are the tracked changes around the place that is read, and hidden
	// counts those that this reading leaves out.
	open   []revision
	hidden int
	// marking is set while places are recorded: in the body of a whole reading.
	marking bool
	// carried are spots that wait for the next line, to stand at its start.
	carried []spot
}

// relatedParts names the parts that the body draws on.
type relatedParts struct {
	styles, numbering   string
	footnotes, endnotes string
	comments, threads   string
	margins             []marginPart
}

type marginPart struct {
	part string
	kind MarginKind
}

// margin adds a header or footer once; there are as many as members at most.
func (r *relatedParts) margin(d *docx, part string, kind MarginKind) {
	m := marginPart{part, kind}
	if d.archive.has(part) && len(r.margins) < d.reading.limits.Entries && !slices.Contains(r.margins, m) {
		r.margins = append(r.margins, m)
	}
}

// maxDefinitions bounds the styles, lists and list definitions of a file, each.
// Word itself cannot use more than 32,767 lists, and drafts have some dozens.
const maxDefinitions = 20_000

func tooManyDefinitions() error {
	return refuse(CodeArchiveBomb, "文件的样式或编号定义超过%d个的上限，请另存后上传", maxDefinitions)
}

// locate finds the body and its related parts by the package's relationships,
// or by their customary names where those are missing.
func (d *docx) locate() (string, relatedParts, error) {
	related := relatedParts{
		styles: "word/styles.xml", numbering: "word/numbering.xml", footnotes: "word/footnotes.xml",
		endnotes: "word/endnotes.xml", comments: "word/comments.xml", threads: "word/commentsExtended.xml",
	}
	main := "word/document.xml"
	err := d.relations("", func(kind, target string) {
		if kind == "officeDocument" && d.archive.has(target) {
			main = target
		}
	})
	if err != nil {
		return "", related, err
	}
	if !d.archive.has(main) || path.Ext(main) != ".xml" || strings.HasPrefix(main, "xl/") || strings.HasPrefix(main, "ppt/") {
		return "", related, refuse(CodeNotADocument, "压缩包不是 Word 文档，请上传 .docx、.pdf、.ofd 或 .txt 文件")
	}
	err = d.relations(main, func(kind, target string) {
		switch kind {
		case "styles":
			related.styles = target
		case "numbering":
			related.numbering = target
		case "footnotes":
			related.footnotes = target
		case "endnotes":
			related.endnotes = target
		case "comments":
			related.comments = target
		case "commentsExtended":
			related.threads = target
		case "header":
			related.margin(d, target, MarginHeader)
		case "footer":
			related.margin(d, target, MarginFooter)
		}
	})
	slices.SortFunc(related.margins, func(a, b marginPart) int {
		return cmp.Or(-cmp.Compare(a.kind, b.kind), cmp.Compare(a.part, b.part))
	})
	return main, related, err
}

// relations lists the internal relationships of a part by the last word of
// their type; the empty part is the package itself.
func (d *docx) relations(part string, found func(kind, target string)) error {
	folder, name := path.Split(part)
	return d.part(folder+"_rels/"+name+".rels", func(x *xmlReader) error {
		return x.root(func(e xml.StartElement) error {
			kind, _ := attr(e, "Type")
			target, _ := attr(e, "Target")
			if mode, _ := attr(e, "TargetMode"); mode != "External" && target != "" {
				if !strings.HasPrefix(target, "/") {
					target = folder + target
				}
				found(path.Base(kind), strings.TrimPrefix(path.Clean("/"+target), "/"))
			}
			return x.skip()
		})
	})
}

// part reads one part if it is there.
func (d *docx) part(name string, read func(*xmlReader) error) error {
	if !d.archive.has(name) {
		return nil
	}
	x, err := d.archive.open(d.ctx, name)
	if err != nil {
		return err
	}
	defer x.close()
	return read(x)
}

// margin keeps the lines of a header or footer.
func (d *docx) margin(kind MarginKind) func(line) error {
	return func(l line) error {
		r := d.reading
		if r.bytes += len(l.text) + 1; r.bytes > r.limits.TextBytes {
			return r.tooLong()
		}
		if trim(l.text) != "" && l.place != inBox { // a box has put itself there
			r.margins = append(r.margins, Margin{kind, l.text})
		}
		return nil
	}
}

// styleSheet is what numbering needs of styles.xml.
type styleSheet struct {
	byID      map[string]*paragraphStyle
	byDefault string
}

// paragraphStyle is one style: its own properties, and after resolve those of
// its ancestors.
type paragraphStyle struct {
	name     string
	basedOn  string
	number   numRef
	contents bool     // an entry of a table of contents: toc 1, toc 2
	chain    []string // itself first, then its ancestors
	resolved bool
}

// maxStyleChain bounds basedOn; Word's own interface stops far below.
const maxStyleChain = 64

func newStyleSheet() *styleSheet { return &styleSheet{byID: map[string]*paragraphStyle{}} }

func (s *styleSheet) read(x *xmlReader, numbers *numbering) error {
	return x.root(func(e xml.StartElement) error {
		if e.Name.Local != "style" {
			return x.skip()
		}
		if len(s.byID) >= maxDefinitions || len(numbers.byStyle) >= maxDefinitions {
			return tooManyDefinitions()
		}
		id, _ := attr(e, "styleId")
		kind, _ := attr(e, "type")
		style := &paragraphStyle{number: noNumRef}
		err := x.children(func(e xml.StartElement) error {
			switch e.Name.Local {
			case "name":
				style.name, _ = attr(e, "val")
				style.contents = strings.HasPrefix(strings.ToLower(style.name), "toc ")
			case "basedOn":
				style.basedOn, _ = attr(e, "val")
			case "pPr":
				return x.children(func(e xml.StartElement) error {
					if e.Name.Local == "numPr" {
						return readNumRef(x, &style.number, func(xml.StartElement) {})
					}
					return x.skip()
				})
			}
			return x.skip()
		})
		switch kind {
		case "numbering":
			numbers.byStyle[id] = style.number.list
		case "paragraph", "":
			s.byID[id] = style
			if byDefault, ok := attr(e, "default"); ok && byDefault != "0" && byDefault != "false" {
				s.byDefault = id
			}
		}
		return err
	})
}

// readNumRef reads an open w:numPr and shows its other children.
func readNumRef(x *xmlReader, into *numRef, other func(xml.StartElement)) error {
	return x.children(func(e xml.StartElement) error {
		switch e.Name.Local {
		case "ilvl":
			into.level = attrInt(e, "val", -1)
		case "numId":
			into.list = attrInt(e, "val", -1)
		default:
			other(e)
		}
		return x.skip()
	})
}

// resolve gives a style with what it inherits; the default style for an empty
// or unknown id, as Word does.
func (s *styleSheet) resolve(id string) *paragraphStyle {
	style := s.byID[id]
	if style == nil {
		id = s.byDefault
		if style = s.byID[id]; style == nil {
			return &paragraphStyle{number: noNumRef}
		}
	}
	if style.resolved {
		return style
	}
	style.resolved = true
	style.chain = []string{id}
	for at := s.byID[style.basedOn]; at != nil && len(style.chain) < maxStyleChain; at = s.byID[at.basedOn] {
		style.chain = append(style.chain, s.byID[style.chain[len(style.chain)-1]].basedOn)
		if style.number.list < 0 {
			style.number.list = at.number.list
		}
		if style.number.level < 0 {
			style.number.level = at.number.level
		}
	}
	return style
}
