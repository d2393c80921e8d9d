package docstoretest

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	"fashen/internal/docstore"
	"fashen/internal/journal"
)

const paperB = "regions/120105/papers/b"

func testRequests(t *testing.T, open Opener) {
	cases := map[string]func(f *fixture){
		"Create":         createRequest,
		"CreateReused":   createReused,
		"Update":         updateRequest,
		"Reused":         requestReused,
		"OtherCaller":    otherCaller,
		"InPlaceOf":      inPlaceOf,
		"RefusedOnce":    refusedOnce,
		"SeveralWrites":  severalWrites,
		"Expiry":         requestExpiry,
		"CreateForever":  createForever,
		"NothingToDo":    nothingToDo,
		"RacingRequests": racingRequests,
	}
	for name, run := range cases {
		t.Run(name, func(t *testing.T) {
			t.Run("Waiting", func(t *testing.T) { run(newFixture(t, open)) })
			t.Run("Drained", func(t *testing.T) {
				f := newFixture(t, open)
				f.drained = true
				run(f)
			})
		})
	}
}

// settle drains the journal where the case is run so.
func (f *fixture) settle() {
	f.t.Helper()
	if f.drained {
		f.ok("drain", journal.NewDrainer(f.engine, journal.Options{}).Drain(f.ctx))
	}
}

func createRequest(f *fixture) {
	ctx := As(f.ctx, "people/zhang", "r1", "body")
	made, meta, err := f.papers.Create(ctx, V1.Paper(paperA, map[string]any{"title": "one"}), docstore.Change{})
	f.ok("create", err)
	f.settle()
	for range 2 { // the server gives another id each time
		again, againMeta, err := f.papers.Create(ctx, V1.Paper(paperB, map[string]any{"title": "one"}), docstore.Change{})
		f.ok("create again", err)
		if !proto.Equal(made, again) || !againMeta.Replayed || againMeta.Etag != meta.Etag {
			f.t.Errorf("first %v, again %v %+v", made, again, againMeta)
		}
	}
	_, _, err = f.papers.Get(f.ctx, paperB)
	f.want("get", err, docstore.ErrNotFound)
	if n := len(f.history(paperA)); n != 1 {
		f.t.Errorf("%d entries", n)
	}
}

func createReused(f *fixture) {
	_, _, err := f.papers.Create(As(f.ctx, "people/zhang", "r1", "body"), V1.Paper(paperA, nil), docstore.Change{})
	f.ok("create", err)
	f.settle()
	_, _, err = f.papers.Create(As(f.ctx, "people/zhang", "r1", "other body"), V1.Paper(paperB, nil), docstore.Change{})
	f.want("create another", err, docstore.ErrRequestReused)
	_, _, err = f.papers.Update(As(f.ctx, "people/zhang", "r1", "third body"), paperA, docstore.Precondition{}, set("title", "x"))
	f.want("update", err, docstore.ErrRequestReused)
}

func updateRequest(f *fixture) {
	f.create(paperA, nil)
	ctx := As(f.ctx, "people/zhang", "r1", "body")
	runs := 0
	do := func(m Paper, _ docstore.Meta) (docstore.Change, error) {
		runs++
		Set(m, "title", fmt.Sprint("run ", runs))
		return docstore.Change{}, nil
	}
	_, meta, err := f.papers.Update(ctx, paperA, docstore.Precondition{}, do)
	f.ok("update", err)
	f.settle()
	_, _, err = f.papers.Update(f.ctx, paperA, docstore.Precondition{}, set("unit", "changed since"))
	f.ok("another update", err)
	f.settle()
	m, again, err := f.papers.Update(ctx, paperA, docstore.Precondition{Etag: "stale by now"}, do)
	f.ok("update again", err)
	if runs != 1 || !again.Replayed || again.Etag == meta.Etag || Text(m, "unit") != "changed since" || Text(m, "title") != "run 1" {
		f.t.Errorf("the rule ran %d times; %v %+v", runs, m, again)
	}
}

