package e2e

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"google.golang.org/protobuf/types/known/durationpb"

	corev1 "fashen/gen/fashen/core/v1"
	counselv1 "fashen/gen/fashen/counsel/v1"
	filingv1 "fashen/gen/fashen/filing/v1"
	"fashen/internal/app"
	"fashen/internal/journal"
)

// TestKill kills a process with SIGKILL at random, again and again, while a day's
// work goes on: what was acknowledged is there, each command took effect once,
// every feed is without gaps, who follows hears of each event once, and the
// record is whole. KILLS is the number of kills, 10 unless told; `make kill` asks
// for 200 amid 300 commands.
func TestKill(t *testing.T) {
	kills := 10
	if text := os.Getenv("KILLS"); text != "" {
		var err error
		if kills, err = strconv.Atoi(text); err != nil {
			t.Fatalf("KILLS: %v", err)
		}
	}
	for engine, configure := range engines() {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			k := newKilled(t, newProcess(t, configure(t), "2026-04-08"))
			k.day(t, kills)
			k.check(t)
		})
	}
}

// killed is a process under fire, its people, and what they were told.
type killed struct {
	process *process
	// worlds are the same people over either protocol.
	worlds []*world
	heard  []*listener

	mu sync.Mutex
	// acknowledged holds the method of each command by its request id.
	acknowledged map[string]string
	// more is told of each acknowledgement.
	more chan struct{}
}

func newKilled(t *testing.T, p *process) *killed {
	t.Helper()
	k := &killed{process: p, acknowledged: map[string]string{}, more: make(chan struct{}, 1)}
	if err := p.start(); err != nil {
		t.Fatal(err)
	}
	for _, protocol := range []string{"grpc", "rest"} {
		w := &world{
			client: lasting{process: p, protocol: protocol, acknowledged: k.acknowledge}, clock: &clock{now: time.Now().Add(p.served.Ahead)}, config: p.served.Config,
			tokens: map[string]token{}, codes: map[string]string{}, people: map[string]string{}, bureau: map[string]string{},
		}
		for _, i := range p.current().at.Codes {
			if w.people[i.Login] = i.Person; protocol == "grpc" {
				w.codes[i.Login] = i.Code
			}
		}
		w.learn(t)
		k.worlds = append(k.worlds, w)
	}
	k.acknowledged = map[string]string{} // the day begins
	for i, of := range []struct{ service, parent, login string }{
		{"filing", region, "drafter"}, {"counsel", region, "reviewer"}, {"directory", region, "secauditor"},
	} {
		k.heard = append(k.heard, listen(t, k.worlds[i%len(k.worlds)], of.login, &corev1.WatchRequest{
			Parent: of.parent, Service: of.service, FromStart: true, Heartbeat: durationpb.New(time.Second),
		}))
	}
	return k
}

func (k *killed) acknowledge(method, id string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.acknowledged[id] = method
	select {
	case k.more <- struct{}{}:
	default:
	}
}

func (k *killed) commands() int {
	k.mu.Lock()
	defer k.mu.Unlock()
	return len(k.acknowledged)
}

// A simple document takes 13 commands, one with counsel and the regulator 19.
const commandsOfTwo = 13 + 19

// day has four people's work done, of one and a half commands a kill, while the
// process is killed.
func (k *killed) day(t *testing.T, kills int) {
	t.Helper()
	const hands = 4
	k.worlds[0].retain(t, "counsel")
	for _, w := range k.worlds[1:] {
		w.retained = k.worlds[0].retained
	}
	documents := (kills*3/2 + commandsOfTwo - 1) / commandsOfTwo * 2
	done, over := make(chan error, 1), make(chan struct{})
	go func() { done <- k.kill(kills, documents/2*commandsOfTwo, over) }()
	t.Run("day", func(t *testing.T) {
		for hand := range hands {
			t.Run(fmt.Sprint(hand), func(t *testing.T) {
				t.Parallel()
				for i := hand; i < documents; i += hands {
					k.worlds[hand%2].pass(t, i%2 == 1)
				}
			})
		}
	})
	close(over)
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	t.Logf("%d commands acknowledged, %d kills", k.commands(), kills)
}

// pass brings a document from its draft to the meeting.
func (w *world) pass(t *testing.T, touches bool) {
	t.Helper()
	d, c := w.accepted(t, w.prepared(t, touches))
	if touches {
		w.assigned(t, c.GetName())
		w.opinion(t, "counsel", c.GetName(), counselv1.Conclusion_LAWFUL)
		w.competition(t, d.GetName(), d.GetRevisions()[0].GetName(), filingv1.CompetitionConclusion_COMPLIES)
	}
	w.conclude(t, c.GetName(), counselv1.Conclusion_LAWFUL)
	d, f := w.deliberate(t, "office", d.GetName(), "2026-05-12")
	if f != nil {
		t.Errorf("deliberate: %v", f)
		return
	}
	if d = w.driven(t, "office", d); d.GetState() != filingv1.Document_DELIBERATED {
		t.Errorf("the meeting: %v", d.GetState())
	}
}

