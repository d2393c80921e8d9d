package policytext

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/xml"
	"errors"
	"io"
	"strings"
)

// archive is a checked zip container. Nothing is unpacked to disk, and no
// member is inflated unless it is asked for.
type archive struct {
	parts  map[string]*zip.File
	limits Limits
	read   int64
}

func openArchive(data []byte, lim Limits) (*archive, error) {
	// Counted before the directory is parsed: a directory of a million members
	// costs more memory to read than the whole file.
	if bytes.Count(data, []byte("PK\x01\x02")) > lim.Entries {
		return nil, refuse(CodeArchiveBomb, "压缩包成员超过%d个的上限", lim.Entries)
	}
	z, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		return nil, refuse(CodeArchiveDamaged, "文件已损坏或不完整，无法打开，请重新保存后上传")
	}
	a := &archive{parts: make(map[string]*zip.File, len(z.File)), limits: lim}
	var total uint64
	for _, f := range z.File {
		if !safePartName(f.Name) {
			return nil, refuse(CodeUnsafePartName, "压缩包成员名称不合法，拒绝读取")
		}
		// Part names are compared without regard to case (ECMA-376-2, 6.2.2.3).
		key := strings.ToLower(f.Name)
		if _, taken := a.parts[key]; taken {
			return nil, refuse(CodeDuplicatePart, "压缩包成员名称重复，无法确定应当读取哪一份")
		}
		total += f.UncompressedSize64
		if f.UncompressedSize64 > uint64(lim.PartBytes) || total > uint64(lim.TotalBytes) {
			return nil, refuse(CodeArchiveBomb, "文件解压后过大，拒绝读取")
		}
		if f.Flags&1 != 0 {
			return nil, refuse(CodeFormatNotSupported, "文件已加密，请取消密码后上传")
		}
		a.parts[key] = f
	}
	return a, nil
}

// safePartName refuses names that could leave a folder if anyone unpacked them.
func safePartName(name string) bool {
	if name == "" || name[0] == '/' || strings.ContainsAny(name, "\\\x00:") {
		return false
	}
	for segment := range strings.SplitSeq(name, "/") {
		if segment == ".." {
			return false
		}
	}
	return true
}

func (a *archive) has(name string) bool {
	_, ok := a.parts[strings.ToLower(name)]
	return ok
}

// open starts reading a part as XML.
func (a *archive) open(ctx context.Context, name string) (*xmlReader, error) {
	f, ok := a.parts[strings.ToLower(name)]
	if !ok {
		return nil, refuse(CodeArchiveDamaged, "文件缺少必要的组成部分，无法打开")
	}
	body, err := f.Open()
	if err != nil {
		return nil, refuse(CodeArchiveDamaged, "文件已损坏或不完整，无法打开，请重新保存后上传")
	}
	part := &partReader{body: body, archive: a, ceiling: a.limits.PartBytes}
	if byRatio := int64(f.CompressedSize64) * a.limits.Ratio; byRatio < part.ceiling {
		part.ceiling = max(byRatio, a.limits.RatioFrom)
	}
	return &xmlReader{ctx: ctx, scan: newXMLScanner(part), part: part, limit: a.limits.XMLDepth}, nil
}

// partReader inflates one part and stops at the limits, whatever size the
// directory claims. It remembers why it stopped.
type partReader struct {
	body    io.ReadCloser
	archive *archive
	n       int64
	ceiling int64
	err     error
}

func (p *partReader) Read(b []byte) (int, error) {
	if p.err != nil {
		return 0, p.err
	}
	n, err := p.body.Read(b)
	p.n += int64(n)
	p.archive.read += int64(n)
	switch {
	case p.n > p.ceiling || p.archive.read > p.archive.limits.TotalBytes:
		p.err = refuse(CodeArchiveBomb, "文件解压后过大，拒绝读取")
		return 0, p.err
	case err != nil && !errors.Is(err, io.EOF):
		p.err = refuse(CodeArchiveDamaged, "文件已损坏或不完整，无法打开，请重新保存后上传")
		return 0, p.err
	}
	return n, err
}