func requestReused(f *fixture) {
	f.create(paperA, nil)
	f.create(paperB, nil)
	_, _, err := f.papers.Update(As(f.ctx, "people/zhang", "r1", "body"), paperA, docstore.Precondition{}, set("title", "x"))
	f.ok("update", err)
	f.settle()
	_, _, err = f.papers.Update(As(f.ctx, "people/zhang", "r1", "other"), paperA, docstore.Precondition{}, set("title", "y"))
	f.want("another body", err, docstore.ErrRequestReused)
	o, _ := docstore.OriginFrom(As(f.ctx, "people/zhang", "r1", "body"))
	o.Method = "/docstoretest.Papers/Other"
	_, _, err = f.papers.Update(docstore.WithOrigin(f.ctx, o), paperA, docstore.Precondition{}, set("title", "y"))
	f.want("another method", err, docstore.ErrRequestReused)
	if !f.drained {
		return // only the log is looked up across documents
	}
	_, _, err = f.papers.Update(As(f.ctx, "people/zhang", "r1", "other"), paperB, docstore.Precondition{}, set("title", "y"))
	f.want("another document and body", err, docstore.ErrRequestReused)
	_, _, err = f.papers.Create(As(f.ctx, "people/zhang", "r1", "other"), V1.Paper("regions/120105/papers/c", nil), docstore.Change{})
	f.want("create with another body", err, docstore.ErrRequestReused)
}

func otherCaller(f *fixture) {
	f.create(paperA, nil)
	for _, who := range []string{"people/zhang", "people/li"} {
		_, meta, err := f.papers.Update(As(f.ctx, who, "r1", who), paperA, docstore.Precondition{}, set("title", who))
		f.ok("update", err)
		f.settle()
		if meta.Replayed {
			f.t.Error("another caller's request id was taken")
		}
	}
	if n := len(f.history(paperA)); n != 3 {
		f.t.Errorf("%d entries", n)
	}
}

// What somebody asks for in another's place is no repetition of what they asked for
// themselves.
func inPlaceOf(f *fixture) {
	f.create(paperA, nil)
	ctx := As(f.ctx, "people/zhang", "r1", "body")
	_, _, err := f.papers.Update(ctx, paperA, docstore.Precondition{}, set("title", "x"))
	f.ok("update", err)
	f.settle()
	o, _ := docstore.OriginFrom(ctx)
	o.OnBehalfOf = "people/li"
	_, _, err = f.papers.Update(docstore.WithOrigin(f.ctx, o), paperA, docstore.Precondition{}, set("title", "x"))
	f.want("the same in another's place", err, docstore.ErrRequestReused)
	o.RequestID = "r2"
	_, _, err = f.papers.Update(docstore.WithOrigin(f.ctx, o), paperA, docstore.Precondition{}, set("title", "x"))
	f.ok("update in another's place", err)
	f.settle()
	if last := f.history(paperA)[2]; last.GetActor() != "people/zhang" || last.GetOnBehalfOf() != "people/li" {
		f.t.Errorf("on record is %s for %s", last.GetActor(), last.GetOnBehalfOf())
	}
}

func refusedOnce(f *fixture) {
	f.create(paperA, nil)
	ctx := As(f.ctx, "people/zhang", "r1", "body")
	cause := errors.New("refused")
	refuse := func(reason string) func(Paper, docstore.Meta) (docstore.Change, error) {
		return func(Paper, docstore.Meta) (docstore.Change, error) {
			return docstore.Change{}, &docstore.Refusal{Reasons: []string{reason}, Err: cause}
		}
	}
	for i, step := range []struct {
		ctx     string
		reason  string
		entries int
	}{
		{"same", "A", 2}, {"same", "A", 2}, {"same", "B", 3}, {"same", "A", 3}, {"none", "A", 4}, {"none", "A", 5},
	} {
		c := ctx
		if step.ctx == "none" {
			c = f.ctx
		}
		_, _, err := f.papers.Update(c, paperA, docstore.Precondition{}, refuse(step.reason))
		f.want("refused update", err, cause)
		f.settle()
		if n := len(f.history(paperA)); n != step.entries {
			f.t.Errorf("step %d: %d entries, want %d", i, n, step.entries)
		}
	}
	// What was refused was not made: the same request may succeed later.
	_, meta, err := f.papers.Update(ctx, paperA, docstore.Precondition{}, set("title", "x"))
	f.ok("update", err)
	if meta.Replayed || meta.Revision != 2 {
		f.t.Errorf("meta %+v", meta)
	}
}

