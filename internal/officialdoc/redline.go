package officialdoc

import (
	"fmt"
	"strings"
	"time"

	corev1 "fashen/gen/fashen/core/v1"
	"fashen/internal/policytext"
)

// Edit says whose changes are tracked, and when they were made.
type Edit struct {
	Author string
	// Time is shown as the wall clock of its location; none when zero.
	Time time.Time
}

// Redline writes the newer of two texts as a Word file with tracked changes that
// made it from the older one: accepted they give the newer text, rejected the
// older, but for its empty lines and blanks. c is the comparison of the two. What
// moved with the same words is tracked as a move.
func Redline(before, after *corev1.PolicyText, c *corev1.Comparison, by Edit) ([]byte, error) {
	if strings.TrimSpace(by.Author) == "" {
		return nil, refuse("author", "修订人不能为空")
	}
	r := redline{docx: draft(), by: by, old: draftLines(before), new: draftLines(after), gone: map[int]change{}, come: map[int]change{}}
	if len(r.new) == 0 {
		return nil, refuse("after", "文本不能为空")
	}
	for i, ch := range c.GetChanges() {
		if ch.GetBefore() != nil {
			r.gone[int(ch.GetBefore().GetStart())] = change{ch, i}
		}
		if ch.GetAfter() != nil {
			r.come[int(ch.GetAfter().GetStart())] = change{ch, i}
		}
	}
	for _, l := range r.new {
		r.left()
		if err := r.line(l); err != nil {
			return nil, err
		}
	}
	r.left()
	if len(r.old) > 0 || r.told != len(r.gone)+len(r.come) {
		return nil, errOthers()
	}
	return r.bytes()
}

func errOthers() error { return refuse("comparison", "比对结果不是这两个版本的") }

// change is one of a comparison, by its place in it.
type change struct {
	*corev1.Comparison_Change

	number int
}

// redline walks both texts side by side.
type redline struct {
	docx

	by         Edit
	old, new   []draftLine    // those of old that are still to come
	gone, come map[int]change // by where they begin in the older and newer text
	told       int            // how many of them have been written
	ids        int
}

// left writes what stands next in the older text and is gone from there.
func (r *redline) left() {
	for len(r.old) > 0 {
		l := r.old[0]
		ch := r.gone[l.start]
		switch {
		case squeezed(l.text) == "" && ch.Comparison_Change == nil:
		case ch.GetKind() == corev1.Comparison_REMOVED:
			r.whole(l, "del")
			r.told++
		case ch.GetKind() == corev1.Comparison_MOVED && len(ch.GetSegments()) == 0:
			r.move(l, "moveFrom", ch)
			r.told++
		case ch.GetKind() == corev1.Comparison_MOVED:
			r.whole(l, "del")
			r.told++
		default:
			return
		}
		r.old = r.old[1:]
	}
}

// line writes a line of the newer text.
func (r *redline) line(l draftLine) error {
	ch := r.come[l.start]
	switch ch.GetKind() {
	case corev1.Comparison_ADDED:
		r.whole(l, "ins")
		r.told++
		return nil
	case corev1.Comparison_MOVED:
		r.told++
		if len(ch.GetSegments()) == 0 {
			r.move(l, "moveTo", ch)
		} else {
			r.whole(l, "ins")
		}
		return nil
	case corev1.Comparison_CHANGED, corev1.Comparison_RENUMBERED:
		if len(r.old) == 0 || r.old[0].start != int(ch.GetBefore().GetStart()) {
			return errOthers()
		}
		r.told += 2
		old := r.old[0]
		r.old = r.old[1:]
		return r.changed(old, l, ch)
	}
	if squeezed(l.text) != "" {
		if len(r.old) == 0 || squeezed(r.old[0].text) != squeezed(l.text) {
			return errOthers()
		}
		r.old = r.old[1:]
	}
	r.docx.line(l.style, l.text)
	return nil
}

// whole writes a line that is put in or taken out with its mark.
func (r *redline) whole(l draftLine, how string) {
	r.marked(l.style, `<w:rPr>`+r.tag(how)+`/></w:rPr>`, func() { r.piece(how, l.text) })
}

// move writes one end of a move, which a name joins to the other.
func (r *redline) move(l draftLine, how string, ch change) {
	r.ids++
	id := r.ids
	fmt.Fprintf(&r.body, `<w:%sRangeStart w:id="%d" w:name="move%d"%s/>`, how, id, ch.number+1, r.docx.by(r.by.Author, r.by.Time))
	r.whole(l, how)
	fmt.Fprintf(&r.body, `<w:%sRangeEnd w:id="%d"/>`, how, id)
}

// changed writes a line of which the number or words changed.
func (r *redline) changed(old, l draftLine, ch change) error {
	was, oldWords := cut(old.text, ch.GetBefore().GetLabel())
	is, words := cut(l.text, ch.GetAfter().GetLabel())
	stay, ok := told(ch.GetSegments(), oldWords, words)
	if !ok {
		return errOthers()
	}
	gap, tail, _ := strings.Cut(words, stay)
	r.paragraph(l.style, func() {
		if squeezed(was) == squeezed(is) {
			r.text(is)
		} else {
			r.piece("del", was)
			r.piece("ins", is)
		}
		if len(ch.GetSegments()) == 0 {
			r.text(words)
			return
		}
		r.text(gap)
		for _, s := range ch.GetSegments() {
			switch s.GetOperation() {
			case corev1.Comparison_Segment_DELETED:
				r.piece("del", s.GetText())
			case corev1.Comparison_Segment_INSERTED:
				r.piece("ins", s.GetText())
			default:
				r.text(s.GetText())
			}
		}
		r.text(tail)
	})
	return nil
}

// told is what segments make the newer words of a line; all of them where there
// are none. It is not ok unless they make the older words as well.
func told(segments []*corev1.Comparison_Segment, old, words string) (after string, ok bool) {
	if len(segments) == 0 {
		return words, squeezed(old) == squeezed(words)
	}
	var a, b strings.Builder
	for _, s := range segments {
		if s.GetOperation() != corev1.Comparison_Segment_INSERTED {
			b.WriteString(s.GetText())
		}
		if s.GetOperation() != corev1.Comparison_Segment_DELETED {
			a.WriteString(s.GetText())
		}
	}
	return a.String(), squeezed(b.String()) == squeezed(old) && a.String() == strings.TrimFunc(words, policytext.IsBlank)
}

// cut parts a line behind its number.
func cut(line, label string) (number, words string) {
	indent := len(line) - len(strings.TrimLeftFunc(line, policytext.IsBlank))
	if !strings.HasPrefix(line[indent:], label) {
		return "", line
	}
	return line[:indent+len(label)], line[indent+len(label):]
}

// piece writes words that were put in or taken out.
func (r *redline) piece(how, words string) {
	if words == "" {
		return
	}
	element := "t"
	if how == "del" {
		element = "delText"
	}
	r.body.WriteString(r.tag(how) + `>`)
	r.runs(&r.body, words, element)
	r.body.WriteString(`</w:` + how + `>`)
}

// tag opens the element of a change.
func (r *redline) tag(how string) string {
	r.ids++
	return fmt.Sprintf(`<w:%s w:id="%d"%s`, how, r.ids, r.docx.by(r.by.Author, r.by.Time))
}
