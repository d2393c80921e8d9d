package policytext

import (
	"bytes"
	"errors"
	"io"
	"strconv"
	"strings"
	"unicode/utf8"
)

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
