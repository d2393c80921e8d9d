package docstoretest

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"testing"

	"fashen/internal/docstore"
	"fashen/internal/journal"

	corev1 "fashen/gen/fashen/core/v1"
)

// acknowledged begins each line that the child of a crash test prints.
const acknowledged = "ACK "

// WriteUntilKilled is the child of a crash test: it writes documents, several
// at a time, with their entries drained in between, and prints each write once
// it is acknowledged, until writes of them are. With 0 it only ends by force.
func WriteUntilKilled(ctx context.Context, e docstore.Engine, out io.Writer, writers, writes int) error {
	ctx = As(ctx, "people/zhang", "")
	d := journal.NewDrainer(e, journal.Options{})
	papers, err := docstore.NewCollection[Paper](ctx, e, PaperSpec, docstore.Options{New: V1.New, Wrote: d.Wake})
	if err != nil {
		return err
	}
	if writes == 0 {
		d.Start()
	}
	var printing sync.Mutex
	say := func(meta docstore.Meta, name string) {
		printing.Lock()
		defer printing.Unlock()
		_, _ = fmt.Fprintf(out, "%s%s %d\n", acknowledged, name, meta.Revision)
	}
	failed := make(chan error, writers)
	for w := range writers {
		go func() {
			for i := 0; writes == 0 || i < writes; i++ {
				name := fmt.Sprintf("regions/120105/papers/%d-%05d", w, i)
				_, meta, err := papers.Create(ctx, V1.Paper(name, map[string]any{"unit": name, "number": "1"}), docstore.Change{Grant: []string{"people/li"}})
				if err == nil {
					say(meta, name)
					_, meta, err = papers.Update(ctx, name, docstore.Precondition{}, set("title", "changed "+name))
				}
				if err != nil {
					failed <- err
					return
				}
				say(meta, name)
			}
			failed <- nil
		}()
	}
	for range writers {
		if err := <-failed; err != nil {
			return err
		}
	}
	return nil
}

// Crash runs child, which is to call WriteUntilKilled with its standard
// output, kills it amid its writes, and opens the store again: every write
// that was acknowledged is there, and the whole store is in order.
func Crash(t *testing.T, child *exec.Cmd, reopen func() docstore.Engine) {
	t.Helper()
	const enough = 300
	stdout, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	revisions := map[string]int64{}
	acks := 0
	for lines := bufio.NewScanner(stdout); lines.Scan(); {
		name, revision, ok := acknowledgement(lines.Text())
		if !ok {
			continue
		}
		revisions[name] = max(revisions[name], revision)
		if acks++; acks == enough {
			if err := child.Process.Kill(); err != nil {
				t.Fatal(err)
			}
		}
	}
	_ = child.Wait() // it was killed
	if acks < enough {
		t.Fatalf("the child ended by itself after %d writes", acks)
	}
	f := &fixture{t: t, engine: reopen(), clock: NewClock(), ctx: As(t.Context(), "people/zhang", "")}
	f.papers = f.collection(V1)
	for name, revision := range revisions {
		if _, meta := f.get(name); meta.Revision < revision {
			t.Errorf("%s: revision %d was acknowledged, %d is there", name, revision, meta.Revision)
		}
	}
	f.ok("drain", journal.NewDrainer(f.engine, journal.Options{}).Drain(f.ctx))
	if report := f.verified(); report.Documents < int64(len(revisions)) {
		t.Errorf("%d documents, %d were acknowledged", report.Documents, len(revisions))
	}
	f.feed("regions/120105")
	listed := len(f.all(docstore.Query{AnyOf: &docstore.AnyOf{Field: docstore.FieldViewers, Values: []string{"people/li"}}, PageSize: 1000}))
	if whole := len(f.all(docstore.Query{PageSize: 1000})); listed != whole {
		t.Errorf("%d documents, %d by their viewer", whole, listed)
	}
}

func acknowledgement(line string) (name string, revision int64, ok bool) {
	rest, ok := strings.CutPrefix(line, acknowledged)
	if !ok {
		return "", 0, false
	}
	name, number, ok := strings.Cut(rest, " ")
	if !ok {
		return "", 0, false
	}
	revision, err := strconv.ParseInt(number, 10, 64)
	return name, revision, err == nil
}

// RelayUntilKilled is the child of a crash test of the relay: it writes documents,
// and kills itself as their entries are relayed: when `after` of them are in the
// log, and none has left its envelope.
func RelayUntilKilled(ctx context.Context, e docstore.Engine, after int) error {
	ctx = As(ctx, "people/zhang", "")
	papers, err := docstore.NewCollection[Paper](ctx, e, PaperSpec, docstore.Options{New: V1.New})
	if err != nil {
		return err
	}
	for i := range relayed / 2 {
		name := fmt.Sprintf("regions/120105/papers/%d-%d", after, i)
		if _, _, err = papers.Create(ctx, V1.Paper(name, nil), docstore.Change{}); err == nil {
			_, _, err = papers.Update(ctx, name, docstore.Precondition{}, set("title", "changed"))
		}
		if err != nil {
			return err
		}
	}
	err = journal.NewDrainer(mortal{e, after}, journal.Options{}).Drain(ctx)
	return fmt.Errorf("the relay was not killed: %w", err)
}

// relayed is how many entries each child of CrashOfRelay writes.
const relayed = 10

// CrashOfRelay has the processes of a store die as they relay, each at another
// place and each finding what the one before left: in the end every entry is in
// the feed once. child is to call RelayUntilKilled.
func CrashOfRelay(t *testing.T, child func(after int) *exec.Cmd, reopen func() docstore.Engine) {
	t.Helper()
	places := []int{0, 1, 7, relayed, 3 * relayed, 5 * relayed}
	for _, after := range places {
		out, err := child(after).CombinedOutput()
		if exit := (*exec.ExitError)(nil); !errors.As(err, &exit) || exit.ExitCode() != -1 {
			t.Fatalf("the child that was to die after %d entries: %v\n%s", after, err, out)
		}
	}
	f := &fixture{t: t, engine: reopen(), clock: NewClock(), ctx: As(t.Context(), "people/zhang", "")}
	f.papers = f.collection(V1)
	f.ok("drain", journal.NewDrainer(f.engine, journal.Options{}).Drain(f.ctx))
	if got, want := len(f.feed("regions/120105")), relayed*len(places); got != want {
		t.Errorf("%d entries in the feed, want %d", got, want)
	}
	f.verified()
}

// mortal is an engine whose log ends the process by force after some entries.
type mortal struct {
	docstore.Engine
	after int
}

func (m mortal) Log() docstore.Log { return mortalLog{m.Engine.Log(), m.after} }

type mortalLog struct {
	docstore.Log
	after int
}

func (m mortalLog) Append(ctx context.Context, entries []*corev1.JournalEntry) error {
	if err := m.Log.Append(ctx, entries[:min(m.after, len(entries))]); err != nil {
		return err
	}
	self, err := os.FindProcess(os.Getpid())
	if err != nil {
		return err
	}
	if err := self.Kill(); err != nil {
		return err
	}
	<-ctx.Done() // never: the process ends here
	return ctx.Err()
}
