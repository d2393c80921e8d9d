package policytext

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// xmlScanner reads the tags and characters of an XML document: version 1.0 in
// UTF-8, with namespaces, without a document type. It reads what encoding/xml
// reads, in less than half the time: names and short values are kept once, and
// nothing is allocated for what is passed over.
type xmlScanner struct {
	in      io.Reader
	buf     []byte // what was read and not yet scanned is buf[at:end]
	at, end int

	open   []openElement
	spaces []xmlSpace         // namespaces in force, the innermost last
	names  map[string]xmlName // by the name as written; emptied as spaces change
	values map[string]string  // short values, each kept once
	attrs  []xml.Attr         // room for attributes to come
	start  xml.StartElement   // the last start tag
	text   []byte             // the last characters, until the next token
	fresh  []byte             // room for characters that differ from the file's
	single bool               // the last start tag is its own end tag
	cdata  bool               // inside <![CDATA[
	bare   bool               // attributes are not wanted
}

type openElement struct {
	name   string // as written
	spaces int    // namespaces in force outside
}

type xmlSpace struct{ prefix, uri string }

type xmlName struct {
	written string
	name    xml.Name
}

type xmlToken int

const (
	xmlStart xmlToken = iota
	xmlEnd
	xmlText
)

// Bounds of what the scanner holds at once.
const (
	xmlWindow    = 32 << 10 // grown for a longer tag
	maxXMLTag    = 16 << 20
	maxXMLNames  = 256   // kept
	maxXMLValues = 4_096 // kept
	maxXMLSpaces = 256   // namespaces in force
	maxXMLValue  = 64    // bytes of a value that is kept
	maxXMLEntity = 16    // bytes of &#…;
)

var (
	errXML     = errors.New("not well-formed XML")
	errXMLType = errors.New("XML with a document type")
)

func newXMLScanner(in io.Reader) *xmlScanner {
	return &xmlScanner{in: in, buf: make([]byte, xmlWindow), names: map[string]xmlName{}, values: map[string]string{}}
}

// next reads a token; io.EOF after the last.
func (s *xmlScanner) next() (xmlToken, error) {
	if s.single {
		s.single = false
		s.pop()
		return xmlEnd, nil
	}
	for {
		if s.at == s.end {
			if err := s.fill(); err != nil {
				if errors.Is(err, io.EOF) && (len(s.open) > 0 || s.cdata) {
					return 0, errXML
				}
				return 0, err
			}
		}
		if s.cdata || s.buf[s.at] != '<' {
			if err := s.characters(); err != nil {
				return 0, err
			}
			if len(s.text) > 0 {
				return xmlText, nil
			}
			continue
		}
		switch {
		case s.starts("</"):
			return xmlEnd, s.endTag()
		case s.starts("<!--"):
			if err := s.comment(); err != nil {
				return 0, err
			}
		case s.starts("<![CDATA["):
			s.at += len("<![CDATA[")
			s.cdata = true
		case s.starts("<!"):
			return 0, errXMLType
		case s.starts("<?"):
			if err := s.instruction(); err != nil {
				return 0, err
			}
		default:
			return xmlStart, s.startTag()
		}
	}
}

// fill reads on. Beyond the end of the input it gives io.EOF.
func (s *xmlScanner) fill() error {
	if s.at > 0 {
		copy(s.buf, s.buf[s.at:s.end])
		s.at, s.end = 0, s.end-s.at
	}
	if s.end == len(s.buf) {
		if len(s.buf) >= maxXMLTag {
			return errXML
		}
		s.buf = append(s.buf, make([]byte, len(s.buf))...)
	}
	for range 100 {
		n, err := s.in.Read(s.buf[s.end:])
		if s.end += n; n > 0 {
			return nil
		}
		if err != nil {
			return err
		}
	}
	return io.ErrNoProgress
}

// starts tells what comes next.
func (s *xmlScanner) starts(with string) bool {
	for s.end-s.at < len(with) {
		if !strings.HasPrefix(with, string(s.buf[s.at:s.end])) || s.fill() != nil {
			return false
		}
	}
	return string(s.buf[s.at:s.at+len(with)]) == with
}

// until returns what comes before a mark and moves behind it.
func (s *xmlScanner) until(mark string) ([]byte, error) {
	for from := 0; ; {
		if i := bytes.Index(s.buf[s.at+from:s.end], []byte(mark)); i >= 0 {
			found := s.buf[s.at : s.at+from+i]
			s.at += from + i + len(mark)
			return found, nil
		}
		from = max(0, s.end-s.at-len(mark)+1)
		if err := s.fill(); err != nil {
			return nil, ended(err)
		}
	}
}

