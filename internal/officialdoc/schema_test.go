package officialdoc

import (
	"encoding/xml"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
)

// TestPropertiesInSchemaOrder: Word repairs, or refuses, a file whose properties
// stand in another order than that of ECMA-376 (17.3.1.26, 17.3.2.28).
func TestPropertiesInSchemaOrder(t *testing.T) {
	order := map[string][]string{
		"pPr": {"pStyle", "keepNext", "pageBreakBefore", "framePr", "widowControl", "pBdr", "tabs", "autoSpaceDE", "autoSpaceDN", "spacing", "ind", "jc", "outlineLvl", "rPr"},
		"rPr": {"ins", "del", "moveFrom", "moveTo", "rFonts", "color", "spacing", "sz", "szCs", "lang"},
	}
	letter, err := sample().DOCX()
	if err != nil {
		t.Fatal(err)
	}
	for _, part := range []string{"word/document.xml", "word/styles.xml", "word/footer1.xml", "word/footer2.xml", "word/settings.xml", "[Content_Types].xml"} {
		x := xml.NewDecoder(strings.NewReader(partOf(t, letter, part)))
		var open []string
		last := map[int]int{}
		for {
			token, err := x.Token()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Fatalf("%s: %v", part, err)
			}
			switch e := token.(type) {
			case xml.StartElement:
				last[len(open)+1] = -1
				if known := order[append([]string{""}, open...)[len(open)]]; known != nil {
					at := slices.Index(known, e.Name.Local)
					if at <= last[len(open)] {
						t.Errorf("%s: %s is no child of %v here", part, e.Name.Local, open)
					}
					last[len(open)] = at
				}
				open = append(open, e.Name.Local)
			case xml.EndElement:
				open = open[:len(open)-1]
			}
		}
	}
}