func severalWrites(f *fixture) {
	ctx := As(f.ctx, "people/zhang", "r1", "body")
	f.create(paperA, nil)
	f.create(paperB, nil)
	for _, name := range []string{paperA, paperB} {
		_, meta, err := f.papers.Update(ctx, name, docstore.Precondition{}, set("title", "x"))
		f.ok("update", err)
		f.settle()
		if meta.Replayed || meta.Revision != 2 {
			f.t.Errorf("%s: %+v", name, meta)
		}
	}
	for _, step := range []string{"c", "d"} {
		_, meta, err := f.papers.Create(docstore.WithStep(ctx, step), V1.Paper("regions/120105/papers/"+step, nil), docstore.Change{})
		f.ok("create a step", err)
		if meta.Replayed {
			f.t.Error("a step was taken for another")
		}
	}
}

func requestExpiry(f *fixture) {
	f.create(paperA, nil)
	ctx := As(f.ctx, "people/zhang", "r1", "body")
	for i, wait := range []time.Duration{0, 89 * 24 * time.Hour, 91 * 24 * time.Hour} {
		f.clock.Advance(wait)
		_, meta, err := f.papers.Update(ctx, paperA, docstore.Precondition{}, set("title", fmt.Sprint(i)))
		f.ok("update", err)
		f.settle()
		if meta.Replayed != (i == 1) {
			f.t.Errorf("after %v: replayed %v", wait, meta.Replayed)
		}
	}
}

func createForever(f *fixture) {
	ctx := As(f.ctx, "people/zhang", "r1", "body")
	_, _, err := f.papers.Create(ctx, V1.Paper(paperA, nil), docstore.Change{})
	f.ok("create", err)
	f.settle()
	f.clock.Advance(400 * 24 * time.Hour)
	_, meta, err := f.papers.Create(ctx, V1.Paper(paperB, nil), docstore.Change{})
	f.ok("create again", err)
	if !meta.Replayed {
		f.t.Error("a request made two documents")
	}
}

func nothingToDo(f *fixture) {
	_, first := f.create(paperA, nil)
	_, meta, err := f.papers.Update(As(f.ctx, "people/zhang", "r1", "x"), paperA, docstore.Precondition{},
		func(Paper, docstore.Meta) (docstore.Change, error) { return docstore.Change{}, docstore.ErrUnchanged })
	f.ok("update", err)
	f.settle()
	if meta.Etag != first.Etag || len(f.history(paperA)) != 1 {
		f.t.Errorf("nothing to do left something: %+v", meta)
	}
}

func racingRequests(f *fixture) {
	const callers = 8
	made := make([]string, callers)
	f.parallel(callers, func(i int) error {
		m, _, err := f.papers.Create(As(f.ctx, "people/zhang", "r1", "body"), V1.Paper(fmt.Sprint("regions/120105/papers/", i), nil), docstore.Change{})
		if err == nil {
			made[i] = Text(m, "name")
		}
		return err
	})
	for _, name := range made {
		if name != made[0] {
			f.t.Errorf("one request made %v", made)
		}
	}
	_, err := f.papers.List(f.ctx, docstore.Query{})
	f.ok("list", err)
	f.parallel(callers, func(i int) error {
		_, _, err := f.papers.Update(As(f.ctx, "people/zhang", "r2", "body"), made[0], docstore.Precondition{}, set("title", fmt.Sprint(i)))
		return err
	})
	if n := len(f.history(made[0])); n != 2 {
		f.t.Errorf("%d entries", n)
	}
}
