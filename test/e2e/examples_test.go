package e2e

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	corev1 "fashen/gen/fashen/core/v1"
	counselv1 "fashen/gen/fashen/counsel/v1"
	filingv1 "fashen/gen/fashen/filing/v1"
	"fashen/internal/app"
)

// The clients of the integration guide, run as the guide says.

func TestGoClient(t *testing.T) {
	client := filepath.Join(t.TempDir(), "fashen-client")
	build := exec.CommandContext(t.Context(), "go", "build", "-o", client, ".")
	build.Dir = "../../examples/go"
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	tryClient(t, func(_ *testing.T, w *world) []string {
		return []string{client, "-plaintext", "-address", w.app.GRPCAddr}
	})
}

// The REST client's line is a bad one as well: see [badLine].
func TestNodeClient(t *testing.T) {
	if _, err := exec.LookPath("node"); err != nil {
		t.Skip("the Node client is NOT run: node is not on PATH")
	}
	proofs := exec.CommandContext(t.Context(), "node", "--test")
	proofs.Dir = "../../examples/node"
	if out, err := proofs.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	tryClient(t, func(t *testing.T, w *world) []string {
		return []string{"node", "../../examples/node/client.mjs", "--url", badLine(t, w)}
	})
}

// tryClient lets a client hand a document in, and plays the reviewer. The client
// is killed and the server stopped on the way: neither loses anything or does it
// twice.
func tryClient(t *testing.T, command func(t *testing.T, w *world) []string) {
	for engine, configure := range engines() {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			w := alone(t, configure(t), "grpc", "2026-04-08")
			key := w.keyFor(t, w.connect(t, labour), "filing", "counsel", "directory").GetToken()
			public, err := app.CheckpointKey(w.config)
			if err != nil {
				t.Fatal(err)
			}
			state := filepath.Join(t.TempDir(), "state.json")
			line := append(command(t, w), "--id", "oa-4711", "--checkpoint-key", public)
			remembering := func(state, submission string) *program {
				return run(t, append(slices.Clone(line), "--state", state, submission, "../../cmd/fashen/sample/draft.docx"), "FASHEN_API_KEY="+key)
			}
			start := func(submission string) *program { return remembering(state, submission) }
			const sample = "../../examples/sample/submission.json"
			first := incomplete(t, filepath.Dir(sample))

			// Refused, it says why; nothing is handed in.
			p := start(first)
			document := strings.TrimPrefix(p.line("document "), "document ")
			p.line("MATERIALS_INCOMPLETE: ")
			p.ends(false)

			// Completed and put right, it is handed in.
			p = start(sample)
			p.line("title and parties corrected")
			p.line("submitted")
			p.line("waiting for the review")
			p.kill()

			// It has nothing but what it wrote down, and misses nothing.
			p = start(sample)
			p.line("waiting for the review")
			d := w.document(t, "reviewer", "GetDocument", &filingv1.GetDocumentRequest{Name: document})
			review := w.review(t, "reviewer", "AcceptCase", &counselv1.AcceptCaseRequest{Name: d.GetReviewCase()})
			p.line("fashen.counsel.AcceptCase.done RECEIVED → UNDER_REVIEW")
			w.config.GRPCAddr, w.config.HTTPAddr = w.app.GRPCAddr, w.app.HTTPAddr
			w.stop(t)
			p.line("; once more in")
			w.start(t)
			p.line("waiting for the review")
			w.conclude(t, review.GetName(), counselv1.Conclusion_REVISE, item(3, "在本区纳税满两年"))
			p.line("fashen.counsel.ConcludeCase.done UNDER_REVIEW → CONCLUDED_REVISE")
			p.line("opinion REVISE: 示例意见。")
			p.line("“在本区纳税满两年”：示例分析。（《公平竞争审查条例》第十条）")
			verified := p.line("verified: event")
			p.ends(true)

			// Once more, it has nothing left to do; the log has grown since.
			feed := w.follow(t, "drafter", &corev1.WatchRequest{Service: "counsel", Types: []string{"fashen.counsel.AnswerItem.done"}})
			w.review(t, "drafter", "AnswerItem", &counselv1.AnswerItemRequest{
				Name: review.GetName(), Number: 1, Answer: &counselv1.Answer{Adoption: counselv1.Answer_ADOPTED},
			})
			feed.event()
			feed.close()
			p = start(sample)
			p.line("opinion REVISE: 示例意见。")
			if grown := p.line("verified: event"); grown == verified {
				t.Errorf("the log has not grown: %s", grown)
			}
			p.ends(true)
			// What was not told at that place is not in the log there.
			edit(t, state, func(all map[string]any) { all["position"] = 2 })
			p = start(sample)
			p.line("the event is not in the log")
			p.ends(false)
			// Nor is what it was told otherwise.
			edit(t, state, func(all map[string]any) { all["entry"].(map[string]any)["toState"] = "CONCLUDED_LAWFUL" })
			p = start(sample)
			p.line("the event is not what its hash says")
			p.ends(false)

			// Without its memory, the same number finds the same document, and is no other
			// document's.
			p = remembering(filepath.Join(t.TempDir(), "another.json"), first)
			p.line("document " + document)
			p.line("verified: event")
			p.ends(true)
			p = remembering(filepath.Join(t.TempDir(), "another.json"), sample)
			p.line("REQUEST_ID_REUSED")
			p.ends(false)

			list := &filingv1.ListDocumentsResponse{}
			w.must(t, "drafter", filingService+"ListDocuments", &filingv1.ListDocumentsRequest{Parent: region}, list)
			if n := len(list.GetDocuments()); n != 1 || list.GetDocuments()[0].GetSubmissionCount() != 1 || len(list.GetDocuments()[0].GetRevisions()) != 1 {
				t.Errorf("%d documents, %v", n, list.GetDocuments())
			}
		})
	}
}

