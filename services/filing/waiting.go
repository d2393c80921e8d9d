package filing

import (
	"errors"
	"strings"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"

	corev1 "fashen/gen/fashen/core/v1"
	filingv1 "fashen/gen/fashen/filing/v1"
	"fashen/internal/docstore"
	"fashen/internal/intent"
	"fashen/internal/rpc"
)

// checkWaiting refuses a step of a document that waits for one: it is for the
// client to try again, so it is not kept on record. A step that was given up may be
// asked for again.
func checkWaiting(d *filingv1.Document, method string) error {
	waiting := d.GetIntent()
	if waiting == nil || waiting.GetState() == corev1.Intent_FAILED && waiting.GetMethod() == method {
		return nil
	}
	return errReconciling(waiting)
}

func errReconciling(waiting *corev1.Intent) error {
	return rpc.New(codes.Aborted, "RECONCILING", "该文件的上一步办理尚待审核系统确认，请稍后重试", "intent", waiting.GetName())
}

// checkVersionKept refuses a change of what a review concludes on while the
// document waits for that review.
func checkVersionKept(waiting *corev1.Intent, before string, d *filingv1.Document) error {
	if waiting != nil && d.GetVersionDigest() != before {
		return errReconciling(waiting)
	}
	return nil
}

// unmoved is docstore.ErrConflict when a document is no longer at the step it was
// seen at: it is another version, or another call took the step in between.
func unmoved(seen, d *filingv1.Document) error {
	if d.GetVersionDigest() != seen.GetVersionDigest() || d.GetSubmissionCount() != seen.GetSubmissionCount() ||
		d.GetIntent().GetName() != seen.GetIntent().GetName() {
		return docstore.ErrConflict
	}
	return nil
}

// wait stores in a document what it is to wait for; a step that was given up is tried
// again.
func wait(d *filingv1.Document, i *corev1.Intent) error {
	if waiting := d.GetIntent(); waiting != nil {
		if err := intent.Reopen(waiting); errors.Is(err, docstore.ErrUnchanged) {
			return errReconciling(waiting)
		}
		return nil
	}
	d.Intent, d.Reconciling = i, true
	return nil
}

// settled is a document whose intent is done, or may not be done.
func settled(d *filingv1.Document) {
	d.Intent, d.Reconciling, d.RequestedDeliberation = nil, false, nil
}

// requestSubmission stores that the document is to be submitted. Its version does
// not change until the review has taken it.
func requestSubmission(d, seen *filingv1.Document, i *corev1.Intent) error {
	if err := checkSubmittable(d); err != nil {
		return err
	}
	if err := unmoved(seen, d); err != nil {
		return err
	}
	return wait(d, i)
}

// requestDeliberation stores that the document is to go to the meeting for which
// the gate was open. Its version does not change until the review has certified its
// verdict, or the gate has closed. What the gate saw holds for its version alone,
// and the competition conclusion, which is no part of a version, may have changed
// since; so the gate looks again: docstore.ErrConflict when it is no longer open.
func requestDeliberation(d, seen *filingv1.Document, gate GateInput, meeting string, i *corev1.Intent) error {
	if err := checkOpen(d); err != nil {
		return err
	}
	if err := unmoved(seen, d); err != nil {
		return err
	}
	asked := &filingv1.Deliberation{MeetingDate: gate.MeetingDate.Proto(), Meeting: meeting, VersionDigest: d.GetVersionDigest()}
	if d.GetIntent() != nil && !proto.Equal(d.GetRequestedDeliberation(), asked) {
		return errReconciling(d.GetIntent())
	}
	gate.Document = d
	if len(Gate(gate).Refusals) > 0 {
		return docstore.ErrConflict
	}
	d.RequestedDeliberation = asked
	return wait(d, i)
}

// lateGate is the gate at the time the review is reached: the meeting may be over
// by then.
func lateGate(seen GateInput) refused {
	if !seen.MeetingDate.Before(seen.Today) {
		return Gate(seen).Refusals
	}
	return refused{{
		Code: "MEETING_PAST", Law: law37Decide, Message: "会议日期已过，此前未能取得审核结论的确认，应当另行提请",
		Metadata: map[string]string{"meeting_date": seen.MeetingDate.String()},
	}}
}

// refusedEarlier is the refusal of an intent that is being ended, as far as it is
// kept there; the whole of it is in the history.
func refusedEarlier(i *corev1.Intent) refused {
	var no refused
	for _, code := range i.GetRefusals() {
		no = append(no, rpc.Refusal{Code: code, Message: "未能办理，原因见办理记录"})
	}
	return no
}

// requestDetails are the facts of what a document waits for.
func requestDetails(d *filingv1.Document) []*corev1.Detail {
	details := []*corev1.Detail{docstore.Detail("intent", intent.ID(d.GetIntent()))}
	if asked := d.GetRequestedDeliberation(); asked != nil {
		details = append(details,
			docstore.Detail("meeting_date", isoDate(asked.GetMeetingDate())),
			docstore.Detail("meeting", asked.GetMeeting()))
	}
	if no := d.GetIntent().GetRefusals(); len(no) > 0 {
		details = append(details, docstore.Detail("refused", strings.Join(no, ",")))
	}
	return details
}
