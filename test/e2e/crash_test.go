//go:build unix

package e2e

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"

	corev1 "fashen/gen/fashen/core/v1"
	counselv1 "fashen/gen/fashen/counsel/v1"
	directoryv1 "fashen/gen/fashen/directory/v1"
	filingv1 "fashen/gen/fashen/filing/v1"
	"fashen/internal/app"
	"fashen/internal/config"
	"fashen/internal/journal"
)

// The tests of this file kill a real process, with SIGKILL, between any two steps
// of a submission and of a deliberation. A boundary is the moment before or after a
// call from one service to another about one document; what services write lies
// between two of them.

// orders tell the test binary to be such a process.
const ordersVariable = "FASHEN_TEST_ORDERS"

// orders are what a process is to do.
type orders struct {
	Config config.Config
	Now    time.Time
	// Document is the document at whose n-th boundary the process dies; never
	// where DieAt is 0.
	Document string
	DieAt    int
}

// obey serves until its input ends or its moment has come.
func obey(text string) error {
	var o orders
	if err := json.Unmarshal([]byte(text), &o); err != nil {
		return err
	}
	a, err := app.Start(context.Background(), o.Config, app.Options{
		Clock: (&clock{now: o.Now}).time, Logger: slog.New(slog.DiscardHandler), Between: o.between(),
	})
	if err != nil {
		return err
	}
	if _, err := fmt.Fprintln(os.Stdout, a.GRPCAddr); err != nil {
		return err
	}
	if _, err := io.Copy(io.Discard, os.Stdin); err != nil {
		return err
	}
	return a.Stop(context.Background())
}

// between counts the boundaries of the document, and dies at one of them.
func (o orders) between() grpc.UnaryClientInterceptor {
	var mu sync.Mutex
	seen := 0
	boundary := func(request any) {
		if documentOf(request) != o.Document {
			return
		}
		mu.Lock()
		defer mu.Unlock()
		if seen++; seen == o.DieAt {
			_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
			select {} // until the signal is there
		}
	}
	return func(ctx context.Context, method string, request, reply any, conn *grpc.ClientConn, invoke grpc.UnaryInvoker, options ...grpc.CallOption) error {
		boundary(request)
		err := invoke(ctx, method, request, reply, conn, options...)
		boundary(request)
		return err
	}
}

func documentOf(request any) string {
	switch r := request.(type) {
	case interface{ GetSubject() string }:
		return r.GetSubject()
	case *filingv1.SetDocumentViewerRequest:
		return r.GetName()
	case *directoryv1.ResolveJurisdictionProfileRequest: // what a letter is written with
		return r.GetParent()
	}
	return ""
}

// mortal is a process that obeys orders.
type mortal struct {
	cmd     *exec.Cmd
	stop    io.Closer
	address string
}

// run starts a process; it has no address where it dies before it serves.
func (o orders) run(t *testing.T) *mortal {
	t.Helper()
	text, err := json.Marshal(o)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), ordersVariable+"="+string(text))
	cmd.Stderr = os.Stderr
	in, inErr := cmd.StdinPipe()
	out, outErr := cmd.StdoutPipe()
	if err := errors.Join(inErr, outErr, cmd.Start()); err != nil {
		t.Fatal(err)
	}
	address, err := bufio.NewReader(out).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		t.Fatal(err)
	}
	return &mortal{cmd, in, strings.TrimSpace(address)}
}

// died waits until the process has killed itself.
func (p *mortal) died(t *testing.T) {
	t.Helper()
	var exit *exec.ExitError
	if err := p.cmd.Wait(); !errors.As(err, &exit) || exit.Sys().(syscall.WaitStatus).Signal() != syscall.SIGKILL {
		t.Fatalf("the process ended with %v, and was to kill itself", err)
	}
}

// errand is a call of several steps.
type errand struct {
	login, method string
	request       func(t *testing.T, name string) proto.Message
	// boundaries are how many there are in the call; from the one called stored on
	// the document waits. drive are how many there are when the driver does it.
	boundaries, stored, drive int
	prepare                   func(t *testing.T, w *world) *filingv1.Document
	// check looks at a document and its case: done as the command does it, or not at
	// all.
	check func(t *testing.T, d *filingv1.Document, c *counselv1.Case)
	// done is the state it leaves.
	done filingv1.Document_State
}