// xmlReader walks one XML part. Declarations (DTD, entities) are refused and
// depth is bounded, so that walkers may recurse.
type xmlReader struct {
	ctx    context.Context
	scan   *xmlScanner
	part   *partReader
	limit  int
	depth  int
	tokens int
}

func (x *xmlReader) close() { _ = x.part.body.Close() }

// next reads the next token; io.EOF after the root.
func (x *xmlReader) next() (xmlToken, error) {
	if x.tokens++; x.tokens%4096 == 0 && x.ctx.Err() != nil {
		return 0, stopped(x.ctx)
	}
	token, err := x.scan.next()
	switch {
	case err == nil:
	case x.part.err != nil:
		return 0, x.part.err
	case errors.Is(err, io.EOF):
		return 0, io.EOF
	case errors.Is(err, errXMLType):
		return 0, refuse(CodeXMLForbidden, "文件含有文档类型声明（DTD），拒绝读取")
	default:
		return 0, refuse(CodeXMLDamaged, "文件内部结构损坏，请重新保存后上传")
	}
	switch token {
	case xmlStart:
		if x.depth++; x.depth > x.limit {
			return 0, refuse(CodeXMLTooDeep, "文件内部嵌套超过%d层，拒绝读取", x.limit)
		}
	case xmlEnd:
		x.depth--
	}
	return token, nil
}

// root moves to the root element and walks its children.
func (x *xmlReader) root(each func(xml.StartElement) error) error {
	for {
		token, err := x.next()
		if errors.Is(err, io.EOF) {
			return refuse(CodeXMLDamaged, "文件内部结构损坏，请重新保存后上传")
		}
		if err != nil {
			return err
		}
		if token == xmlStart {
			return x.children(each)
		}
	}
}

// children calls each for every child of the open element and returns when
// that element has ended; each must consume its element whole.
func (x *xmlReader) children(each func(xml.StartElement) error) error {
	for {
		token, err := x.next()
		if err != nil {
			return err
		}
		switch token {
		case xmlStart:
			if err := each(x.scan.start); err != nil {
				return err
			}
		case xmlEnd:
			return nil
		}
	}
}

// skip passes over the rest of the open element.
func (x *xmlReader) skip() error {
	x.scan.bare = true
	defer func() { x.scan.bare = false }()
	for target := x.depth - 1; x.depth > target; {
		if _, err := x.next(); err != nil {
			return err
		}
	}
	return nil
}

// text calls add with the character data directly inside the open element.
func (x *xmlReader) text(add func([]byte) error) error {
	for {
		token, err := x.next()
		if err != nil {
			return err
		}
		switch token {
		case xmlText:
			if err := add(x.scan.text); err != nil {
				return err
			}
		case xmlStart:
			if err := x.skip(); err != nil {
				return err
			}
		case xmlEnd:
			return nil
		}
	}
}

// Namespaces by what the walkers care for; the strict and the transitional
// form of WordprocessingML are one.
type namespace int

const (
	nsOther namespace = iota
	nsWord
	nsCompat
	nsMath
	nsVML
)

func namespaceOf(name xml.Name) namespace {
	switch name.Space {
	case "http://schemas.openxmlformats.org/wordprocessingml/2006/main",
		"http://purl.oclc.org/ooxml/wordprocessingml/main":
		return nsWord
	case "http://schemas.openxmlformats.org/markup-compatibility/2006":
		return nsCompat
	case "http://schemas.openxmlformats.org/officeDocument/2006/math",
		"http://purl.oclc.org/ooxml/officeDocument/math":
		return nsMath
	case "urn:schemas-microsoft-com:vml":
		return nsVML
	}
	return nsOther
}

// attr returns the attribute of that local name, whatever its namespace.
func attr(e xml.StartElement, name string) (string, bool) {
	for _, a := range e.Attr {
		if a.Name.Local == name {
			return a.Value, true
		}
	}
	return "", false
}

// isOn reads a toggle element: present means on, unless its val says off.
func isOn(e xml.StartElement) bool {
	v, ok := attr(e, "val")
	return !ok || v != "0" && v != "false" && v != "off"
}
