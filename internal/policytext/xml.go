package policytext

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"slices"
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
