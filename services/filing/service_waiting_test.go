package filing

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	corev1 "fashen/gen/fashen/core/v1"
	counselv1 "fashen/gen/fashen/counsel/v1"
	filingv1 "fashen/gen/fashen/filing/v1"
	"fashen/internal/auth"
	"fashen/internal/docstore"
	"fashen/internal/intent"
	"fashen/internal/rpc"
)

var unreachable = status.Error(codes.Unavailable, "no route")

// away makes the review unreachable, or reachable again.
func (h *house) away(err error) {
	h.next.mu.Lock()
	defer h.next.mu.Unlock()
	h.next.away = err
}

// drive drives intents by a driver whose pauses are over at once, until the
// document waits no more.
func (h *house) drive(name string) *filingv1.Document {
	h.t.Helper()
	at := time.Now()
	d := intent.NewDriver(h.server.Intents(), intent.DriverOptions{
		Engine: h.engine, Holder: "test", Logger: h.log, GiveUpAfter: h.giveUp,
		Now: func() time.Time { at = at.Add(time.Hour); return at },
		After: func(time.Duration) <-chan time.Time {
			c := make(chan time.Time, 1)
			c <- at
			return c
		},
	})
	d.Start()
	defer func() { must(h.t, d.Close()) }()
	for {
		if got := h.get(name); !got.GetReconciling() || got.GetIntent().GetState() == corev1.Intent_FAILED {
			return got
		}
		if err := h.t.Context().Err(); err != nil {
			h.t.Fatal(err)
		}
	}
}

// A submission that cannot reach the review is accepted and shows that it waits;
// the driver goes on with it, for the person who asked.
func TestSubmitWhileTheReviewIsAway(t *testing.T) {
	h := newHouse(t)
	d := h.ready()
	h.away(unreachable)
	in := &filingv1.SubmitDocumentRequest{Name: d.GetName(), RequestId: "s1"}
	for range 2 {
		got, err := h.submit(drafterCaller, in)
		must(t, err)
		if i := got.GetIntent(); !got.GetReconciling() || i.GetState() != corev1.Intent_OPEN || i.GetRequester() != drafterCaller.Person || got.GetState() != filingv1.Document_DRAFTING {
			t.Fatalf("waits as %v", got)
		}
	}
	h.retitle(d.GetName())
	_, err := h.sendDraft(drafterCaller, &filingv1.RevisionUpload{Parent: d.GetName(), Filename: "b.txt"}, []byte(suspectText))
	wantCode(t, err, codes.Aborted, "RECONCILING")
	_, err = h.deliberate(drafterCaller, &filingv1.DeliberateDocumentRequest{Name: d.GetName(), MeetingDate: date(t, "2026-05-20")})
	wantCode(t, err, codes.Aborted, "RECONCILING")
	_, err = h.submit(colleague, &filingv1.SubmitDocumentRequest{Name: d.GetName()})
	wantCode(t, err, codes.Aborted, "RECONCILING")
	h.away(nil)
	got := h.drive(d.GetName())
	if got.GetState() != filingv1.Document_UNDER_REVIEW || got.GetSubmissionCount() != 1 || len(h.next.rounds) != 1 || got.GetVersionDigest() != d.GetVersionDigest() {
		t.Errorf("submitted %v in %d rounds", got, len(h.next.rounds))
	}
	again, err := h.submit(drafterCaller, in)
	must(t, err)
	if again.GetEtag() != got.GetEtag() {
		t.Error("the same request again changed the document")
	}
	page, err := h.client.ListDocumentHistory(h.as(drafterCaller), &filingv1.ListDocumentHistoryRequest{Parent: d.GetName(), PageSize: 100})
	must(t, err)
	last := page.GetHistory()[len(page.GetHistory())-1]
	if last.GetActor() != drafterCaller.Person || last.GetViaService() != "services/filing" || last.GetMethod() != submitMethod ||
		last.GetToState() != "UNDER_REVIEW" {
		t.Errorf("on record as %v", last)
	}
}

