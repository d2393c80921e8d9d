package competition

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"google.golang.org/protobuf/proto"

	competitionv1 "fashen/gen/fashen/competition/v1"
	corev1 "fashen/gen/fashen/core/v1"
	"fashen/internal/calendar"
	"fashen/internal/policytext"
	"fashen/internal/rpc"
	"fashen/internal/rulebook"
)

// maxAnswerBytes bounds the findings of one answer, so that it fits a message.
const maxAnswerBytes = 3 << 20

// choose selects the rules of a review: the named packs, or those for drafts.
func choose(rules *rulebook.Library, on calendar.Date, packs []string) (*rulebook.Set, error) {
	if len(packs) == 0 {
		set, err := rules.DraftSet(day(on))
		return set, refused(err)
	}
	set, err := rules.Set(day(on), packs...)
	return set, refused(err)
}

// readable refuses a text that the reader cannot take or that bears a mark of
// secrecy (保守国家秘密法).
func readable(doc *policytext.Document, err error, text string) error {
	var bad *policytext.FormatError
	switch {
	case errors.As(err, &bad):
		return rpc.Field("text", bad.Code, bad.Message)
	case err != nil:
		return fmt.Errorf("read the text: %w", err)
	case policytext.SecrecyMark(doc) == "":
		return nil
	}
	sum := sha256.Sum256([]byte(text))
	return rpc.Refused(rpc.Refusal{
		Code: "CLASSIFIED_MATERIAL", Law: "保守国家秘密法",
		Message:  "文件带有密级标志，本系统不得处理涉密文件；文件未保存，请按保密规定处理",
		Metadata: map[string]string{"text_sha256": hex.EncodeToString(sum[:])},
	})
}

// factsOf reads what a client knows of a clause's document.
func factsOf(c *competitionv1.ClauseContext) (rulebook.Facts, error) {
	f := rulebook.Facts{Numbering: policytext.Numbering{
		Chapters: int(c.GetChapters()), Articles: int(c.GetArticles()),
		Paragraphs: make(map[int]int, len(c.GetArticleParagraphs())),
	}}
	for article, n := range c.GetArticleParagraphs() {
		f.Paragraphs[int(article)] = int(n)
	}
	date, err := dateField("context.document_date", c.GetDocumentDate())
	if !date.IsZero() {
		f.Date = day(date)
	}
	return f, err
}

// answerOf puts findings together, as many as fit one message.
func answerOf(found rulebook.Screening, set *rulebook.Set, revision string) *competitionv1.ScreenTextResponse {
	on := set.Date()
	out := &competitionv1.ScreenTextResponse{
		Packs: set.Labels(), ReviewDate: calendar.Date{Year: on.Year(), Month: on.Month(), Day: on.Day()}.Proto(),
		Flagged: rulebook.Flagged(found.Findings), Articles: rulebook.Articles(found.Findings),
	}
	out.Findings, out.Truncated = fitting(found.Findings, found.Truncated)
	for _, f := range out.Findings {
		f.GetAnchor().Revision = revision
	}
	return out
}

// fitting keeps the first findings that fit an answer together.
func fitting(all []*corev1.Finding, truncated bool) ([]*corev1.Finding, bool) {
	size := 0
	for i, f := range all {
		if size += proto.Size(f); size > maxAnswerBytes {
			return all[:i], true
		}
	}
	return all, truncated
}

// todayAt is the date a review has that names none.
func todayAt(now time.Time, named calendar.Date) calendar.Date {
	if named.IsZero() {
		return calendar.On(now)
	}
	return named
}
