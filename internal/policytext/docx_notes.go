package policytext

import (
	"encoding/xml"
	"strings"

	corev1 "fashen/gen/fashen/core/v1"
)

// noteReference records the place of a footnote or endnote.
func (d *docx) noteReference(p *paragraph, e xml.StartElement) {
	if d.hidden > 0 {
		return
	}
	d.reading.warn("文件含有脚注或尾注，注释文字不计入正文")
	m := spot{kind: spotFootnote}
	if e.Name.Local == "endnoteReference" {
		m.kind = spotEndnote
	}
	m.id, _ = attr(e, "id")
	if own, ok := attr(e, "customMarkFollows"); ok {
		m.own = own != "0" && own != "false" && own != "off"
	}
	p.place(d, m)
}

// beside reads the words of notes and comments, which stand in parts of their own.
func (d *docx) beside(related relatedParts) error {
	r := d.reading
	d.numbers.reset()
	notes := func(into map[string]string) func(x *xmlReader) error {
		return func(x *xmlReader) error {
			return d.texts(x, func(e xml.StartElement, text, _ string) {
				if id, ok := attr(e, "id"); ok && r.spend(spotCost+len(id)+len(text)) {
					into[id] = text
				}
			})
		}
	}
	r.footnotes, r.endnotes = map[string]string{}, map[string]string{}
	if err := d.part(related.footnotes, notes(r.footnotes)); err != nil {
		return err
	}
	if err := d.part(related.endnotes, notes(r.endnotes)); err != nil {
		return err
	}
	threads := map[string]thread{}
	if err := d.part(related.threads, func(x *xmlReader) error { return r.readThreads(x, threads) }); err != nil {
		return err
	}
	return d.part(related.comments, func(x *xmlReader) error { return d.comments(x, threads) })
}

// comments reads comments.xml.
func (d *docx) comments(x *xmlReader, threads map[string]thread) error {
	r := d.reading
	byParagraph, paragraphOf := map[string]string{}, map[string]string{}
	err := d.texts(x, func(e xml.StartElement, text, last string) {
		c := &corev1.Markup_Comment{Text: text}
		c.Id, _ = attr(e, "id")
		c.Author, _ = attr(e, "author")
		c.Written, _ = attr(e, "date")
		if r.spend(spotCost + len(c.Id) + len(c.Author) + len(c.Written) + len(text)) {
			r.comments = append(r.comments, c)
			byParagraph[last], paragraphOf[c.Id] = c.Id, last
		}
	})
	for _, c := range r.comments {
		t := threads[paragraphOf[c.Id]]
		c.Resolved = t.done
		if t.parent != "" {
			c.Parent = byParagraph[t.parent]
		}
	}
	return err
}

// texts reads the elements of a part that each hold paragraphs of their own: a
// comment or note, with its words and the id of its last paragraph. The lines
// that separate notes from the page are passed over.
func (d *docx) texts(x *xmlReader, found func(e xml.StartElement, text, last string)) error {
	return x.root(func(e xml.StartElement) error {
		switch kind, _ := attr(e, "type"); {
		case namespaceOf(e.Name) != nsWord, kind != "" && kind != "normal":
			return x.skip()
		}
		d.fields = fieldStack{}
		var words strings.Builder
		own := &story{sink: func(l line) error {
			if d.reading.bytes += len(l.text) + 1; d.reading.bytes > d.reading.limits.TextBytes {
				return d.reading.tooLong()
			}
			words.WriteString(l.text)
			words.WriteByte('\n')
			return nil
		}}
		last := ""
		err := x.children(func(e xml.StartElement) error {
			if id, ok := attr(e, "paraId"); ok {
				last = id
			}
			return d.block(x, own, e)
		})
		if err == nil {
			err = d.flush(own)
		}
		if err == nil {
			found(e, trim(words.String()), last)
		}
		return err
	})
}

// thread is where a comment stands among the answers to it.
type thread struct {
	parent string // the paragraph of the comment it answers
	done   bool
}

// readThreads reads commentsExtended.xml ([MS-DOCX], 2.5.1): answers and
// resolved comments by the ids of their last paragraphs.
func (r *reading) readThreads(x *xmlReader, into map[string]thread) error {
	return x.root(func(e xml.StartElement) error {
		var t thread
		id, ok := attr(e, "paraId")
		t.parent, _ = attr(e, "paraIdParent")
		if ok && e.Name.Local == "commentEx" && r.spend(spotCost+len(id)+len(t.parent)) {
			done, _ := attr(e, "done")
			t.done = done == "1" || done == "true"
			into[id] = t
		}
		return x.skip()
	})
}