var submission = errand{
	login: "drafter", method: "SubmitDocument",
	request: func(_ *testing.T, name string) proto.Message {
		return &filingv1.SubmitDocumentRequest{Name: name, RequestId: "submit " + name[len(name)-26:]}
	},
	boundaries: 4, stored: 3, drive: 2, // asked, opened
	prepare: func(t *testing.T, w *world) *filingv1.Document { return w.prepared(t, false) },
	check: func(t *testing.T, d *filingv1.Document, c *counselv1.Case) {
		t.Helper()
		submitted := d.GetState() == filingv1.Document_UNDER_REVIEW
		if rounds := c.GetRounds(); submitted != (len(rounds) == 1) || int(d.GetSubmissionCount()) != len(rounds) || d.GetReviewCase() != c.GetName() {
			t.Errorf("%s: %v, submitted %d times, in %d rounds of %q", d.GetName(), d.GetState(), d.GetSubmissionCount(), len(rounds), c.GetName())
		}
		if submitted && c.GetRounds()[0].GetVersionDigest() != d.GetVersionDigest() {
			t.Errorf("%s: another version is under review", d.GetName())
		}
	},
	done: filingv1.Document_UNDER_REVIEW,
}

var deliberation = errand{
	login: "office", method: "DeliberateDocument",
	request: func(t *testing.T, name string) proto.Message {
		t.Helper()
		return &filingv1.DeliberateDocumentRequest{Name: name, MeetingDate: date(t, "2026-05-12"), RequestId: "meeting " + name[len(name)-26:]}
	},
	boundaries: 6, stored: 3, drive: 4, // asked for the verdict; asked again, certified
	prepare: func(t *testing.T, w *world) *filingv1.Document {
		t.Helper()
		d, c := w.accepted(t, w.prepared(t, false))
		w.conclude(t, c.GetName(), counselv1.Conclusion_LAWFUL)
		return d
	},
	check: func(t *testing.T, d *filingv1.Document, c *counselv1.Case) {
		t.Helper()
		var standing []string
		for _, cert := range c.GetCertificates() {
			if cert.GetWithdrawTime() == nil && cert.GetVersionDigest() == d.GetVersionDigest() {
				standing = append(standing, cert.GetTransition())
			}
		}
		deliberated := d.GetState() == filingv1.Document_DELIBERATED
		if len(c.GetRounds()) != 1 || deliberated != (len(standing) == 1) || deliberated && standing[0] != d.GetDeliberation().GetCertificate() {
			t.Errorf("%s: %v on certificate %q, of which stand %q", d.GetName(), d.GetState(), d.GetDeliberation().GetCertificate(), standing)
		}
	},
	done: filingv1.Document_DELIBERATED,
}

// trial is one document whose call is cut off at one boundary, and the driver's
// work, in the next process, at another; 0 for not at all.
type trial struct {
	errand

	call, drive int
	document    string
}

// trials are all places to die in a command; twice where again is set.
func (c errand) trials(again bool) []*trial {
	var all []*trial
	for call := 1; call <= c.boundaries; call++ {
		all = append(all, &trial{errand: c, call: call})
		for drive := 1; again && call >= c.stored && drive <= c.drive; drive++ {
			all = append(all, &trial{errand: c, call: call, drive: drive})
		}
	}
	return all
}

