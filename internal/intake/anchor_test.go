package intake

import (
	"testing"

	"google.golang.org/protobuf/proto"

	corev1 "fashen/gen/fashen/core/v1"
	"fashen/internal/policytext"
)

const sampleText = `河北区示例补贴办法

第一条 为了规范示例补贴，制定本办法。
第二条 申请人应当具备下列条件：
（一）具有独立法人资格；
（二）信用良好。
申请材料齐全的，应当受理。
第三条 示例补贴由区示例局发放𠮷，申请材料齐全的，应当受理。
`

func TestResolveAnchor(t *testing.T) {
	doc, err := policytext.Read(t.Context(), []byte(sampleText), policytext.DefaultLimits())
	if err != nil {
		t.Fatal(err)
	}
	const revision = "regions/120105/documents/d1/revisions/1"
	const twice = "申请材料齐全的，应当受理。"
	for _, tt := range []struct {
		name  string
		in    *corev1.Anchor
		want  *corev1.Anchor // without offsets
		field string
	}{
		{name: "a quote that stands once", in: &corev1.Anchor{Quote: "信用良好"},
			want: &corev1.Anchor{Article: 2, Paragraph: 1, Item: 2, Quote: "信用良好"}},
		{name: "a quote that stands twice", in: &corev1.Anchor{Quote: twice}, field: "anchors[0]:ANCHOR_NOT_FOUND"},
		{name: "in an article", in: &corev1.Anchor{Article: 3, Quote: twice},
			want: &corev1.Anchor{Article: 3, Paragraph: 1, Quote: twice}},
		{name: "in a paragraph", in: &corev1.Anchor{Article: 2, Paragraph: 2, Quote: twice},
			want: &corev1.Anchor{Article: 2, Paragraph: 2, Quote: twice}},
		{name: "in an item", in: &corev1.Anchor{Article: 2, Item: 1, Quote: "独立法人"},
			want: &corev1.Anchor{Article: 2, Paragraph: 1, Item: 1, Quote: "独立法人"}},
		{name: "in another article", in: &corev1.Anchor{Article: 1, Quote: twice}, field: "anchors[0]:ANCHOR_NOT_FOUND"},
		{name: "no such article", in: &corev1.Anchor{Article: 9, Quote: twice}, field: "anchors[0]:ANCHOR_NOT_FOUND"},
		{name: "no such item", in: &corev1.Anchor{Article: 2, Item: 7, Quote: "信用良好"}, field: "anchors[0]:ANCHOR_NOT_FOUND"},
		{name: "nowhere", in: &corev1.Anchor{Quote: "没有这段"}, field: "anchors[0]:ANCHOR_NOT_FOUND"},
		{name: "nothing", in: &corev1.Anchor{Article: 2}, field: "anchors[0]:ANCHOR_NOT_FOUND"},
		{name: "offsets", in: &corev1.Anchor{Start: 0, End: 3}, want: &corev1.Anchor{Quote: "河北区"}},
		{name: "offsets with their quote", in: &corev1.Anchor{Start: 0, End: 3, Quote: "河北区"}, want: &corev1.Anchor{Quote: "河北区"}},
		{name: "offsets with another quote", in: &corev1.Anchor{Start: 0, End: 3, Quote: "河东区"}, field: "anchors[0]:ANCHOR_NOT_FOUND"},
		{name: "offsets beyond the end", in: &corev1.Anchor{Start: 0, End: 9999}, field: "anchors[0]:ANCHOR_NOT_FOUND"},
		{name: "offsets backwards", in: &corev1.Anchor{Start: 5, End: 2}, field: "anchors[0]:ANCHOR_NOT_FOUND"},
		{name: "after an astral character", in: &corev1.Anchor{Article: 3, Quote: "𠮷，申请"},
			want: &corev1.Anchor{Article: 3, Paragraph: 1, Quote: "𠮷，申请"}},
		{name: "other widths and blanks", in: &corev1.Anchor{Article: 2, Quote: "(一) 具有独立法人资格;"},
			want: &corev1.Anchor{Article: 2, Paragraph: 1, Item: 1, Quote: "（一）具有独立法人资格；"}},
		{name: "other widths, in the whole text", in: &corev1.Anchor{Quote: "(二)信用良好"},
			want: &corev1.Anchor{Article: 2, Paragraph: 1, Item: 2, Quote: "（二）信用良好"}},
		{name: "another draft", in: &corev1.Anchor{Revision: revision + "0", Quote: "信用良好"},
			field: "anchors[0].revision:ANCHOR_NOT_FOUND"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := ResolveAnchor(doc.Text, revision, "anchors[0]", tt.in)
			wantReason(t, err, tt.field)
			if err != nil {
				return
			}
			if quote := policytext.Slice(doc.Text, int(got.GetStart()), int(got.GetEnd())); quote != got.GetQuote() {
				t.Errorf("text[%d:%d] is %q, the quote %q", got.GetStart(), got.GetEnd(), quote, got.GetQuote())
			}
			again, err := ResolveAnchor(doc.Text, revision, "a", got)
			if err != nil || !proto.Equal(again, got) {
				t.Errorf("a whole anchor resolves to %v, %v", again, err)
			}
			got.Start, got.End = 0, 0
			tt.want.Revision = revision
			if !proto.Equal(got, tt.want) {
				t.Errorf("got %v, want %v", got, tt.want)
			}
		})
	}
}
