package feed

import (
	"context"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"fashen/internal/auth"
	"fashen/internal/docstore"
	"fashen/internal/docstore/docstoretest"
	"fashen/internal/docstore/sqlite"
	"fashen/internal/journal"
	"fashen/internal/rpc"

	corev1 "fashen/gen/fashen/core/v1"
)

func TestTokens(t *testing.T) {
	issued := time.Date(2026, 5, 12, 1, 2, 3, 0, time.UTC)
	ts := tokens{key: []byte("one")}
	token := ts.seal("filing/regions/120105", 42, issued)
	for what, c := range map[string]struct {
		key, feed, token string
		now              time.Time
		want             string
	}{
		"good":                 {"one", "filing/regions/120105", token, issued, ""},
		"good for 90 days":     {"one", "filing/regions/120105", token, issued.Add(tokenLife), ""},
		"older":                {"one", "filing/regions/120105", token, issued.Add(tokenLife + time.Second), ReasonTokenExpired},
		"of another feed":      {"one", "filing/regions/120101", token, issued, ReasonTokenInvalid},
		"signed by another":    {"two", "filing/regions/120105", token, issued, ReasonTokenInvalid},
		"cut":                  {"one", "filing/regions/120105", token[:len(token)-2], issued, ReasonTokenInvalid},
		"empty but for a mac":  {"one", "filing/regions/120105", token[:20], issued, ReasonTokenInvalid},
		"not of this alphabet": {"one", "filing/regions/120105", "续传", issued, ReasonTokenInvalid},
	} {
		at, err := tokens{key: []byte(c.key)}.open(c.feed, c.token, c.now)
		if rpc.Reason(err) != c.want || err == nil && at != 42 {
			t.Errorf("%s: %d, %v", what, at, err)
		}
	}
}

func TestFilter(t *testing.T) {
	e := &corev1.Event{Type: "fashen.filing.SubmitDocument.done", Subject: "regions/120105/documents/a"}
	for what, c := range map[string]struct {
		filter
		want bool
	}{
		"none":               {filter{}, true},
		"the type":           {filter{types: []string{"x", e.GetType()}}, true},
		"another type":       {filter{types: []string{"fashen.filing.SubmitDocument"}}, false},
		"the resource":       {filter{resources: []string{e.GetSubject()}}, true},
		"its collection":     {filter{resources: []string{"regions/120105/documents/*"}}, true},
		"another collection": {filter{resources: []string{"regions/120105/cases/*"}}, false},
		"a beginning":        {filter{resources: []string{"regions/120105/documents/"}}, false},
		"one of both":        {filter{[]string{e.GetType()}, []string{"regions/120105/cases/*"}}, false},
	} {
		if got := c.match(e); got != c.want {
			t.Errorf("%s: %t", what, got)
		}
	}
}

func TestByAuditor(t *testing.T) {
	auditor := auth.Caller{Region: "regions/120105", Roles: []corev1.Role{corev1.Role_ROLE_SECURITY_AUDITOR}}
	for resource, want := range map[string]bool{
		"regions/120105/people/a": true, "regions/120105": true, "calendars/2026": true,
		"regions/120101/people/a": false, "credentials/a": false, "regions/1201051/people/a": false,
	} {
		if got := ByAuditor(auditor)(resource, nil); got != want {
			t.Errorf("%s: %t", resource, got)
		}
		if ByAuditor(auth.Caller{Region: "regions/120105"})(resource, []string{"regions/120105"}) {
			t.Errorf("%s is shown to one who is no auditor", resource)
		}
	}
}

// The window keeps the newest events; what it knows of viewers is looked up again
// once it is old; places before it are read from the store.
func TestHub(t *testing.T) {
	ctx := docstoretest.As(t.Context(), "people/zhang", "")
	engine, err := sqlite.Open(ctx, filepath.Join(t.TempDir(), "store.db"), sqlite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer engine.Close()
	papers, err := docstore.NewCollection[docstoretest.Paper](ctx, engine, docstoretest.PaperSpec, docstore.Options{New: docstoretest.V1.New})
	if err != nil {
		t.Fatal(err)
	}
	update := func(c docstore.Change) {
		t.Helper()
		_, _, err := papers.Update(ctx, "regions/1/papers/a", docstore.Precondition{}, func(docstoretest.Paper, docstore.Meta) (docstore.Change, error) { return c, nil })
		if err == nil {
			err = journal.NewDrainer(engine, journal.Options{}).Drain(ctx)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if _, _, err := papers.Create(ctx, docstoretest.V1.Paper("regions/1/papers/a", nil), docstore.Change{Grant: []string{"one"}}); err != nil {
		t.Fatal(err)
	}
	s := NewSource(Options{Service: "papers", Engine: engine, After: func(time.Duration) <-chan time.Time { return nil }})
	h := newHub(s, "regions/1", 0)
	for range 150 {
		update(docstore.Change{})
	}
	for h.advance(ctx) {
	}
	update(docstore.Change{Revoke: []string{"one"}, Grant: []string{"two"}}) // not read by the hub yet
	seen := func(after, want int64, viewer string) {
		t.Helper()
		events, _, err := h.next(ctx, after)
		if err != nil || len(events) == 0 || events[0].GetPosition() != want || !slices.Equal(events[0].viewers, []string{viewer}) {
			t.Errorf("after %d: %v, %v", after, events, err)
		}
	}
	seen(0, 1, "one")
	h.looks += 2
	seen(0, 1, "two")
	seen(150, 151, "two")
	_, changed, err := h.next(ctx, 151)
	if err != nil {
		t.Fatal(err)
	}
	h.advance(ctx)
	<-changed
	seen(151, 152, "two")
	update(docstore.Change{Revoke: []string{"two"}, Grant: []string{"one"}})
	h.advance(ctx)
	seen(0, 1, "one")
	update(docstore.Change{Revoke: []string{"one"}, Grant: []string{"two"}})
	h.window = h.window[100:]
	seen(10, 11, "two")
}

// A hub lives as long as somebody follows.
func TestHubEnds(t *testing.T) {
	engine, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "store.db"), sqlite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer engine.Close()
	s := NewSource(Options{Service: "papers", Engine: engine})
	var first *hub
	var leaves []func()
	for range 3 {
		h, head, leave, err := s.follow(context.Background(), "regions/1")
		if err != nil || head != 0 || first != nil && h != first {
			t.Fatalf("%p after %p, head %d, %v", h, first, head, err)
		}
		first, leaves = h, append(leaves, leave)
	}
	for i, leave := range leaves {
		if len(s.hubs) != 1 {
			t.Errorf("%d hubs after %d left", len(s.hubs), i)
		}
		leave()
	}
	if len(s.hubs) != 0 {
		t.Error("the hub stays")
	}
}