// incomplete is the sample with a material left out and another title.
func incomplete(t *testing.T, sample string) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(sample)); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "submission.json")
	edit(t, file, func(all map[string]any) {
		delete(all["materials"].(map[string]any), "legal_basis")
		all["document"].(map[string]any)["title"] = "河北区创业扶持办法（示例，题目待定）"
	})
	return file
}

// edit changes a file of JSON.
func edit(t *testing.T, file string, change func(all map[string]any)) {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var all map[string]any
	if err := json.Unmarshal(text, &all); err != nil {
		t.Fatal(err)
	}
	change(all)
	if text, err = json.Marshal(all); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
}

// badLine passes REST calls on to the process. The first answer to each write is
// lost on the way, and somebody else changes the document just before the first
// correction of it arrives.
func badLine(t *testing.T, w *world) string {
	t.Helper()
	to, err := url.Parse("http://" + w.app.HTTPAddr)
	if err != nil {
		t.Fatal(err)
	}
	var seen sync.Map
	proxy := httputil.NewSingleHostReverseProxy(to)
	proxy.FlushInterval = -1
	proxy.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	s := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		_, again := seen.LoadOrStore(r.Method+r.URL.Path, true)
		switch {
		case r.Method == http.MethodPatch && !again:
			other := &filingv1.UpdateDocumentRequest{
				Document: &filingv1.Document{Name: strings.TrimPrefix(r.URL.Path, "/v1/"), Parties: []string{"示例单位"}},
			}
			if f := w.try(t, "drafter", filingService+"UpdateDocument", other, &filingv1.Document{}); f != nil {
				t.Errorf("change by another: %v", f)
			}
			proxy.ServeHTTP(rw, r)
		case r.Method == http.MethodPost && !again:
			proxy.ServeHTTP(httptest.NewRecorder(), r)
			rw.WriteHeader(http.StatusServiceUnavailable)
		default:
			proxy.ServeHTTP(rw, r)
		}
	}))
	t.Cleanup(s.Close)
	return s.URL
}

// program is a started program and what it prints.
type program struct {
	t     *testing.T
	cmd   *exec.Cmd
	lines chan string
}

func run(t *testing.T, line []string, environment ...string) *program {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	t.Cleanup(cancel)
	p := &program{t: t, cmd: exec.CommandContext(ctx, line[0], line[1:]...), lines: make(chan string, 1000)}
	p.cmd.Env = append(os.Environ(), environment...)
	out, in := io.Pipe()
	p.cmd.Stdout, p.cmd.Stderr = in, in
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		err := p.cmd.Wait()
		in.CloseWithError(io.EOF)
		if err != nil {
			p.t.Log(err)
		}
	}()
	t.Cleanup(func() { cancel(); <-ended })
	go func() {
		defer close(p.lines)
		for s := bufio.NewScanner(out); s.Scan(); {
			p.lines <- s.Text()
		}
	}()
	return p
}

// line waits for a line that holds one of the texts.
func (p *program) line(texts ...string) string {
	p.t.Helper()
	for got := range p.lines {
		p.t.Log(got)
		for _, text := range texts {
			if strings.Contains(got, text) {
				return got
			}
		}
	}
	p.t.Fatalf("it ended without %q", texts)
	return ""
}

// kill ends the program at once, as a power cut would.
func (p *program) kill() {
	p.t.Helper()
	if err := p.cmd.Process.Kill(); err != nil {
		p.t.Fatal(err)
	}
	for range p.lines {
		continue
	}
}

// ends waits for the end, which must be a good one or not.
func (p *program) ends(good bool) {
	p.t.Helper()
	for got := range p.lines {
		p.t.Log(got)
	}
	if state := p.cmd.ProcessState; state == nil || state.Success() != good {
		p.t.Fatalf("it ended with %v", state)
	}
}
