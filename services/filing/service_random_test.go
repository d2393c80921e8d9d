package filing

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/fieldmaskpb"

	counselv1 "fashen/gen/fashen/counsel/v1"
	filingv1 "fashen/gen/fashen/filing/v1"
	"fashen/internal/intent"
)

// faults lets calls to other services fail at random: before they are made, or after,
// so that their answer is lost.
type faults struct {
	mu   sync.Mutex
	r    *rand.Rand
	rate float64
}

func (f *faults) strikes() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.r.Float64() < f.rate
}

func (f *faults) set(rate float64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.rate = rate
}

func (f *faults) around(ctx context.Context, method string, request, reply any, conn *grpc.ClientConn, invoke grpc.UnaryInvoker, options ...grpc.CallOption) error {
	if f.strikes() {
		return status.Error(codes.Unavailable, "before the call")
	}
	if err := invoke(ctx, method, request, reply, conn, options...); err != nil {
		return err
	}
	if f.strikes() {
		return status.Error(codes.Unavailable, "the answer is lost")
	}
	return nil
}

// Whatever is asked for in whatever order, while calls fail and a driver is at work
// beside, document and review agree in the end.
func TestRandomCommandsAndFaults(t *testing.T) {
	for seed := range uint64(12) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			h := newHouse(t)
			d := h.passable()
			tick := make(chan time.Time)
			driver := intent.NewDriver(h.server.Intents(), intent.DriverOptions{
				Engine: h.engine, Holder: "test", Logger: h.log, After: func(time.Duration) <-chan time.Time { return tick },
			})
			h.faults = &faults{r: rand.New(rand.NewPCG(seed, 3)), rate: 0.3}
			driver.Start()
			r := rand.New(rand.NewPCG(seed, 2))
			for range 30 {
				h.random(r, d.GetName(), tick)
			}
			h.faults.set(0)
			must(t, driver.Close())
			h.agree(h.drive(d.GetName()))
		})
	}
}

// random asks for one thing; that it is refused, or fails, is no fault.
func (h *house) random(r *rand.Rand, name string, tick chan<- time.Time) {
	h.t.Helper()
	switch r.IntN(8) {
	case 0, 1:
		_, _ = h.submit(drafterCaller, &filingv1.SubmitDocumentRequest{Name: name, RequestId: fmt.Sprint("s", r.IntN(4))})
	case 2, 3:
		meeting := date(h.t, fmt.Sprintf("2026-05-2%d", r.IntN(2)))
		_, _ = h.deliberate(officeCaller, &filingv1.DeliberateDocumentRequest{Name: name, MeetingDate: meeting, RequestId: fmt.Sprint("m", r.IntN(4))})
	case 4:
		text := []string{sampleText, suspectText}[r.IntN(2)]
		_, _ = h.sendDraft(drafterCaller, &filingv1.RevisionUpload{Parent: name, Filename: "a.txt"}, []byte(text))
	case 5:
		_, _ = h.client.UpdateDocument(h.as(colleague), &filingv1.UpdateDocumentRequest{
			Document: &filingv1.Document{Name: name, Title: fmt.Sprintf("示例补贴办法（第%d稿）", r.IntN(9))}, UpdateMask: &fieldmaskpb.FieldMask{Paths: []string{"title"}},
		})
	case 6:
		h.review(r)
	case 7:
		select {
		case tick <- time.Now():
		default:
		}
	}
}

// review lets the review move on.
func (h *house) review(r *rand.Rand) {
	h.next.mu.Lock()
	defer h.next.mu.Unlock()
	v := &counselv1.Verdict{
		Case: region + "/cases/c1", Standing: counselv1.Verdict_PASSES, Etag: fmt.Sprint("v", r.Int()),
		CounselVerdicts: h.next.verdict.GetCounselVerdicts(),
	}
	if r.IntN(3) == 0 {
		v.Standing = counselv1.Verdict_ADVERSE
	}
	h.next.verdict, h.next.busy = v, r.IntN(2) == 0
}

// agree holds a document that waits for nothing against what the review has.
func (h *house) agree(d *filingv1.Document) {
	h.t.Helper()
	h.next.mu.Lock()
	defer h.next.mu.Unlock()
	var transitions []string
	for _, round := range h.next.rounds {
		if slices.Contains(transitions, round.GetTransition()) {
			h.t.Errorf("two rounds of %s", round.GetTransition())
		}
		transitions = append(transitions, round.GetTransition())
	}
	if d.GetReconciling() || int(d.GetSubmissionCount()) != len(h.next.rounds) {
		h.t.Errorf("submitted %d times, in %d rounds; waits %v", d.GetSubmissionCount(), len(h.next.rounds), d.GetReconciling())
	}
	var standing []string
	for _, c := range h.next.certified {
		withdrawn := slices.ContainsFunc(h.next.withdrawn, func(w *counselv1.WithdrawCertificateRequest) bool { return w.GetTransition() == c.GetTransition() })
		if !withdrawn {
			standing = append(standing, c.GetTransition())
		}
	}
	var want []string
	if d.GetState() == filingv1.Document_DELIBERATED {
		want = append(want, d.GetDeliberation().GetCertificate())
	}
	if !slices.Equal(standing, want) {
		h.t.Errorf("%v on certificates %v, of which stand %v", d.GetState(), want, standing)
	}
}
