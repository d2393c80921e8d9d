package counsel

import (
	"path"

	corev1 "fashen/gen/fashen/core/v1"
	counselv1 "fashen/gen/fashen/counsel/v1"
)

// asked are the replies that bureaus were asked for: each is done with the first one
// that comes. A question that was closed without any has lapsed.
func (m matter) asked() []*corev1.Task {
	var out []*corev1.Task
	for _, q := range m.solicitations {
		if q.GetKind() != counselv1.Solicitation_BUREAU || q.GetState() == counselv1.Solicitation_PREPARING {
			continue
		}
		t := m.task(corev1.Task_REPLY_TO_SOLICITATION, "reply-"+path.Base(q.GetName()), &corev1.JournalEntry{Time: q.GetCreateTime()})
		t.Title, t.Resource, t.Assignee, t.DueDate = q.GetTitle(), q.GetName(), q.GetBureau(), q.GetDueDate()
		if r := m.firstReply(q); r != nil {
			t.State, t.DoneTime, t.DoneBy = corev1.Task_DONE, r.GetCreateTime(), r.GetAuthor()
		} else if q.GetState() == counselv1.Solicitation_CLOSED {
			continue
		}
		out = append(out, t)
	}
	return out
}

// firstReply is the first reply to a solicitation; nil when there is none.
func (m matter) firstReply(q *counselv1.Solicitation) *counselv1.Reply {
	for _, r := range m.replies {
		if path.Dir(path.Dir(r.GetName())) == q.GetName() {
			return r
		}
	}
	return nil
}

// heard are the replies that the reviewer says what becomes of.
func (m matter) heard() []*corev1.Task {
	var out []*corev1.Task
	for _, r := range m.replies {
		t := m.task(corev1.Task_HANDLE_REPLY, "handle-"+path.Base(r.GetName()), &corev1.JournalEntry{Time: r.GetCreateTime()})
		t.Resource, t.Assignee = r.GetName(), m.c.GetReviewer()
		if r.GetHandled() {
			done := r.GetHandling()
			t.State, t.DoneTime, t.DoneBy, t.Assignee = corev1.Task_DONE, done.GetAnswerTime(), done.GetAuthor(), done.GetAuthor()
		}
		out = append(out, t)
	}
	return out
}
