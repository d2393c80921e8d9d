package policytext

import (
	"context"
	"encoding/xml"
	"math"
	"path"
	"strconv"
	"strings"
	"unicode/utf8"
)

// readOFD reads an OFD file (GB/T 33190-2016): the runs of text of every page
// with those of its template, laid out into paragraphs. Watermarks and other
// annotations are margins. Signatures are not looked at: a seal proves nothing
// here.
func readOFD(ctx context.Context, a *archive, r *reading) error {
	o := &ofd{ctx: ctx, archive: a, reading: r, templates: map[string]string{}}
	root, err := o.root()
	if err != nil {
		return err
	}
	if err := o.document(root); err != nil {
		return err
	}
	if len(o.pages) == 0 {
		return refuse(CodeArchiveDamaged, "OFD 文件没有页面，无法读取")
	}
	pages := make([]Page, len(o.pages))
	for i, page := range o.pages {
		pages[i].Width, pages[i].Height = o.width, o.height
		if err := o.page(page, &pages[i], false); err != nil {
			return err
		}
	}
	if err := o.annotations(); err != nil {
		return err
	}
	return r.layOut(ctx, pages)
}

// ofd is the state of reading one OFD file.
type ofd struct {
	ctx     context.Context
	archive *archive
	reading *reading
	// pages are the page files in order, templates those of templates by their id.
	pages     []string
	templates map[string]string
	// notes is the list of annotations; empty without any.
	notes string
	// width and height are the usual ones of a page, in millimetres.
	width, height float64
	// characters and spans bound what pages and templates hold together: a template
	// may be used on every page.
	characters, spans int
}