// kill kills spread over the day, each at a random moment after commands went
// on; one of eight while the process is still starting. If it cannot start again,
// it tells why. When the day is over, it goes on without waiting.
func (k *killed) kill(kills, commands int, over <-chan struct{}) error {
	for n := range kills {
		for k.commands() < commands*9/10*n/kills {
			select {
			case <-k.more:
				continue
			case <-over:
			}
			break
		}
		<-time.After(rand.N(20 * time.Millisecond))
		k.process.end(true)
		if n%8 == 7 {
			if _, err := k.process.spawn(); err != nil {
				return err
			}
			<-time.After(rand.N(200 * time.Millisecond))
			k.process.end(true)
		}
		if err := k.process.start(); err != nil {
			return err
		}
	}
	return nil
}

// check stops the process in order, so that all is relayed, starts it once more
// and holds what it says against what was heard and acknowledged.
func (k *killed) check(t *testing.T) {
	t.Helper()
	k.process.end(false)
	err := app.Verify(t.Context(), k.process.served.Config, nil, func(service string, r journal.Report) {
		for _, p := range r.Problems {
			t.Errorf("verify %s: %v", service, p)
		}
		t.Logf("verify %s: %d documents, %d entries, %d files", service, r.Documents, r.Entries, r.Files)
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := k.process.start(); err != nil {
		t.Fatal(err)
	}
	effects := map[string]int{}
	for _, l := range k.heard {
		for _, e := range l.check(t) {
			// A call that is driven on after an answer left a step.
			if d := e.GetData(); d.GetOutcome() != corev1.Outcome_OUTCOME_REFUSED && d.GetRequestId() != "" {
				effects[d.GetMethod()+" "+d.GetRequestId()+" "+e.GetSubject()]++
				effects[d.GetRequestId()]++
			}
		}
	}
	for effect, n := range effects {
		if n > 1 && len(effect) > 30 {
			t.Errorf("%d times: %s", n, effect)
		}
	}
	for id, method := range k.acknowledged {
		if effects[id] == 0 {
			t.Errorf("%s %s was acknowledged and is not there", method, id)
		}
	}
}

// listener follows a feed through the ends of the process.
type listener struct {
	world *world
	login string
	in    *corev1.WatchRequest

	mu     sync.Mutex
	events []*corev1.Event
	failed *failure
	more   chan struct{}
}

func listen(t *testing.T, w *world, login string, in *corev1.WatchRequest) *listener {
	t.Helper()
	l := &listener{world: w, login: login, in: in, more: make(chan struct{}, 1)}
	ctx, stop := context.WithCancel(t.Context())
	next := w.watch(ctx, w.as(t, login), in)
	var done sync.WaitGroup
	done.Go(func() {
		for {
			m, f := next()
			if ctx.Err() != nil {
				return
			}
			l.mu.Lock()
			if e := m.GetEvent(); e != nil {
				l.events = append(l.events, e)
			}
			l.failed = f
			l.mu.Unlock()
			select {
			case l.more <- struct{}{}:
			default:
			}
			if f != nil {
				return
			}
		}
	})
	t.Cleanup(func() { stop(); done.Wait() })
	return l
}

func (l *listener) soFar() ([]*corev1.Event, *failure) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.events, l.failed
}

// check reads the feed from its start, which has no gaps, and looks whether the
// listener has heard the same, in the same order. It answers the events.
func (l *listener) check(t *testing.T) []*corev1.Event {
	t.Helper()
	var whole []*corev1.Event
	s := l.world.follow(t, l.login, l.in)
	for quiet := 0; quiet < 2; {
		m := s.message()
		if m.GetEvent() == nil {
			quiet++
			continue
		}
		quiet = 0
		whole = append(whole, m.GetEvent())
	}
	for i, e := range whole {
		if e.GetPosition() != int64(i+1) {
			t.Fatalf("%s: event %d has position %d", l.in.GetService(), i+1, e.GetPosition())
		}
	}
	heard := l.upTo(t, whole[len(whole)-1])
	for _, e := range whole {
		switch {
		case len(heard) > 0 && heard[0].GetId() == e.GetId():
			heard = heard[1:]
		case slices.Contains([]string{"DRAFT", "SIGNING"}, e.GetData().GetToState()) && strings.Contains(e.GetSubject(), "/opinions/"):
			// Nobody but its author sees an opinion that is not signed.
		default:
			t.Errorf("%s: %s, %s was not heard", l.in.GetService(), e.GetId(), e.GetType())
		}
	}
	for _, e := range heard {
		t.Errorf("%s: %s was heard again or out of order", l.in.GetService(), e.GetId())
	}
	t.Logf("%s: %d events, each heard once", l.in.GetService(), len(whole))
	return whole
}

// upTo is what was heard when the last event came.
func (l *listener) upTo(t *testing.T, last *corev1.Event) []*corev1.Event {
	t.Helper()
	over := time.After(patience)
	for {
		heard, f := l.soFar()
		switch {
		case f != nil:
			t.Fatalf("%s: %v", l.in.GetService(), f)
		case len(heard) > 0 && heard[len(heard)-1].GetId() == last.GetId():
			return heard
		}
		select {
		case <-l.more:
		case <-over:
			t.Fatalf("%s: %d events heard, and not %s", l.in.GetService(), len(heard), last.GetId())
		}
	}
}
