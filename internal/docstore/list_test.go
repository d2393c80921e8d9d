package docstore

import (
	"context"
	"slices"
	"testing"

	filingv1 "fashen/gen/fashen/filing/v1"
	storagev1 "fashen/gen/fashen/storage/v1"
)

// steps is a table whose scans answer one after the other.
type steps struct {
	Table
	found []Found
	after []*Position
}

func (s *steps) Find(_ context.Context, p *Plan) (Found, error) {
	s.after = append(s.after, p.After)
	next := s.found[0]
	s.found = s.found[1:]
	return next, nil
}

// TestListEndsAtItsEnd: the engine says where a page ends and whether it is the
// last one, however many documents it has.
func TestListEndsAtItsEnd(t *testing.T) {
	record := func(name string) *Record {
		return &Record{Name: name, Envelope: &storagev1.Envelope{}, Body: &filingv1.Document{Name: name}}
	}
	at := func(name string) Position { return Position{Value: "", Name: name} }
	md := (&filingv1.Document{}).ProtoReflect().Descriptor()
	s, err := resolve(Spec{Name: "documents"}, md)
	if err != nil {
		t.Fatal(err)
	}
	out, err := outFieldsOf(md)
	if err != nil {
		t.Fatal(err)
	}
	table := &steps{found: []Found{
		{Records: []*Record{record("a")}, More: true, Last: at("b"), Examined: 3}, // b changed
		{More: true, Last: at("d"), Examined: 4},                                  // c and d did
		{Records: []*Record{record("e")}, More: true, Last: at("e"), Examined: 2}, // f is too long
		{Examined: 1}, // f is gone
	}}
	c := &collection[*filingv1.Document]{table: table, schema: s, out: out, tokens: newTokens(nil)}
	var names []string
	var examined []int
	for q := (Query{PageSize: 2}); ; {
		page, err := c.List(t.Context(), q)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range page.Items {
			names = append(names, d.GetName())
		}
		examined = append(examined, page.Examined)
		if q.PageToken = page.NextPageToken; q.PageToken == "" {
			break
		}
	}
	if !slices.Equal(names, []string{"a", "e"}) || !slices.Equal(examined, []int{3, 6, 1}) {
		t.Errorf("listed %v, examined %v", names, examined)
	}
	for i, want := range []string{"b", "d", "e"} {
		if got := table.after[i+1]; got == nil || got.Name != want {
			t.Errorf("scan %d goes on after %v, want %s", i+1, got, want)
		}
	}
}

func TestFits(t *testing.T) {
	p := &Plan{Limit: 3, MaxBytes: 10}
	for _, c := range []struct {
		documents, held, another int
		want                     bool
	}{
		{0, 0, 11, true}, {1, 4, 6, true}, {1, 4, 7, false}, {1, 11, 0, false}, {2, 2, 1, true}, {3, 3, 1, false},
	} {
		if got := p.Fits(c.documents, c.held, c.another); got != c.want {
			t.Errorf("%+v: %t", c, got)
		}
	}
}