// ended is the error of a document that ends in the middle of something.
func ended(err error) error {
	if errors.Is(err, io.EOF) {
		return errXML
	}
	return err
}

func (s *xmlScanner) comment() error {
	s.at += len("<!--")
	if _, err := s.until("--"); err != nil {
		return err
	}
	if !s.starts(">") {
		return errXML
	}
	s.at++
	return nil
}

// instruction passes over <?…?>; the XML declaration must be of what is read here.
func (s *xmlScanner) instruction() error {
	s.at += len("<?")
	words, err := s.until("?>")
	if err != nil {
		return err
	}
	n := 0
	for n < len(words) && isNameByte(words[n]) {
		n++
	}
	name, rest := words[:n], words[n:]
	if !goodName(name) {
		return errXML
	}
	if string(name) != "xml" {
		return nil
	}
	if v := declared(rest, "version"); v != "" && v != "1.0" {
		return errXML
	}
	if v := declared(rest, "encoding"); v != "" && !strings.EqualFold(v, "utf-8") {
		return errXML
	}
	return nil
}

// declared is a value of the XML declaration.
func declared(declaration []byte, name string) string {
	for {
		_, rest, ok := bytes.Cut(declaration, []byte(name+"="))
		if !ok || len(rest) == 0 {
			return ""
		}
		if quote := rest[:1]; quote[0] == '"' || quote[0] == '\'' {
			value, _, closed := bytes.Cut(rest[1:], quote)
			if !closed {
				return ""
			}
			return string(value)
		}
		declaration = rest[1:]
	}
}

// tag returns what stands between < and >, and moves behind it.
func (s *xmlScanner) tag() ([]byte, error) {
	n, quote, all := 1, byte(0), byte(0)
	for {
		for _, c := range s.buf[s.at+n : s.end] {
			all |= c
			switch {
			case c == '<' || c < ' ' && !isXMLBlank(c):
				return nil, errXML
			case quote != 0:
				if c == quote {
					quote = 0
				}
			case c == '"' || c == '\'':
				quote = c
			case c == '>':
				tag := s.buf[s.at+1 : s.at+n]
				s.at += n + 1
				if all >= utf8.RuneSelf && !goodCharacters(tag) {
					return nil, errXML
				}
				return tag, nil
			}
			n++
		}
		if err := s.fill(); err != nil {
			return nil, ended(err)
		}
	}
}

func (s *xmlScanner) endTag() error {
	tag, err := s.tag()
	if err != nil {
		return err
	}
	n := len(tag)
	for n > 1 && isXMLBlank(tag[n-1]) {
		n--
	}
	name := tag[1:n]
	if len(s.open) == 0 || s.open[len(s.open)-1].name != string(name) {
		return errXML
	}
	s.pop()
	return nil
}

func (s *xmlScanner) pop() {
	last := s.open[len(s.open)-1]
	s.open = s.open[:len(s.open)-1]
	if len(s.spaces) != last.spaces {
		s.spaces = s.spaces[:last.spaces]
		clear(s.names)
	}
}

func (s *xmlScanner) startTag() error {
	tag, err := s.tag()
	if err != nil {
		return err
	}
	if n := len(tag); n > 0 && tag[n-1] == '/' {
		tag, s.single = tag[:n-1], true
	}
	n := nameEnd(tag)
	written, outside := tag[:n], len(s.spaces)
	if s.start.Attr, err = s.attributes(tag[n:]); err != nil {
		return err
	}
	if len(s.spaces) > maxXMLSpaces {
		return errXML
	}
	if len(s.spaces) != outside {
		clear(s.names)
	}
	name, err := s.name(written)
	if err != nil {
		return err
	}
	s.start.Name = name.name
	s.open = append(s.open, openElement{name: name.written, spaces: outside})
	return nil
}