// Wherever a process dies, all ends agree once the next one has done the rest, and
// the call again answers what it did.
func TestKilledBetweenSteps(t *testing.T) {
	for engine, configure := range engines() {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			again := engine == "sqlite" // a store of one process has no lease to wait for
			w := alone(t, configure(t), "grpc", "2026-04-08")
			trials := append(submission.trials(again), deliberation.trials(again)...)
			for _, tt := range trials {
				tt.document = tt.prepare(t, w).GetName()
			}
			tokens := map[string]string{"drafter": w.as(t, "drafter"), "office": w.as(t, "office")}
			w.stop(t)
			for _, tt := range trials {
				w.kill(t, tt, tokens[tt.login])
			}
			w.start(t)
			w.reach(t, "grpc")
			for _, tt := range trials {
				w.recovered(t, tt)
			}
			w.stop(t)
			err := app.Verify(t.Context(), w.config, nil, func(service string, r journal.Report) {
				for _, p := range r.Problems {
					t.Errorf("%s: %v", service, p)
				}
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
}

// kill makes the call of a trial in processes that die.
func (w *world) kill(t *testing.T, tt *trial, token string) {
	t.Helper()
	w.clock.later(time.Second)
	o := orders{Config: w.config, Now: w.clock.time(), Document: tt.document, DieAt: tt.call}
	p := o.run(t)
	f := dialGRPC(t, p.address).call(t.Context(), token, filingService+tt.method, tt.request(t, tt.document), &filingv1.Document{})
	if f == nil || f.code != codes.Unavailable {
		t.Fatalf("%s cut off at boundary %d: %v", tt.method, tt.call, f)
	}
	p.died(t)
	if tt.drive > 0 {
		o.DieAt = tt.drive
		o.run(t).died(t)
	}
}

// recovered waits until the document of a trial waits no more, looks at it, and makes
// the call again.
func (w *world) recovered(t *testing.T, tt *trial) {
	t.Helper()
	d := w.document(t, tt.login, "GetDocument", &filingv1.GetDocumentRequest{Name: tt.document})
	eventually(t, "done after a death", func() error {
		if d = w.document(t, tt.login, "GetDocument", &filingv1.GetDocumentRequest{Name: tt.document}); d.GetReconciling() {
			return errWaiting
		}
		return nil
	})
	tt.check(t, d, w.caseOf(t, tt.document))
	if done := d.GetState() == tt.done; done != (tt.call >= tt.stored) {
		t.Errorf("%s, killed at %d and %d: %v", tt.method, tt.call, tt.drive, d.GetState())
	}
	var etag string
	for range 2 {
		d = w.document(t, tt.login, tt.method, tt.request(t, tt.document))
		if d.GetState() != tt.done || d.GetReconciling() || etag != "" && etag != d.GetEtag() {
			t.Errorf("%s again, after a death at %d and %d: %v", tt.method, tt.call, tt.drive, d)
		}
		etag = d.GetEtag()
	}
	tt.check(t, d, w.caseOf(t, tt.document))
	w.doneOnce(t, tt)
}

// caseOf finds the case of a document; nil when there is none.
func (w *world) caseOf(t *testing.T, document string) *counselv1.Case {
	t.Helper()
	page := &counselv1.ListCasesResponse{}
	w.must(t, "reviewer", counselService+"ListCases", &counselv1.ListCasesRequest{Parent: region, PageSize: 1000}, page)
	var found *counselv1.Case
	for _, c := range page.GetCases() {
		if c.GetSubject() == document {
			if found != nil {
				t.Errorf("%s has two cases", document)
			}
			found = c
		}
	}
	return found
}

// doneOnce: the history says once that the command was done, by whoever asked.
func (w *world) doneOnce(t *testing.T, tt *trial) {
	t.Helper()
	page := &filingv1.ListDocumentHistoryResponse{}
	w.must(t, tt.login, filingService+"ListDocumentHistory", &filingv1.ListDocumentHistoryRequest{Parent: tt.document, PageSize: 100}, page)
	n := 0
	for i, e := range page.GetHistory() {
		if e.GetSequence() != int64(i+1) {
			t.Errorf("%s: entry %d has sequence %d", tt.document, i+1, e.GetSequence())
		}
		if e.GetMethod() == "/"+filingService+tt.method && e.GetOutcome() == corev1.Outcome_OUTCOME_DONE {
			n++
			if e.GetActor() != w.people[tt.login] {
				t.Errorf("%s: done by %s", tt.document, e.GetActor())
			}
		}
	}
	if n != 1 {
		t.Errorf("%s, killed at %d and %d, was done %d times", tt.method, tt.call, tt.drive, n)
	}
}
