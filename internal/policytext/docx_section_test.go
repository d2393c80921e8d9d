package policytext

import (
	"math"
	"testing"
)

func TestPageSetup(t *testing.T) {
	const own = `<w:sectPr><w:pgSz w:w="11906" w:h="16838"/><w:pgMar w:top="2098" w:bottom="1984" w:left="1587" w:right="1474" w:gutter="0"/></w:sectPr>`
	const broad = `<w:sectPr><w:pgSz w:w="16838" w:h="11906"/></w:sectPr>`
	for name, tt := range map[string]struct {
		body string
		want *PageSetup
	}{
		"one section":       {text("甲") + own, &PageSetup{210, 297, 37, 35, 28, 26}},
		"a form behind it":  {par(own, run("甲")) + text("乙") + broad, &PageSetup{210, 297, 37, 35, 28, 26}},
		"nothing said":      {text("甲"), nil},
		"no numbers":        {text("甲") + `<w:sectPr><w:pgSz w:w="x" w:h="-5"/><w:pgMar w:top="999999999999"/></w:sectPr>`, &PageSetup{}},
		"before the change": {text("甲") + `<w:sectPr><w:pgSz w:w="11906" w:h="16838"/><w:sectPrChange><w:sectPr><w:pgSz w:w="1" w:h="1"/></w:sectPr></w:sectPrChange></w:sectPr>`, &PageSetup{Width: 210, Height: 297}},
	} {
		t.Run(name, func(t *testing.T) {
			got := mustRead(t, wordFile{body: tt.body}.bytes(t)).Page
			if (got == nil) != (tt.want == nil) {
				t.Fatalf("got %v", got)
			}
			if got == nil {
				return
			}
			for i, pair := range [][2]float64{
				{got.Width, tt.want.Width}, {got.Height, tt.want.Height}, {got.Top, tt.want.Top}, {got.Bottom, tt.want.Bottom},
				{got.Left, tt.want.Left}, {got.Right, tt.want.Right},
			} {
				if math.Abs(pair[0]-pair[1]) > 0.1 {
					t.Errorf("measure %d is %.2f, want %.2f", i, pair[0], pair[1])
				}
			}
		})
	}
}
