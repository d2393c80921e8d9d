package policytext

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/iotest"
)

// scanned writes what the scanner reads of one root element.
func scanned(in io.Reader) (string, error) {
	var b strings.Builder
	s := newXMLScanner(in)
	for depth := 0; ; {
		token, err := s.next()
		if err != nil {
			return b.String(), err
		}
		switch token {
		case xmlStart:
			depth++
			fmt.Fprintf(&b, "\n<{%s}%s", s.start.Name.Space, s.start.Name.Local)
			for _, a := range s.start.Attr {
				fmt.Fprintf(&b, " %s=%q", a.Name.Local, a.Value)
			}
			b.WriteString("> ")
		case xmlText:
			if depth > 0 {
				b.Write(s.text)
			}
		case xmlEnd:
			if b.WriteString("\n>"); depth == 1 {
				return b.String(), nil
			}
			depth--
		}
	}
}

// decoded writes the same as the standard library reads it.
func decodedByLibrary(in io.Reader) (string, error) {
	var b strings.Builder
	dec := xml.NewDecoder(in)
	for depth := 0; ; {
		token, err := dec.Token()
		if err != nil {
			return b.String(), err
		}
		switch t := token.(type) {
		case xml.StartElement:
			depth++
			fmt.Fprintf(&b, "\n<{%s}%s", t.Name.Space, t.Name.Local)
			for _, a := range t.Attr {
				if a.Name.Space != "xmlns" && (a.Name.Space != "" || a.Name.Local != "xmlns") {
					fmt.Fprintf(&b, " %s=%q", a.Name.Local, a.Value)
				}
			}
			b.WriteString("> ")
		case xml.CharData:
			if depth > 0 {
				b.Write(t)
			}
		case xml.EndElement:
			if b.WriteString("\n>"); depth == 1 {
				return b.String(), nil
			}
			depth--
		case xml.Directive:
			return "", errXMLType
		}
	}
}

func TestXMLScanner(t *testing.T) {
	long := strings.Repeat("甲", 30_000)
	for _, in := range []string{
		`<a/>`, `<a></a>`, `<?xml version="1.0" encoding="UTF-8" standalone="yes"?>` + "\r\n" + `<a b="1" c='二"'>甲<b/>乙</a>`,
		`<w:a xmlns:w="u"><w:b xmlns:w="v" w:c="1" d="2"/><w:b/></w:a>`, `<a xmlns="u"><b xmlns=""/><c/><x:d/></a>`, `<a:b:c/>`, `<:a/>`, `<a:/>`,
		`<a>&lt;&gt;&amp;&apos;&quot;&#20013;&#x4E2d;</a>`, `<a b="&#10;&lt;"/>`, `<a>&none;</a>`, `<a>&#xD800;</a>`, `<a>&#0;</a>`, `<a>&</a>`, `<a>&#x110000;</a>`, `<a>&#;</a>`,
		"<a>甲\r\n乙\r丙\r&#13;\n</a>", "<a b='甲\r\n乙'/>", `<a><![CDATA[<b>&amp;]]]]><![CDATA[>]]></a>`, `<a>]]></a>`, `<a>]]&gt;</a>`, `<a><![CDATA[</a>`,
		`<a><!-- 甲 - 乙 --></a>`, `<a><!-- -- --></a>`, `<a><!-- </a>`, `<a><?pi ?></a>`, `<a><?></a>`, `<a><? x?></a>`,
		`<!DOCTYPE a><a/>`, `<a><!x></a>`, `<a>`, `</a>`, `<a></b>`, `<a></a `, `<a b></a>`, `<a b=c/>`, `<a b="1"c="2"/>`, `<a b="<"/>`, `<a b="1/>`, `< a/>`, `<a / >`, `<a/b>`, `<1/>`, `<a 1="2"/>`, `<>`, `</>`, `<`, ``, `甲`,
		"<a>\x00</a>", "<a>\xff</a>", "<a b='\x01'/>", "<a>\uffff</a>", "<a>\ufffd\U00020BB7</a>", "\ufeff<a/>", `<?xml version="1.1"?><a/>`, `<?xml version="1.0" encoding="GBK"?><a/>`,
		`<a b="` + long + `">` + long + `&amp;` + long + `<c>` + long + `</c></a>`, `<a>` + strings.Repeat("&#x4e2d;\r\n", 9_000) + `</a>`, `<a>` + strings.Repeat("]", 40_000) + `</a>`,
		`<a><![CDATA[` + long + "]\r\n" + long + `]]></a>`, `<a><!--` + long + `--></a>`, `<a >甲</a  >`, "<a\tb = '1'\n/>",
	} {
		checkScanner(t, []byte(in))
	}
}

// checkScanner holds the scanner against the standard library: it reads what that
// reads, to the same tokens, in whatever pieces the file comes.
func checkScanner(t *testing.T, in []byte) {
	t.Helper()
	want, refused := decodedByLibrary(bytes.NewReader(in))
	got, err := scanned(bytes.NewReader(in))
	if err != nil && !errors.Is(err, errXML) && !errors.Is(err, errXMLType) && !errors.Is(err, io.EOF) {
		t.Errorf("%.200q: error %v is none of the scanner", in, err)
	}
	if refused == nil && (err != nil || got != want) {
		t.Errorf("%.200q is read (%v)\n%.300s\nnot\n%.300s", in, err, got, want)
	}
	if len(in) < 4096 {
		if again, apart := scanned(iotest.OneByteReader(bytes.NewReader(in))); (apart == nil) != (err == nil) || err == nil && again != got {
			t.Errorf("%.200q is read differently byte by byte (%v, %v)\n%.300s\nnot\n%.300s", in, apart, err, again, got)
		}
	}
}

// What the library refuses is refused, but for the finer points of names.
func TestXMLScannerRefuses(t *testing.T) {
	for in, want := range map[string]error{
		`<!DOCTYPE a><a/>`: errXMLType, `<a><!ENTITY x "y"></a>`: errXMLType, `<a>&x;</a>`: errXML, `<a></b>`: errXML, `<a>`: errXML, `<a b="<"/>`: errXML,
		"<a>\xff</a>": errXML, "<a>\x00</a>": errXML, `<a>]]></a>`: errXML, `<?xml version="1.0" encoding="GBK"?><a/>`: errXML, ``: io.EOF,
		`<a>` + strings.Repeat(`<b xmlns:c="d">`, 300): errXML, `<a b="` + strings.Repeat("x", maxXMLTag) + `"/>`: errXML,
	} {
		if _, err := scanned(strings.NewReader(in)); !errors.Is(err, want) {
			t.Errorf("%.60q: error %v, want %v", in, err, want)
		}
	}
}

func FuzzXMLScanner(f *testing.F) {
	f.Add([]byte(wordBody(text("甲") + ins(run("乙")) + del("丙"))))
	f.Add([]byte(`<?xml version="1.0"?><a:b xmlns:a="u" c='&lt;'><![CDATA[x]]><!-- y --></a:b>`))
	f.Fuzz(func(t *testing.T, in []byte) { checkScanner(t, in) })
}
