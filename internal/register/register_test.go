package register

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	corev1 "fashen/gen/fashen/core/v1"
	"fashen/internal/calendar"
	"fashen/internal/docstore"
	"fashen/internal/docstore/sqlite"
)

var viewers = []string{"regions/120105/roles/reviewer"}

const opinions2026 = "regions/120105/registers/review-opinion-2026"

func open(t *testing.T) *Register {
	t.Helper()
	engine, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "register.db"), sqlite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = engine.Close() })
	r, err := Open(t.Context(), engine, docstore.Options{Clock: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// writing is a context in which writes may be made.
func writing(t *testing.T) context.Context {
	t.Helper()
	return docstore.WithOrigin(t.Context(), docstore.Origin{Actor: "regions/120105/people/sample", Method: "/test/Claim", RequestID: "one"})
}

func claim(register, subject string) Claim {
	return Claim{
		Register: register, Subject: subject, Viewers: viewers, Date: calendar.Date{Year: 2026, Month: 3, Day: 5},
		Text: func(n int64) string { return fmt.Sprintf("示例法审〔2026〕%d号", n) },
	}
}

// numbers are the numbers of a register in the order of the list, by pages.
func numbers(t *testing.T, r *Register, register string) (out []*corev1.RegisterNumber) {
	t.Helper()
	token := ""
	for {
		page, next, err := r.List(t.Context(), register, viewers, 7, token)
		if err != nil {
			t.Fatal(err)
		}
		if out = append(out, page...); next == "" {
			return out
		}
		token = next
	}
}

func TestFiftyClaimsAtOnceLeaveNoGap(t *testing.T) {
	r := open(t)
	const claims = 50
	var all sync.WaitGroup
	got := make([]int64, claims)
	for i := range claims {
		all.Go(func() {
			// Every subject asks twice, as a client does that lost the answer.
			for range 2 {
				n, err := r.Claim(writing(t), claim(opinions2026, fmt.Sprintf("regions/120105/cases/a/letters/%d", i)))
				if err != nil {
					t.Error(err)
					return
				}
				if got[i] != 0 && got[i] != n.GetNumber() {
					t.Errorf("subject %d has %d and %d", i, got[i], n.GetNumber())
				}
				got[i] = n.GetNumber()
			}
		})
	}
	all.Wait()
	slices.Sort(got)
	for i, n := range got {
		if n != int64(i+1) {
			t.Fatalf("numbers %v", got)
		}
	}
	for i, n := range numbers(t, r, opinions2026) {
		if n.GetNumber() != int64(i+1) || n.GetText() != fmt.Sprintf("示例法审〔2026〕%d号", i+1) {
			t.Errorf("line %d of the register: %v", i, n)
		}
	}
}

func TestNumbersAreSeenByTheirViewersAlone(t *testing.T) {
	r := open(t)
	c := claim(opinions2026, "regions/120105/cases/a/letters/x")
	if _, err := r.Claim(writing(t), c); err != nil {
		t.Fatal(err)
	}
	if list := numbers(t, r, opinions2026); len(list) != 1 || list[0].GetSubject() != c.Subject {
		t.Errorf("for who may: %v", list)
	}
	if list, _, err := r.List(t.Context(), opinions2026, []string{"regions/120105/roles/drafter"}, 7, ""); err != nil || len(list) != 0 {
		t.Errorf("for others: %v, %v", list, err)
	}
	if _, err := r.Of(t.Context(), "regions/120105/cases/a/letters/z"); !errors.Is(err, docstore.ErrNotFound) {
		t.Errorf("the number of nothing: %v", err)
	}
}

func TestRegistersCountApart(t *testing.T) {
	r := open(t)
	for i, register := range []string{opinions2026, "regions/120105/registers/review-opinion-2027", "regions/120106/registers/review-opinion-2026"} {
		n, err := r.Claim(writing(t), claim(register, fmt.Sprintf("regions/120105/cases/a/letters/%d", i)))
		if err != nil || n.GetNumber() != 1 {
			t.Errorf("%s: %v, %v", register, n, err)
		}
	}
}
