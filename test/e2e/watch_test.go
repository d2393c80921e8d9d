package e2e

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/types/known/durationpb"

	corev1 "fashen/gen/fashen/core/v1"
	counselv1 "fashen/gen/fashen/counsel/v1"
	directoryv1 "fashen/gen/fashen/directory/v1"
	filingv1 "fashen/gen/fashen/filing/v1"
)

// watch is a stream of one persona.
type watch struct {
	t     *testing.T
	next  func() (*corev1.WatchResponse, *failure)
	close context.CancelFunc
	// token is the newest resume token.
	token string
}

// follow opens a watch on a service of the region; its first message is there.
func (w *world) follow(t *testing.T, login string, in *corev1.WatchRequest) *watch {
	t.Helper()
	if in.Parent == "" {
		in.Parent = region
	}
	if in.Heartbeat == nil {
		in.Heartbeat = durationpb.New(time.Second)
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	t.Cleanup(cancel)
	s := &watch{t: t, next: w.watch(ctx, w.as(t, login), in), close: cancel}
	if first := s.message(); first.GetHeartbeat() == nil {
		t.Fatalf("begins with %v", first)
	}
	return s
}

func (s *watch) message() *corev1.WatchResponse {
	s.t.Helper()
	m, f := s.next()
	if f != nil {
		s.t.Fatalf("watch: %v", f)
	}
	if m.GetResumeToken() == "" {
		s.t.Fatalf("no resume token in %v", m)
	}
	s.token = m.GetResumeToken()
	return m
}

// event is the next event; heartbeats are passed over.
func (s *watch) event() *corev1.Event {
	s.t.Helper()
	for {
		if e := s.message().GetEvent(); e != nil {
			return e
		}
	}
}

// until reads events up to the first of a type, and answers the types.
func (s *watch) until(eventType string) []string {
	s.t.Helper()
	for types := []string(nil); ; {
		types = append(types, s.event().GetType())
		if types[len(types)-1] == eventType {
			return types
		}
	}
}

// fails reads on until the stream ends, and answers why.
func (s *watch) fails() *failure {
	s.t.Helper()
	for {
		if _, f := s.next(); f != nil {
			return f
		}
	}
}

// quiet fails on an event before the next heartbeat but one: whatever was written
// before has been told by then.
func (s *watch) quiet() {
	s.t.Helper()
	for range 2 {
		if m := s.message(); m.GetEvent() != nil {
			s.t.Errorf("tells %s of %s", m.GetEvent().GetType(), m.GetEvent().GetSubject())
		}
	}
}

// What a bureau does is told in order, without gaps, refusals as well; after a
// break from where it stopped. A stranger is told nothing.
func TestWatchTellsInOrder(t *testing.T) {
	everywhere(t, "2026-05-12", func(t *testing.T, w *world) {
		all := w.follow(t, "drafter", &corev1.WatchRequest{Service: "filing"})
		stranger := w.follow(t, "drafter2", &corev1.WatchRequest{Service: "filing"})
		d, _ := w.accepted(t, w.prepared(t, true))
		if _, f := w.deliberate(t, "drafter", d.GetName(), "2026-05-13"); f == nil {
			t.Fatal("the meeting was not refused")
		}
		history := &filingv1.ListDocumentHistoryResponse{}
		w.must(t, "drafter", filingService+"ListDocumentHistory", &filingv1.ListDocumentHistoryRequest{Parent: d.GetName(), PageSize: 100}, history)
		var told []*corev1.Event
		for i := range history.GetHistory() {
			if i == 4 { // the connection breaks
				all.close()
				all = w.follow(t, "drafter", &corev1.WatchRequest{Service: "filing", ResumeToken: all.token})
			}
			told = append(told, all.event())
		}
		for i, e := range told {
			want := history.GetHistory()[i]
			if e.GetSubject() != d.GetName() || e.GetData().GetSequence() != want.GetSequence() || string(e.GetData().GetHash()) != string(want.GetHash()) {
				t.Errorf("event %d is %v, want entry %d", i, e, want.GetSequence())
			}
			if e.GetPosition() != told[0].GetPosition()+int64(i) {
				t.Errorf("event %d has position %d, the first %d", i, e.GetPosition(), told[0].GetPosition())
			}
		}
		first, last := told[0], told[len(told)-1]
		if first.GetSpecversion() != "1.0" || first.GetType() != "fashen.filing.CreateDocument.done" || first.GetSource() != "//fashen/filing/"+region ||
			first.GetId() != "filing/"+region+"/1" || !first.GetTime().AsTime().Equal(first.GetData().GetTime().AsTime()) {
			t.Errorf("attributes %v", first)
		}
		if last.GetType() != "fashen.filing.DeliberateDocument.refused" || !slices.Contains(last.GetData().GetReasons(), "LEGALITY_REVIEW_MISSING") {
			t.Errorf("the refusal is told as %v", last)
		}
		stranger.quiet()
		all.quiet()
		// From the start, and filtered.
		types := []string{"fashen.filing.SubmitDocument.done", "fashen.filing.DeliberateDocument.refused"}
		some := w.follow(t, "drafter", &corev1.WatchRequest{Service: "filing", FromStart: true, Types: types, Resources: []string{region + "/documents/*"}})
		for _, want := range types {
			if e := some.event(); e.GetType() != want {
				t.Errorf("tells %s, want %s", e.GetType(), want)
			}
		}
		other := w.follow(t, "drafter", &corev1.WatchRequest{Service: "filing", FromStart: true, Resources: []string{region + "/documents/none"}})
		other.quiet()
		// A heartbeat's token is past what was not told.
		w.follow(t, "drafter", &corev1.WatchRequest{Service: "filing", ResumeToken: other.token}).quiet()
	})
}

// Counsel hears of a matter once it is assigned, without its journal.
func TestWatchCounsel(t *testing.T) {
	everywhere(t, "2026-05-12", func(t *testing.T, w *world) {
		d, c := w.accepted(t, w.prepared(t, true))
		s := w.follow(t, "counsel", &corev1.WatchRequest{Service: "filing"})
		w.document(t, "drafter", "UpdateDocument", &filingv1.UpdateDocumentRequest{
			Document: &filingv1.Document{Name: d.GetName(), Title: "示例区见习补贴办法"}, UpdateMask: fields("title"),
		})
		s.quiet()
		w.assigned(t, c.GetName())
		e := s.event()
		if e.GetSubject() != d.GetName() || e.GetType() != "fashen.filing.SetDocumentViewer.done" || e.GetData() != nil || e.GetDatacontenttype() != "" {
			t.Errorf("tells %v", e)
		}
		cases := w.follow(t, "reviewer", &corev1.WatchRequest{Service: "counsel", FromStart: true, Resources: []string{c.GetName()}})
		w.conclude(t, c.GetName(), counselv1.Conclusion_LAWFUL)
		if types := cases.until("fashen.counsel.ConcludeCase.done"); types[0] != "fashen.counsel.OpenCase.done" {
			t.Errorf("the case begins with %v", types)
		}
	})
}

// The directory's events are for the auditor, all of a region without gaps; the
// global feed likewise, and nobody reads credentials.
func TestWatchDirectory(t *testing.T) {
	everywhere(t, "2026-05-12", func(t *testing.T, w *world) {
		s := w.follow(t, "secauditor", &corev1.WatchRequest{Service: "directory", FromStart: true})
		for want := int64(1); want <= 10; want++ {
			if e := s.event(); e.GetPosition() != want || !strings.HasPrefix(e.GetSubject(), region) || e.GetData() == nil {
				t.Errorf("position %d: %v", want, e)
			}
		}
		global := w.follow(t, "secauditor", &corev1.WatchRequest{Parent: "global", Service: "directory", FromStart: true})
		for m := global.message(); m.GetHeartbeat() == nil; m = global.message() {
			if e := m.GetEvent(); !strings.HasPrefix(e.GetSubject(), "calendars/") || e.GetSource() != "//fashen/directory/global" {
				t.Errorf("the global feed tells %v", e)
			}
		}
		for _, parent := range []string{region, "global"} {
			w.follow(t, "sysadmin", &corev1.WatchRequest{Parent: parent, Service: "directory", FromStart: true}).quiet()
		}
	})
}

func TestWatchRefusals(t *testing.T) {
	everywhere(t, "2026-05-12", func(t *testing.T, w *world) {
		s := w.follow(t, "drafter", &corev1.WatchRequest{Service: "filing"})
		old := s.token
		refused := func(what string, in *corev1.WatchRequest, code codes.Code, reason string) {
			t.Helper()
			ctx, cancel := context.WithTimeout(t.Context(), patience)
			defer cancel()
			if in.Parent == "" {
				in.Parent = region
			}
			if _, f := w.watch(ctx, w.as(t, "drafter"), in)(); f == nil || f.code != code || f.reason != reason {
				t.Errorf("%s: %v", what, f)
			}
		}
		refused("a damaged token", &corev1.WatchRequest{Service: "filing", ResumeToken: other(old[0]) + old[1:]}, codes.InvalidArgument, "RESUME_TOKEN_INVALID")
		refused("no token", &corev1.WatchRequest{Service: "filing", ResumeToken: "!"}, codes.InvalidArgument, "RESUME_TOKEN_INVALID")
		refused("the token of another service", &corev1.WatchRequest{Service: "counsel", ResumeToken: old}, codes.InvalidArgument, "RESUME_TOKEN_INVALID")
		refused("the token of another feed", &corev1.WatchRequest{Parent: "global", Service: "filing", ResumeToken: old}, codes.InvalidArgument, "RESUME_TOKEN_INVALID")
		refused("another region", &corev1.WatchRequest{Parent: elsewhere, Service: "filing"}, codes.NotFound, "RESOURCE_NOT_FOUND")
		refused("an unknown service", &corev1.WatchRequest{Service: "none"}, codes.InvalidArgument, "SERVICE_UNKNOWN")
		refused("a star in the middle", &corev1.WatchRequest{Service: "filing", Resources: []string{"regions/*/documents"}}, codes.InvalidArgument, "RESOURCE_PATTERN_INVALID")
		// Each process counts for itself.
		for opened := 1; ; opened++ {
			_, f := w.watch(t.Context(), w.as(t, "drafter"), &corev1.WatchRequest{Parent: region, Service: "filing"})()
			switch {
			case f == nil && opened < 16*max(1, w.replicas):
				continue
			case f == nil || opened < 16 || f.code != codes.ResourceExhausted || f.reason != "TOO_MANY_WATCHES":
				t.Errorf("with %d open: %v", opened, f)
			}
			break
		}
	})
}

// other is a letter that is not the one given.
func other(letter byte) string {
	if letter == 'x' {
		return "y"
	}
	return "x"
}

// A resume token is good for 90 days.
func TestWatchTokenAge(t *testing.T) {
	everywhere(t, "2026-05-12", func(t *testing.T, w *world) {
		s := w.follow(t, "drafter", &corev1.WatchRequest{Service: "filing"})
		token := s.token
		s.close()
		w.clock.day(t, "2026-08-09")
		w.follow(t, "drafter", &corev1.WatchRequest{Service: "filing", ResumeToken: token}).close()
		w.clock.day(t, "2026-08-11")
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		defer cancel()
		_, f := w.watch(ctx, w.as(t, "drafter"), &corev1.WatchRequest{Parent: region, Service: "filing", ResumeToken: token})()
		if f == nil || f.code != codes.OutOfRange || f.reason != "RESUME_TOKEN_EXPIRED" {
			t.Errorf("got %v", f)
		}
	})
}

// A watch ends with its session, with its token, and with the process.
func TestWatchEnds(t *testing.T) {
	everywhere(t, "2026-05-12", func(t *testing.T, w *world) {
		s := w.follow(t, "reviewer", &corev1.WatchRequest{Service: "filing"})
		w.must(t, "reviewer", sessionService+"SignOut", &directoryv1.SignOutRequest{}, &directoryv1.SignOutResponse{})
		if f := s.fails(); f.code != codes.Unauthenticated || f.reason != "TOKEN_REVOKED" {
			t.Errorf("after signing out: %v", f)
		}
		s = w.follow(t, "office", &corev1.WatchRequest{Service: "filing"})
		w.clock.day(t, "2026-05-13")
		if f := s.fails(); f.code != codes.Unauthenticated || f.reason != "TOKEN_EXPIRED" {
			t.Errorf("after the token's time: %v", f)
		}
		s = w.follow(t, "drafter", &corev1.WatchRequest{Service: "filing"})
		w.stop(t)
		if f := s.fails(); f.code != codes.Unavailable || f.reason != "UNAVAILABLE" {
			t.Errorf("after the process: %v", f)
		}
	})
}

// A system follows with its key what the key is good for, until it is revoked.
func TestWatchWithAKey(t *testing.T) {
	everywhere(t, "2026-05-12", func(t *testing.T, w *world) {
		key := w.keyFor(t, w.connect(t, labour), "filing")
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		defer cancel()
		next := w.watch(ctx, key.GetToken(), &corev1.WatchRequest{Parent: region, Service: "filing"})
		s := &watch{t: t, next: next}
		s.message()
		d := w.newDocument(t, false)
		if e := s.event(); e.GetSubject() != d.GetName() || e.GetData() == nil {
			t.Errorf("told %v", e)
		}
		if _, f := w.watch(ctx, key.GetToken(), &corev1.WatchRequest{Parent: region, Service: "counsel"})(); f == nil || f.reason != "API_KEY_SCOPE" {
			t.Errorf("out of scope: %v", f)
		}
		w.must(t, "secadmin", systemService+"RevokeApiKey", &directoryv1.RevokeApiKeyRequest{Name: key.GetName()}, &directoryv1.ApiKey{})
		if f := s.fails(); f.code != codes.Unauthenticated || f.reason != "TOKEN_REVOKED" {
			t.Errorf("after the revocation: %v", f)
		}
	})
}