// attributes reads the attributes of a tag and takes in the namespaces it
// declares. An attribute keeps the prefix of its name, which nobody here asks for.
func (s *xmlScanner) attributes(rest []byte) ([]xml.Attr, error) {
	from := len(s.attrs)
	for {
		if rest = trimBlanks(rest); len(rest) == 0 {
			break
		}
		n := nameEnd(rest)
		written := rest[:n]
		rest = trimBlanks(rest[n:])
		if len(rest) == 0 || rest[0] != '=' || !goodName(written) {
			return nil, errXML
		}
		if rest = trimBlanks(rest[1:]); len(rest) == 0 || rest[0] != '"' && rest[0] != '\'' {
			return nil, errXML
		}
		value, behind, closed := bytes.Cut(rest[1:], rest[:1])
		if !closed {
			return nil, errXML
		}
		rest = behind
		prefix, local, err := splitName(written)
		if err != nil {
			return nil, err
		}
		if value, err = s.decoded(value); err != nil {
			return nil, err
		}
		switch {
		case prefix == nil && string(local) == "xmlns":
			s.spaces = append(s.spaces, xmlSpace{"", s.keep(value)})
		case string(prefix) == "xmlns":
			s.spaces = append(s.spaces, xmlSpace{s.keep(local), s.keep(value)})
		case !s.bare:
			if len(s.attrs) == cap(s.attrs) { // those given out stay where they are
				s.attrs = append(make([]xml.Attr, 0, max(512, 2*(len(s.attrs)-from))), s.attrs[from:]...)
				from = 0
			}
			s.attrs = append(s.attrs, xml.Attr{Name: xml.Name{Space: s.keep(prefix), Local: s.keep(local)}, Value: s.keep(value)})
		}
	}
	return slices.Clip(s.attrs[from:]), nil
}

// name resolves the name of an element; an unknown prefix stands for itself.
func (s *xmlScanner) name(written []byte) (xmlName, error) {
	if n, ok := s.names[string(written)]; ok {
		return n, nil
	}
	prefix, local, err := splitName(written)
	if err != nil || !goodName(written) {
		return xmlName{}, errXML
	}
	n := xmlName{written: string(written), name: xml.Name{Space: string(prefix), Local: string(local)}}
	for i := len(s.spaces) - 1; i >= 0; i-- {
		if s.spaces[i].prefix == string(prefix) {
			n.name.Space = s.spaces[i].uri
			break
		}
	}
	if len(s.names) >= maxXMLNames {
		clear(s.names)
	}
	s.names[n.written] = n
	return n, nil
}

// keep makes a string, the same one for the same short value.
func (s *xmlScanner) keep(value []byte) string {
	if len(value) == 0 || len(value) > maxXMLValue {
		return string(value)
	}
	kept, ok := s.values[string(value)]
	if !ok {
		kept = string(value)
		if len(s.values) < maxXMLValues {
			s.values[kept] = kept
		}
	}
	return kept
}

// characters reads the next characters, at most what the buffer holds.
func (s *xmlScanner) characters() error {
	mark := "<"
	if s.cdata {
		mark = "]]>"
	}
	chunk := s.buf[s.at:s.end]
	if i := bytes.Index(chunk, []byte(mark)); i >= 0 {
		chunk = chunk[:i]
		s.at += i
		if s.cdata {
			s.at, s.cdata = s.at+len(mark), false
			return s.give(chunk, false)
		}
		return s.give(chunk, true)
	}
	chunk = chunk[:wholeCharacters(chunk, s.cdata)]
	if len(chunk) == 0 {
		s.text = nil
		err := s.fill()
		if errors.Is(err, io.EOF) { // what is left is no whole character
			return errXML
		}
		return err
	}
	s.at += len(chunk)
	return s.give(chunk, !s.cdata)
}

// wholeCharacters is how many bytes can be read without the ones to come.
func wholeCharacters(chunk []byte, cdata bool) int {
	n := len(chunk)
	for back := 1; back < utf8.UTFMax && back <= n; back++ {
		if c := chunk[n-back]; utf8.RuneStart(c) {
			if !utf8.FullRune(chunk[n-back:]) {
				n -= back
			}
			break
		}
	}
	if cdata {
		for n > 0 && (chunk[n-1] == ']' || chunk[n-1] == '\r') {
			n--
		}
		return n
	}
	if i := bytes.LastIndexByte(chunk[max(0, n-maxXMLEntity):n], '&'); i >= 0 && bytes.IndexByte(chunk[max(0, n-maxXMLEntity)+i:n], ';') < 0 {
		return max(0, n-maxXMLEntity) + i
	}
	for n > 0 && (chunk[n-1] == ']' || chunk[n-1] == '\r') {
		n--
	}
	return n
}

func (s *xmlScanner) give(chunk []byte, entities bool) (err error) {
	if !goodCharacters(chunk) || entities && bytes.Contains(chunk, []byte("]]>")) {
		return errXML
	}
	if entities {
		s.text, err = s.decoded(chunk)
		return err
	}
	s.text = s.lineEnds(chunk)
	return nil
}