// What the review refuses once it can be asked ends the submission, on record, and
// the document goes on.
func TestSubmissionRefusedLater(t *testing.T) {
	h := newHouse(t)
	d := h.ready()
	_, err := h.submit(drafterCaller, &filingv1.SubmitDocumentRequest{Name: d.GetName()})
	must(t, err)
	h.away(unreachable)
	_, err = h.submit(drafterCaller, &filingv1.SubmitDocumentRequest{Name: d.GetName()})
	must(t, err)
	h.next.busy = true
	h.away(nil)
	got := h.drive(d.GetName())
	if got.GetReconciling() || got.GetIntent() != nil || got.GetSubmissionCount() != 1 || len(h.next.rounds) != 1 {
		t.Errorf("ended as %v", got)
	}
	if history := h.history(d.GetName()); !slices.Contains(history, "SubmitDocument OUTCOME_REFUSED [REVIEW_IN_PROGRESS]") {
		t.Errorf("history %v", history)
	}
	_, err = h.sendDraft(drafterCaller, &filingv1.RevisionUpload{Parent: d.GetName(), Filename: "b.txt"}, []byte(suspectText))
	must(t, err)
}

// While the verdict cannot be certified the meeting waits; the gate decides when it
// can be.
func TestDeliberateWhileTheReviewIsAway(t *testing.T) {
	for name, tt := range map[string]struct {
		meanwhile func(h *house)
		state     filingv1.Document_State
		refused   string
		withdrawn int
	}{
		"nothing": {func(*house) {}, filingv1.Document_DELIBERATED, "", 0},
		"an adverse conclusion": {func(h *house) {
			h.next.verdict = &counselv1.Verdict{Standing: counselv1.Verdict_ADVERSE, Etag: "v2", CounselVerdicts: h.next.verdict.GetCounselVerdicts()}
		}, filingv1.Document_UNDER_REVIEW, "LEGALITY_ADVERSE", 1},
		"the day of the meeting": {func(h *house) { h.now = h.now.AddDate(0, 0, 9) }, filingv1.Document_UNDER_REVIEW, "MEETING_PAST", 1},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHouse(t)
			d := h.passable()
			h.next.between = func(context.Context) { h.away(unreachable) }
			got, err := h.deliberate(officeCaller, &filingv1.DeliberateDocumentRequest{Name: d.GetName(), MeetingDate: date(t, "2026-05-20"), RequestId: "m1"})
			must(t, err)
			if !got.GetReconciling() || got.GetDeliberation() != nil || got.GetState() != filingv1.Document_UNDER_REVIEW || len(h.next.certified) != 0 {
				t.Fatalf("waits as %v", got)
			}
			tt.meanwhile(h)
			h.away(nil)
			got = h.drive(d.GetName())
			standing := len(h.next.certified)
			if got.GetState() != tt.state || len(h.next.withdrawn) != tt.withdrawn || (standing == 1) != (tt.refused == "") {
				t.Errorf("ended as %v, certified %v, withdrawn %v", got, h.next.certified, h.next.withdrawn)
			}
			refusal := "DeliberateDocument OUTCOME_REFUSED [" + tt.refused + "]"
			if on := slices.Contains(h.history(d.GetName()), refusal); on != (tt.refused != "") {
				t.Errorf("history %v", h.history(d.GetName()))
			}
		})
	}
}

// A client that goes away does not take back what was accepted.
func TestDeliberateGivenUp(t *testing.T) {
	h := newHouse(t)
	d := h.passable()
	ctx, giveUp := context.WithCancel(h.as(officeCaller))
	h.next.between = func(ctx context.Context) {
		giveUp()
		<-ctx.Done()
	}
	_, err := h.client.DeliberateDocument(ctx, &filingv1.DeliberateDocumentRequest{Name: d.GetName(), MeetingDate: date(t, "2026-05-20")})
	if status.Code(err) != codes.Canceled {
		t.Fatalf("got %v", err)
	}
	if got := h.drive(d.GetName()); got.GetState() != filingv1.Document_DELIBERATED || len(h.next.certified) != 1 {
		t.Errorf("ended as %v, certified %v", got, h.next.certified)
	}
}

