package feed_test

import (
	"context"
	"fmt"
	"log/slog"
	"path/filepath"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"

	"fashen/internal/auth"
	"fashen/internal/docstore"
	"fashen/internal/docstore/docstoretest"
	"fashen/internal/docstore/sqlite"
	"fashen/internal/feed"
	"fashen/internal/journal"
	"fashen/internal/rpc"

	corev1 "fashen/gen/fashen/core/v1"
)

const region = "regions/120105"

// harness is a store whose journal is relayed, and a server that tells of it.
type harness struct {
	t      testing.TB
	papers docstore.Collection[docstoretest.Paper]
	client corev1.FeedServiceClient
	signer *auth.Signer
}

func newHarness(t testing.TB) *harness {
	t.Helper()
	engine, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "store.db"), sqlite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = engine.Close() })
	source := feed.NewSource(feed.Options{
		Service: "papers", Engine: engine, Sight: feed.ByViewers,
		History: &corev1.Access{Roles: []corev1.Role{corev1.Role_ROLE_DRAFTER}},
	})
	log := slog.New(slog.DiscardHandler)
	d := journal.NewDrainer(engine, journal.Options{Relayed: source.Relayed, Logger: log})
	d.Start()
	t.Cleanup(func() { _ = d.Close() })
	key, err := auth.NewKey()
	if err != nil {
		t.Fatal(err)
	}
	h := &harness{t: t, signer: auth.NewSigner(key, time.Now)}
	h.papers, err = docstore.NewCollection[docstoretest.Paper](t.Context(), engine, docstoretest.PaperSpec, docstore.Options{New: docstoretest.V1.New, Wrote: d.Wake})
	if err != nil {
		t.Fatal(err)
	}
	h.serve(source, auth.NewVerifier(time.Now, auth.NewRevocations(time.Now), key), log)
	return h
}

func (h *harness) serve(source *feed.Source, verifier *auth.Verifier, log *slog.Logger) {
	h.t.Helper()
	server := rpc.NewServer(rpc.Options{Logger: log, Verifier: verifier, Clock: time.Now, Service: "papers"})
	events := feed.New(feed.Deps{Sources: []*feed.Source{source}, TokenKey: []byte("a key of tests"), Clock: time.Now})
	events.Register(server)
	conn, err := rpc.InProcess(server, rpc.ClientOptions{})
	if err != nil {
		h.t.Fatal(err)
	}
	h.client = corev1.NewFeedServiceClient(conn)
	h.t.Cleanup(func() {
		events.Stop()
		_ = conn.Close()
		if err := server.Stop(context.Background()); err != nil {
			h.t.Error(err)
		}
	})
}

func bureau(n int) string { return fmt.Sprint(region, "/bureaus/", n) }

// watch opens a stream that lasts as long as the test.
func (h *harness) watch(n int, in *corev1.WatchRequest) grpc.ServerStreamingClient[corev1.WatchResponse] {
	h.t.Helper()
	stream, cancel := h.open(n, in)
	h.t.Cleanup(cancel)
	return stream
}

// open opens a stream as a drafter of a bureau, whose first message is read.
func (h *harness) open(n int, in *corev1.WatchRequest) (grpc.ServerStreamingClient[corev1.WatchResponse], context.CancelFunc) {
	h.t.Helper()
	token, _, err := h.signer.UserToken(auth.Caller{
		Person: fmt.Sprint(region, "/people/", n), Region: region, Bureau: bureau(n), Session: auth.NewSessionID(),
		Roles: []corev1.Role{corev1.Role_ROLE_DRAFTER},
	})
	if err != nil {
		h.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(metadata.AppendToOutgoingContext(h.t.Context(), "authorization", "Bearer "+token))
	in.Parent, in.Service = region, "papers"
	stream, err := h.client.Watch(ctx, in)
	if err != nil {
		h.t.Fatal(err)
	}
	if first, err := stream.Recv(); err != nil || first.GetHeartbeat() == nil {
		h.t.Fatalf("%v, %v", first, err)
	}
	return stream, cancel
}

// event is the next event of a stream.
func (h *harness) event(s grpc.ServerStreamingClient[corev1.WatchResponse]) *corev1.Event {
	h.t.Helper()
	for {
		m, err := s.Recv()
		if err != nil {
			h.t.Fatal(err)
		}
		if m.GetEvent() != nil {
			return m.GetEvent()
		}
	}
}

func paper(n int) string { return fmt.Sprintf("%s/papers/%07d", region, n) }

// create makes a paper of a bureau.
func (h *harness) create(n, of int) error {
	ctx := docstoretest.As(h.t.Context(), region+"/people/zhang", "")
	_, _, err := h.papers.Create(ctx, docstoretest.V1.Paper(paper(n), map[string]any{"title": "示例"}), docstore.Change{Grant: []string{bureau(of)}})
	return err
}

// change grants and revokes viewers.
func (h *harness) change(n int, c docstore.Change) {
	h.t.Helper()
	ctx := docstoretest.As(h.t.Context(), region+"/people/zhang", "")
	_, _, err := h.papers.Update(ctx, paper(n), docstore.Precondition{}, func(docstoretest.Paper, docstore.Meta) (docstore.Change, error) { return c, nil })
	if err != nil {
		h.t.Fatal(err)
	}
}
