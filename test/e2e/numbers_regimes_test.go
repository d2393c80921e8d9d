package e2e

import (
	"slices"
	"strings"
	"testing"

	corev1 "fashen/gen/fashen/core/v1"
	counselv1 "fashen/gen/fashen/counsel/v1"
)

// The power-list changes of three bureaus have one opinion and one letter, which says
// what is concluded on each, and goes to each: it is received when all have received it.
func TestOneLetterForThreeBureaus(t *testing.T) {
	everywhere(t, "2026-04-08", func(t *testing.T, w *world) {
		of := w.campaigns(t)
		if f := w.merge(t, of...); f != nil {
			t.Fatalf("merged: %v", f)
		}
		o := sharedOpinion(t, w, of)
		w.review(t, "reviewer", "ConcludeCase", &counselv1.ConcludeCaseRequest{Name: of[0].review.GetName(), Opinion: o.GetName()})
		l := w.letter(t, "reviewer", "CreateLetter", letterFor(o.GetName()))
		var units []string
		for _, c := range of {
			units = append(units, c.review.GetDraftingUnit())
		}
		if l.GetDocumentNumber() != "示例法审〔2026〕1号" || !slices.Equal(l.GetAddressees(), units) {
			t.Errorf("issued: %v, want it for %v", l, units)
		}
		if f := w.try(t, "reviewer", letterService+"CreateLetter", letterFor(o.GetName()), &counselv1.Letter{}); reason(f) != "LETTER_ISSUED" {
			t.Errorf("a second one: %v", f)
		}
		w.letter(t, "reviewer", "ServeLetter", &counselv1.ServeLetterRequest{Name: l.GetName()})
		for i, c := range of {
			for _, format := range []counselv1.LetterFormat{counselv1.LetterFormat_DOCX, counselv1.LetterFormat_PDF} {
				data := w.mustMake(t, c.login, letterService+"DownloadLetter", &counselv1.DownloadLetterRequest{Name: l.GetName(), Format: format},
					l.GetDocumentNumber()+"法制审核意见书."+strings.ToLower(format.String()))
				says(t, data, l.GetDocumentNumber(), "等3件的法制审核意见书", "依照有关规定进行了合法性审核", "《示例权责清单调整（drafter）》：应当予以修改。",
					"《示例权责清单调整（drafter2）》：应当予以修改。", "《示例权责清单调整（drafter3）》：合法。", "请根据上述意见对调整事项及其依据作出修改或者补充。")
			}
			w.pending(t, "served", c.login, "counsel", append([]string{"ACKNOWLEDGE_LETTER"}, owed[i]...)...)
			want := counselv1.Letter_SERVED
			if i == len(of)-1 {
				want = counselv1.Letter_RECEIVED
			}
			r := w.letter(t, c.login, "AcknowledgeLetter", &counselv1.AcknowledgeLetterRequest{Name: l.GetName()})
			if r.GetState() != want || len(r.GetReceipts()) != i+1 || r.GetReceipts()[i].GetBureau() != units[i] || r.GetReceipts()[i].GetRecipient() != w.people[c.login] {
				t.Errorf("received by %s: %v", c.login, r)
			}
			w.pending(t, "received", c.login, "counsel", owed[i]...)
		}
	}, withFonts(t))
}

// owed is what each of the three bureaus owes beside its receipt.
var owed = [][]string{{"ANSWER_ITEMS"}, {"ANSWER_ITEMS"}, nil}

// A district of 32 bureaus changes its power lists. 24 opinions, eight of which cover
// two bureaus each, are 24 letters in force, one of them in place of a void one: the
// register has 25 numbers, and the yearly figure says 24.
func TestRegisterOfADistrict(t *testing.T) {
	everywhere(t, "2026-04-08", func(t *testing.T, w *world) {
		var opinions, bureaus []string
		titles := map[string]string{}
		for i := 0; i < 32; {
			size := 1
			if len(opinions) < 8 {
				size = 2
			}
			var of []*campaign
			for range size {
				of = append(of, w.campaign(t, w.newBureau(t, i)))
				bureaus = append(bureaus, of[len(of)-1].login)
				i++
			}
			title := of[0].matter.GetTitle()
			if size > 1 {
				title += "等2件"
				if f := w.merge(t, of...); f != nil {
					t.Fatalf("merged: %v", f)
				}
			}
			c := w.concludeOn(t, of[0].review, &counselv1.Opinion{Conclusion: counselv1.Conclusion_LAWFUL, Checklist: onePoint(false)})
			for _, in := range of {
				titles[in.login] = title
			}
			opinions = append(opinions, c.GetRounds()[0].GetOpinion())
		}
		issueAll(t, w, opinions)
		wrong := w.letters(t, "reviewer")[5]
		w.letter(t, "reviewer", "VoidLetter", &counselv1.VoidLetterRequest{Name: wrong.GetName(), Reason: "示例：印错"})
		w.letter(t, "reviewer", "CreateLetter", letterFor(wrong.GetOpinion()))
		void := 0
		for _, n := range w.gapFree(t, 25) {
			if n.GetState() == corev1.RegisterNumber_VOID {
				void++
			}
		}
		if len(opinions) != 24 || void != 1 {
			t.Errorf("%d opinions, %d void numbers", len(opinions), void)
		}
		for _, l := range w.letters(t, "reviewer") {
			if l.GetState() != counselv1.Letter_VOID {
				w.letter(t, "reviewer", "ServeLetter", &counselv1.ServeLetterRequest{Name: l.GetName()})
			}
		}
		for _, login := range bureaus {
			seen := w.letters(t, login)
			if len(seen) != 1 || seen[0].GetTitle() != titles[login] {
				t.Fatalf("%s sees %v", login, seen)
			}
			w.letter(t, login, "AcknowledgeLetter", &counselv1.AcknowledgeLetterRequest{Name: seen[0].GetName()})
		}
		for _, l := range w.letters(t, "reviewer") {
			if l.GetState() != counselv1.Letter_VOID && (l.GetState() != counselv1.Letter_RECEIVED || len(l.GetReceipts()) != len(l.GetAddressees())) {
				t.Errorf("not received by all: %v", l)
			}
		}
		w.counted(t, "at the end of the year", "office", "counsel", &corev1.ListFiguresRequest{
			Codes: []string{"M19"}, GroupBy: corev1.ListFiguresRequest_CATEGORY,
		}, "M19 24[POWER_LIST_CHANGE 24]")
	}, withFonts(t))
}
