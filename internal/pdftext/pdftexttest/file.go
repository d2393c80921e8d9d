// Package pdftexttest makes PDF files for tests.
package pdftexttest

import (
	"bytes"
	"compress/zlib"
	"fmt"
	"unicode/utf16"
)

// File makes a PDF file of pages, each the operators of its content; the font of
// Adobe's GB1 collection is not embedded, and its text is UCS-2.
func File(contents ...string) []byte {
	var b bytes.Buffer
	offsets := []int{0}
	object := func(body string) {
		offsets = append(offsets, b.Len())
		fmt.Fprintf(&b, "%d 0 obj\n%s\nendobj\n", len(offsets)-1, body)
	}
	b.WriteString("%PDF-1.7\n")
	kids := ""
	for i := range contents {
		kids += fmt.Sprintf("%d 0 R ", 6+2*i)
	}
	object("<</Type/Catalog/Pages 2 0 R>>")
	object(fmt.Sprintf("<</Type/Pages/Kids[%s]/Count %d>>", kids, len(contents)))
	object("<</Type/Font/Subtype/Type0/BaseFont/STSong-Light/Encoding/UniGB-UCS2-H/DescendantFonts[4 0 R]>>")
	object("<</Type/Font/Subtype/CIDFontType0/BaseFont/STSong-Light/CIDSystemInfo<</Registry(Adobe)/Ordering(GB1)/Supplement 4>>/DW 1000/FontDescriptor 5 0 R>>")
	object("<</Type/FontDescriptor/FontName/STSong-Light/Flags 4/FontBBox[0 -200 1000 900]/ItalicAngle 0/Ascent 900/Descent -200/CapHeight 700/StemV 80>>")
	for i, content := range contents {
		object(fmt.Sprintf("<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Contents %d 0 R/Resources<</Font<</F 3 0 R>>>>>>", 7+2*i))
		packed := deflate(content)
		object(fmt.Sprintf("<</Length %d/Filter/FlateDecode>>\nstream\n%s\nendstream", len(packed), packed))
	}
	start := b.Len()
	fmt.Fprintf(&b, "xref\n0 %d\n0000000000 65535 f \n", len(offsets))
	for _, at := range offsets[1:] {
		fmt.Fprintf(&b, "%010d 00000 n \n", at)
	}
	fmt.Fprintf(&b, "trailer\n<</Size %d/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF\n", len(offsets), start)
	return b.Bytes()
}

func deflate(s string) []byte {
	var b bytes.Buffer
	z := zlib.NewWriter(&b)
	_, _ = z.Write([]byte(s)) // into memory
	_ = z.Close()
	return b.Bytes()
}

// Show is the operators that print a text at a place, from the foot of the page.
func Show(x, y, size float64, s string) string {
	hex := ""
	for _, u := range utf16.Encode([]rune(s)) {
		hex += fmt.Sprintf("%04X", u)
	}
	return fmt.Sprintf("BT /F %g Tf 1 0 0 1 %g %g Tm <%s> Tj ET\n", size, x, y, hex)
}
