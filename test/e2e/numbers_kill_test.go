//go:build unix

package e2e

import (
	"fmt"
	"math/rand/v2"
	"path"
	"strings"
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc/codes"

	corev1 "fashen/gen/fashen/core/v1"
	counselv1 "fashen/gen/fashen/counsel/v1"
	"fashen/internal/app"
	"fashen/internal/journal"
)

// whole verifies the record of a world that is stopped.
func (w *world) whole(t *testing.T) {
	t.Helper()
	err := app.Verify(t.Context(), w.config, nil, func(service string, r journal.Report) {
		for _, p := range r.Problems {
			t.Errorf("%s: %v", service, p)
		}
	})
	if err != nil {
		t.Error(err)
	}
}

// A letter asks for the region's profile before it takes its number and again after:
// the process dies before and after both. What had its number by then keeps it, the
// next letter has the next, and whoever asks again completes it.
func TestLetterKilledAfterItsNumber(t *testing.T) {
	for engine, configure := range engines() {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			c := configure(t)
			withFonts(t)(&c)
			w := alone(t, c, "grpc", "2026-04-08")
			var opinions []string
			for range 5 {
				_, opinion := w.concluded(t)
				opinions = append(opinions, opinion)
			}
			token := w.as(t, "reviewer")
			w.stop(t)
			for i, opinion := range opinions[:4] {
				w.clock.later(time.Second)
				o := orders{Config: w.config, Now: w.clock.time(), Document: region, DieAt: i + 1}
				p := o.run(t)
				f := dialGRPC(t, p.address).call(t.Context(), token, letterService+"CreateLetter", letterFor(opinion), &counselv1.Letter{})
				if f == nil || f.code != codes.Unavailable {
					t.Fatalf("cut off at boundary %d: %v", i+1, f)
				}
				p.died(t)
			}
			w.start(t)
			w.reach(t, "grpc")
			var claimed []string
			for _, n := range w.numbers(t) {
				claimed = append(claimed, fmt.Sprint(n.GetText(), n.GetState(), " ", path.Base(n.GetSubject())))
			}
			if got, want := strings.Join(claimed, "; "), fmt.Sprintf("示例法审〔2026〕1号CLAIMED %s-1; 示例法审〔2026〕2号CLAIMED %s-1", path.Base(opinions[2]), path.Base(opinions[3])); got != want {
				t.Errorf("after the deaths: %s, want %s", got, want)
			}
			if n := len(w.letters(t, "reviewer")); n != 0 {
				t.Errorf("%d letters", n)
			}
			w.clock.day(t, "2026-04-09")
			for _, again := range []struct {
				opinion, number int
				day             string
			}{{4, 3, "2026-04-09"}, {0, 4, "2026-04-09"}, {3, 2, "2026-04-08"}, {2, 1, "2026-04-08"}, {1, 5, "2026-04-09"}} {
				l := w.letter(t, "reviewer2", "CreateLetter", letterFor(opinions[again.opinion]))
				if l.GetDocumentNumber() != fmt.Sprintf("示例法审〔2026〕%d号", again.number) || iso(l.GetIssueDate()) != again.day {
					t.Errorf("letter %d: %v", again.opinion, l)
				}
			}
			w.gapFree(t, 5)
			w.stop(t)
			w.whole(t)
		})
	}
}

// While people issue letters the process is killed at random, again and again: each
// letter has its number, and the register no gap.
func TestLettersUnderFire(t *testing.T) {
	for engine, configure := range engines() {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			c := configure(t)
			withFonts(t)(&c)
			k := newKilled(t, newProcess(t, c, "2026-04-08"))
			const letters = 16
			var opinions []string
			for i := range letters {
				_, opinion := k.worlds[i%2].concluded(t)
				opinions = append(opinions, opinion)
			}
			begun, over := k.commands(), make(chan struct{})
			var people sync.WaitGroup
			for i, w := range k.worlds {
				for _, login := range []string{"reviewer", "reviewer2"} {
					token := w.as(t, login)
					people.Go(func() {
						for _, at := range rand.Perm(letters) {
							if at%2 != i {
								continue
							}
							f := w.call(t.Context(), token, letterService+"CreateLetter", letterFor(opinions[at]), &counselv1.Letter{})
							if f != nil && f.reason != "LETTER_ISSUED" {
								t.Errorf("letter %d: %v", at, f)
							}
						}
					})
				}
			}
			go func() { people.Wait(); close(over) }()
			kills := 0
			for alive := true; alive; {
				select {
				case <-over:
					alive = false
				case <-time.After(300*time.Millisecond + rand.N(300*time.Millisecond)):
					kills++
					k.process.end(true)
					if err := k.process.start(); err != nil {
						t.Fatal(err)
					}
				}
			}
			numbers := k.worlds[0].gapFree(t, letters)
			for _, n := range numbers {
				if n.GetState() != corev1.RegisterNumber_ASSIGNED {
					t.Errorf("%v", n)
				}
			}
			t.Logf("%d letters acknowledged, %d kills", k.commands()-begun, kills)
			k.check(t)
		})
	}
}