// decoded gives characters with entities replaced and line ends as line feeds.
func (s *xmlScanner) decoded(raw []byte) ([]byte, error) {
	i := bytes.IndexByte(raw, '&')
	if i < 0 {
		return s.lineEnds(raw), nil
	}
	out := s.fresh[:0]
	for ; i >= 0; i = bytes.IndexByte(raw, '&') {
		end := bytes.IndexByte(raw[i:min(len(raw), i+maxXMLEntity)], ';')
		if end < 0 {
			return nil, errXML
		}
		r, ok := entity(string(raw[i+1 : i+end]))
		if !ok {
			return nil, errXML
		}
		out = appendLines(out, raw[:i])
		out = utf8.AppendRune(out, r)
		raw = raw[i+end+1:]
	}
	s.fresh = appendLines(out, raw)
	return s.fresh, nil
}

// lineEnds gives CR LF and CR as line feeds (XML 1.0, 2.11).
func (s *xmlScanner) lineEnds(raw []byte) []byte {
	if bytes.IndexByte(raw, '\r') < 0 {
		return raw
	}
	s.fresh = appendLines(s.fresh[:0], raw)
	return s.fresh
}

func appendLines(out, raw []byte) []byte {
	for {
		i := bytes.IndexByte(raw, '\r')
		if i < 0 {
			return append(out, raw...)
		}
		out = append(append(out, raw[:i]...), '\n')
		if raw = raw[i+1:]; len(raw) > 0 && raw[0] == '\n' {
			raw = raw[1:]
		}
	}
}

// entity is the character of &…;, of which XML itself knows five by name.
func entity(name string) (rune, bool) {
	switch name {
	case "lt":
		return '<', true
	case "gt":
		return '>', true
	case "amp":
		return '&', true
	case "apos":
		return '\'', true
	case "quot":
		return '"', true
	}
	digits, base := strings.TrimPrefix(name, "#"), 10
	if strings.HasPrefix(digits, "x") {
		digits, base = digits[1:], 16
	}
	n, err := strconv.ParseUint(digits, base, 32)
	if err != nil || digits == name || n > utf8.MaxRune || n < ' ' && n != '\t' && n != '\n' && n != '\r' || n == 0xfffe || n == 0xffff {
		return 0, false
	}
	return rune(n), true
}

func isXMLBlank(c byte) bool { return c == ' ' || c == '\t' || c == '\r' || c == '\n' }

// trimBlanks takes off the blanks in front.
func trimBlanks(rest []byte) []byte {
	for len(rest) > 0 && isXMLBlank(rest[0]) {
		rest = rest[1:]
	}
	return rest
}

// nameEnd is where a name at the start of a tag ends.
func nameEnd(tag []byte) int {
	for i, c := range tag {
		if c == '=' || c == '/' || isXMLBlank(c) {
			return i
		}
	}
	return len(tag)
}

// goodName refuses what is surely no name.
func goodName(name []byte) bool {
	if len(name) == 0 || name[0] >= '0' && name[0] <= '9' || name[0] == '-' || name[0] == '.' {
		return false
	}
	for _, c := range name {
		if !isNameByte(c) {
			return false
		}
	}
	return true
}

func isNameByte(c byte) bool {
	return c >= utf8.RuneSelf || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == ':' || c == '_' || c == '-' || c == '.'
}

// splitName parts a name from its prefix, of which there is one at most.
func splitName(written []byte) (prefix, local []byte, err error) {
	prefix, local, ok := bytes.Cut(written, []byte(":"))
	switch {
	case ok && bytes.IndexByte(local, ':') >= 0:
		return nil, nil, errXML
	case !ok || len(prefix) == 0 || len(local) == 0:
		return nil, written, nil
	}
	return prefix, local, nil
}

// goodCharacters tells whether all are characters of XML 1.0 in UTF-8.
func goodCharacters(chunk []byte) bool {
	for _, c := range chunk {
		if c < ' ' && c != '\t' && c != '\n' && c != '\r' {
			return false
		}
	}
	if !utf8.Valid(chunk) {
		return false
	}
	// U+FFFE and U+FFFF, which start as full-width signs above U+FFC0 do.
	for i := bytes.Index(chunk, []byte("\xef\xbf")); i >= 0; i = bytes.Index(chunk, []byte("\xef\xbf")) {
		if chunk = chunk[i+2:]; chunk[0] >= 0xbe {
			return false
		}
	}
	return true
}
