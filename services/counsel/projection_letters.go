package counsel

import (
	"fmt"
	"path"

	corev1 "fashen/gen/fashen/core/v1"
	counselv1 "fashen/gen/fashen/counsel/v1"
	"fashen/internal/projection"
)

// letterLines are the numbered letters of a case that stand (M19).
func (m matter) letterLines() []projection.Line {
	var out []projection.Line
	for _, l := range m.letters {
		if l.GetState() == counselv1.Letter_VOID {
			continue
		}
		line := m.line("M19", "letter-"+path.Base(l.GetName()), l.GetIssueDate())
		line.Note, line.Resource = l.GetDocumentNumber(), l.GetName()
		out = append(out, line)
	}
	return out
}

// receipts are those that the addressees of served letters owe or gave. One of a
// letter that became void has lapsed.
func (m matter) receipts() []*corev1.Task {
	var out []*corev1.Task
	for _, l := range m.letters {
		if l.GetServeTime() == nil {
			continue
		}
		for i, bureau := range l.GetAddressees() {
			t := m.task(corev1.Task_ACKNOWLEDGE_LETTER, fmt.Sprintf("receipt-%s-%d", path.Base(l.GetName()), i+1), &corev1.JournalEntry{Time: l.GetServeTime()})
			t.Assignee, t.Resource = bureau, l.GetName()
			if r := receiptOf(l, bureau); r != nil {
				t.State, t.DoneTime, t.DoneBy = corev1.Task_DONE, r.GetReceiveTime(), r.GetRecipient()
			} else if l.GetState() == counselv1.Letter_VOID {
				continue
			}
			out = append(out, t)
		}
	}
	return out
}