// resolve makes a location of a file absolute: from the root, or from the folder of
// the file that names it. Some writers use backslashes.
func resolve(from, location string) string {
	location = strings.ReplaceAll(trim(location), `\`, "/")
	if !strings.HasPrefix(location, "/") {
		location = path.Join(path.Dir(from), location)
	}
	return strings.TrimPrefix(path.Clean("/"+location), "/")
}

// file reads one XML file of the package from its root element on.
func (o *ofd) file(name string, each func(x *xmlReader, e xml.StartElement) error) error {
	x, err := o.archive.open(o.ctx, name)
	if err != nil {
		return err
	}
	defer x.close()
	return x.root(func(e xml.StartElement) error { return each(x, e) })
}

// root finds the document of the package; of several, the first.
func (o *ofd) root() (string, error) {
	found := ""
	err := o.file("OFD.xml", func(x *xmlReader, e xml.StartElement) error {
		if e.Name.Local != "DocBody" {
			return x.skip()
		}
		return x.children(func(e xml.StartElement) error {
			text, err := x.string(e.Name.Local == "DocRoot" && found == "")
			if text != "" {
				found = resolve("OFD.xml", text)
			}
			return err
		})
	})
	if err == nil && (found == "" || !o.archive.has(found)) {
		err = refuse(CodeArchiveDamaged, "OFD 文件缺少文档入口，无法打开")
	}
	return found, err
}

// string reads the character data of the open element, or passes over it.
func (x *xmlReader) string(wanted bool) (string, error) {
	if !wanted {
		return "", x.skip()
	}
	var b strings.Builder
	err := x.text(func(t []byte) error {
		b.Write(t)
		return nil
	})
	return b.String(), err
}

func (o *ofd) document(root string) error {
	return o.file(root, func(x *xmlReader, e xml.StartElement) error {
		switch e.Name.Local {
		case "CommonData":
			return x.children(func(e xml.StartElement) error { return o.common(x, e, root) })
		case "Pages":
			return x.children(func(e xml.StartElement) error {
				if location, ok := attr(e, "BaseLoc"); ok && e.Name.Local == "Page" {
					if len(o.pages) >= o.reading.limits.Pages {
						return o.reading.tooManyPages()
					}
					o.pages = append(o.pages, resolve(root, location))
				}
				return x.skip()
			})
		case "Annotations":
			location, err := x.string(true)
			if location != "" {
				o.notes = resolve(root, location)
			}
			return err
		}
		return x.skip()
	})
}

func (o *ofd) common(x *xmlReader, e xml.StartElement, root string) error {
	switch e.Name.Local {
	case "TemplatePage":
		id, _ := attr(e, "ID")
		location, _ := attr(e, "BaseLoc")
		o.templates[id] = resolve(root, location)
	case "PageArea":
		return o.area(x, func(width, height float64) { o.width, o.height = width, height })
	}
	return x.skip()
}

// area reads an open area and tells the size of its page.
func (o *ofd) area(x *xmlReader, size func(width, height float64)) error {
	return x.children(func(e xml.StartElement) error {
		box, err := x.string(e.Name.Local == "PhysicalBox")
		if n := numbers(box); len(n) == 4 {
			size(n[2], n[3])
		}
		return err
	})
}

// page reads a page file, or the template of one; a template has none of its own.
func (o *ofd) page(name string, s *Page, template bool) error {
	if !o.archive.has(name) {
		o.reading.warn("OFD 文件缺少页面或者模板文件，该部分内容未读取")
		return nil
	}
	return o.file(name, func(x *xmlReader, e xml.StartElement) error {
		switch e.Name.Local {
		case "Area":
			return o.area(x, func(width, height float64) { s.Width, s.Height = width, height })
		case "Template":
			id, _ := attr(e, "TemplateID")
			if file, ok := o.templates[id]; ok && !template {
				if err := o.page(file, s, true); err != nil {
					return err
				}
			}
			return x.skip()
		case "Content":
			return o.objects(x, s)
		}
		return x.skip()
	})
}

// objects reads the layers and blocks of the open element.
func (o *ofd) objects(x *xmlReader, s *Page) error {
	return x.children(func(e xml.StartElement) error {
		switch e.Name.Local {
		case "Layer", "PageBlock":
			return o.objects(x, s)
		case "TextObject":
			return o.textObject(x, e, s)
		}
		return x.skip()
	})
}

// textObject reads one text object: each of its codes is a run. Text that is
// turned is a margin: a stamp or a watermark.
func (o *ofd) textObject(x *xmlReader, e xml.StartElement, s *Page) error {
	box, _ := attr(e, "Boundary")
	at := numbers(box)
	if len(at) < 2 {
		return x.skip()
	}
	matrix := []float64{1, 0, 0, 1, 0, 0}
	if text, ok := attr(e, "CTM"); ok {
		if m := numbers(text); len(m) == 6 {
			matrix = m
		}
	}
	sizeText, _ := attr(e, "Size")
	size := first(numbers(sizeText))
	scale := math.Sqrt(math.Abs(matrix[0]*matrix[3] - matrix[1]*matrix[2]))
	turned := math.Abs(matrix[1]) > 0.1*math.Abs(matrix[0]) || matrix[0] < 0
	var before [2]float64 // a code without a place of its own follows the one before
	return x.children(func(e xml.StartElement) error {
		if e.Name.Local != "TextCode" {
			return x.skip()
		}
		for i, name := range []string{"X", "Y"} {
			if v, ok := attr(e, name); ok {
				before[i] = first(numbers(v))
			}
		}
		text, err := x.string(true)
		if err != nil {
			return err
		}
		count := utf8.RuneCountInString(text)
		o.characters += count
		if o.spans++; o.characters > o.reading.limits.TextBytes || o.spans > maxSpans {
			return o.reading.tooLong()
		}
		deltas, _ := attr(e, "DeltaX")
		advance := advanceOf(deltas, count-1) + size
		s.Spans = append(s.Spans, Span{
			Text: strings.ReplaceAll(text, "\n", ""), Size: size * scale, Width: advance * math.Abs(matrix[0]), Turned: turned,
			X: at[0] + matrix[0]*before[0] + matrix[2]*before[1] + matrix[4],
			Y: at[1] + matrix[1]*before[0] + matrix[3]*before[1] + matrix[5],
		})
		return nil
	})
}

// annotations reads what lies over the pages as margins.
func (o *ofd) annotations() error {
	if o.notes == "" || !o.archive.has(o.notes) {
		return nil
	}
	var files []string
	err := o.file(o.notes, func(x *xmlReader, _ xml.StartElement) error {
		return x.children(func(e xml.StartElement) error {
			location, err := x.string(e.Name.Local == "FileLoc")
			if location != "" && len(files) < o.reading.limits.Pages {
				files = append(files, resolve(o.notes, location))
			}
			return err
		})
	})
	for _, file := range files {
		if err != nil || !o.archive.has(file) {
			continue
		}
		err = o.file(file, func(x *xmlReader, _ xml.StartElement) error {
			return x.children(func(e xml.StartElement) error {
				if e.Name.Local != "Appearance" {
					return x.skip()
				}
				over := &Page{}
				if err := o.objects(x, over); err != nil {
					return err
				}
				for _, s := range over.Spans {
					if trim(s.Text) != "" {
						o.reading.margins = append(o.reading.margins, Margin{MarginPage, s.Text})
					}
				}
				return nil
			})
		})
	}
	return err
}

// numbers reads numbers parted by blanks; what is none ends the list.
func numbers(s string) []float64 {
	var out []float64
	for _, field := range strings.Fields(s) {
		n, err := strconv.ParseFloat(field, 64)
		if err != nil || math.IsInf(n, 0) || math.IsNaN(n) || math.Abs(n) > 1e6 {
			return out
		}
		out = append(out, n)
	}
	return out
}

func first(n []float64) float64 {
	if len(n) == 0 {
		return 0
	}
	return n[0]
}

// advanceOf sums the first n advances of a DeltaX, in which `g 3 2.5` stands for
// three of 2.5 (GB/T 33190-2016, 11.3).
func advanceOf(deltas string, n int) float64 {
	sum, fields := 0.0, strings.Fields(deltas)
	for i := 0; i < len(fields) && n > 0; i++ {
		times := 1
		if fields[i] == "g" && i+2 < len(fields) {
			times, _ = strconv.Atoi(fields[i+1])
			i += 2
		}
		times = min(max(times, 0), n)
		sum += float64(times) * first(numbers(fields[i]))
		n -= times
	}
	return sum
}