// What another service refuses for good, or cannot do for too long, is given up; an
// administrator finds it and has it tried again, or the same call does.
func TestGivenUpAndRetried(t *testing.T) {
	for name, tt := range map[string]struct {
		err    error
		giveUp time.Duration
		reason string
		again  func(h *house, i *corev1.Intent) error
	}{
		"refused for good, retried": {rpc.New(codes.PermissionDenied, "SERVICE_ONLY", "示例"), time.Hour, "SERVICE_ONLY", func(h *house, i *corev1.Intent) error {
			_, err := h.intents.RetryIntent(h.as(adminCaller), &corev1.RetryIntentRequest{Name: i.GetName(), Service: Service, RequestId: "r1"})
			return err
		}},
		"away for too long, submitted again": {unreachable, time.Nanosecond, "UNAVAILABLE", func(h *house, i *corev1.Intent) error {
			h.away(nil)
			_, err := h.submit(colleague, &filingv1.SubmitDocumentRequest{Name: intent.Subject(i.GetName())})
			return err
		}},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHouse(t)
			d := h.ready()
			h.giveUp = tt.giveUp
			h.away(unreachable)
			_, err := h.submit(drafterCaller, &filingv1.SubmitDocumentRequest{Name: d.GetName()})
			must(t, err)
			h.away(tt.err)
			h.now = h.now.Add(time.Minute)
			got := h.drive(d.GetName())
			i := got.GetIntent()
			if i.GetState() != corev1.Intent_FAILED || i.GetFailure().GetReason() != tt.reason || !got.GetReconciling() {
				t.Fatalf("given up as %v", i)
			}
			if listed := h.listed(""); len(listed) != 1 || listed[0].GetName() != i.GetName() || len(h.listed("state = OPEN")) != 0 {
				t.Errorf("listed %v", listed)
			}
			must(t, tt.again(h, i))
			h.away(nil)
			if got := h.drive(d.GetName()); got.GetState() != filingv1.Document_UNDER_REVIEW || len(h.next.rounds) != 1 {
				t.Errorf("ended as %v", got)
			}
			if listed := h.listed(""); len(listed) != 0 {
				t.Errorf("listed %v", listed)
			}
			_, err = h.intents.RetryIntent(h.as(adminCaller), &corev1.RetryIntentRequest{Name: i.GetName(), Service: Service})
			wantCode(t, err, codes.NotFound, "RESOURCE_NOT_FOUND")
		})
	}
}

var adminCaller = caller("admin", "it", corev1.Role_ROLE_SYSTEM_ADMINISTRATOR)

func (h *house) listed(filter string) []*corev1.Intent {
	h.t.Helper()
	page, err := h.intents.ListIntents(h.as(adminCaller), &corev1.ListIntentsRequest{Parent: region, Service: Service, Filter: filter})
	must(h.t, err)
	return page.GetIntents()
}

func TestIntentsAreTheAdministrators(t *testing.T) {
	h := newHouse(t)
	list := func(who auth.Caller, in *corev1.ListIntentsRequest) error {
		_, err := h.intents.ListIntents(h.as(who), in)
		return err
	}
	here := &corev1.ListIntentsRequest{Parent: region, Service: Service}
	wantCode(t, list(drafterCaller, here), codes.PermissionDenied, "ROLE_REQUIRED")
	wantCode(t, list(adminCaller, &corev1.ListIntentsRequest{Parent: "regions/120101", Service: Service}), codes.NotFound, "RESOURCE_NOT_FOUND")
	wantCode(t, list(adminCaller, &corev1.ListIntentsRequest{Parent: region, Service: "letters"}), codes.InvalidArgument, "service:SERVICE_UNKNOWN")
	err := list(adminCaller, &corev1.ListIntentsRequest{Parent: region, Service: Service, Filter: "state = LOST"})
	if status.Code(err) != codes.InvalidArgument || !strings.HasPrefix(reasonOf(err), "filter:") {
		t.Errorf("an unknown state: %v", err)
	}
	plan, err := docstore.Explain(t.Context(), h.server.documents, docstore.Query{
		Equal: map[string]any{intent.FieldState: corev1.Intent_OPEN}, Prefix: &docstore.Prefix{Field: docstore.FieldName, Value: region + "/"},
	})
	if err != nil || !strings.Contains(plan, "INDEX") {
		t.Errorf("plan %s, %v", plan, err)
	}
}
