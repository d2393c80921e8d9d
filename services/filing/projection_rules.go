package filing

import (
	"fmt"
	"path"
	"strconv"
	"strings"

	corev1 "fashen/gen/fashen/core/v1"
	"fashen/internal/calendar"
	"fashen/internal/projection"
)

// ruleFigures are what becomes of the findings of a rule.
var ruleFigures = projection.Definition{
	DisplayName: "规则提示及处理情况", Unit: "处", RateName: "驳回率", Decimals: 1,
	Text: "提示：首次提示日期在期间内的疑似问题；同一文字在以后各稿中保留的计一处，处理情况以最近一次为准。" +
		"驳回率：因规则提示不当而驳回的除以已经确认和驳回的；因适用例外规定而驳回的不计入分子；尚未处理的和主张例外待定的不计入分母。",
}

// rulesOf is what one rule of one pack raised first in one draft.
type rulesOf struct{ revision, rule, pack string }

// ruleLines are the findings that were raised in a document, as the journal of its
// drafts tells, by what was decided last about each of them.
func ruleLines(history []*corev1.JournalEntry, newest map[string]*corev1.Disposition) []*corev1.RuleLine {
	type kind struct {
		state  corev1.Disposition_State
		ground corev1.Disposition_Ground
	}
	decided := map[rulesOf]map[kind]int64{}
	for root, x := range newest {
		if x.GetState() == corev1.Disposition_OPEN {
			continue
		}
		of := rulesOf{path.Dir(path.Dir(root)), x.GetRule(), x.GetPack()}
		if decided[of] == nil {
			decided[of] = map[kind]int64{}
		}
		decided[of][kind{x.GetState(), x.GetGround()}]++
	}
	var out []*corev1.RuleLine
	for _, e := range history {
		for _, r := range raisedBy(e) {
			add := func(k kind, n int64) {
				out = append(out, &corev1.RuleLine{
					Name: strings.ToLower(fmt.Sprintf("%s-%s-%s-%d-%d", path.Base(r.of.revision), r.of.rule,
						strings.ReplaceAll(r.of.pack, "@", "-"), k.state, k.ground)),
					EventDate: calendar.On(e.GetTime().AsTime()).Proto(),
					Rule:      r.of.rule, Pack: r.of.pack, State: k.state, Ground: k.ground, Count: n,
				})
			}
			open := r.n
			for k, n := range decided[r.of] {
				add(k, n)
				open -= n
			}
			if open > 0 {
				add(kind{state: corev1.Disposition_OPEN}, open)
			}
		}
	}
	return out
}

type raisedCount struct {
	of rulesOf
	n  int64
}

// raisedBy reads what an entry says was raised first by a new draft.
func raisedBy(e *corev1.JournalEntry) []raisedCount {
	if !projection.Did(e, "UploadRevision") {
		return nil
	}
	var out []raisedCount
	for _, d := range e.GetDetails() {
		words := strings.Fields(d.GetValue())
		if d.GetName() != "raised" || len(words) != 3 {
			continue
		}
		if n, err := strconv.ParseInt(words[2], 10, 64); err == nil {
			out = append(out, raisedCount{rulesOf{projection.Fact(e, "revision"), words[0], words[1]}, n})
		}
	}
	return out
}
