package feed

import (
	"context"
	"strings"
	"sync"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/types/known/timestamppb"

	corev1 "fashen/gen/fashen/core/v1"
	"fashen/internal/auth"
	"fashen/internal/docstore"
	"fashen/internal/rpc"
)

const (
	// watchesEach bounds the streams one person has open.
	watchesEach = 16
	// usualHeartbeat is how often a heartbeat is sent where none is asked for.
	usualHeartbeat = 15 * time.Second
	// checkInterval is how often a quiet stream looks whether its caller is still
	// signed in.
	checkInterval = time.Second
)

// Deps are what a server needs.
type Deps struct {
	// Sources are the services whose events are told.
	Sources []*Source
	// TokenKey signs resume tokens. Processes that serve the same feeds share it.
	TokenKey []byte
	// Clock tells the time of tokens and heartbeats.
	Clock docstore.Clock
	// After is time.After where it is nil; tests give their own.
	After func(time.Duration) <-chan time.Time
}

// Server answers FeedService for the services of one process.
type Server struct {
	corev1.UnsafeFeedServiceServer

	sources map[string]*Source
	tokens  tokens
	clock   docstore.Clock
	after   func(time.Duration) <-chan time.Time
	// stopping is closed when all watches are to end.
	stopping chan struct{}
	stop     func()

	mu sync.Mutex
	// open counts the streams of each person.
	open map[string]int
}

// New makes a server.
func New(d Deps) *Server {
	s := &Server{
		sources: map[string]*Source{}, tokens: tokens{key: d.TokenKey}, clock: d.Clock, after: d.After,
		stopping: make(chan struct{}), open: map[string]int{},
	}
	if s.after == nil {
		s.after = time.After
	}
	s.stop = sync.OnceFunc(func() { close(s.stopping) })
	for _, source := range d.Sources {
		s.sources[source.o.Service] = source
	}
	return s
}

// Register adds the service to a gRPC server.
func (s *Server) Register(r grpc.ServiceRegistrar) { corev1.RegisterFeedServiceServer(r, s) }

// Stop ends every watch with UNAVAILABLE, so that servers need not wait for
// them. It may be called again.
func (s *Server) Stop() { s.stop() }

// Watch follows the events of one service in one region.
func (s *Server) Watch(r *corev1.WatchRequest, stream grpc.ServerStreamingServer[corev1.WatchResponse]) error {
	ctx := stream.Context()
	who, ok := auth.CallerFrom(ctx)
	if !ok {
		return rpc.New(codes.Unauthenticated, rpc.ReasonTokenMissing, "请先登录")
	}
	if r.GetParent() != docstore.GlobalFeed && r.GetParent() != who.Region {
		return rpc.NotFound(r.GetParent())
	}
	source := s.sources[r.GetService()]
	if source == nil {
		return rpc.Field("service", "SERVICE_UNKNOWN", "没有这个服务的事件流")
	}
	if err := rpc.Reach(who, r.GetService()); err != nil {
		return err
	}
	for _, name := range r.GetResources() {
		if at := strings.Index(name, "*"); at >= 0 && (at != len(name)-1 || !strings.HasSuffix(name, "/*")) {
			return rpc.Field("resources", "RESOURCE_PATTERN_INVALID", "通配符只能是末尾的 /*")
		}
	}
	if who.Vouched == "" { // what a service follows for a system leaves the system its own
		if !s.enter(who.Actor()) {
			return rpc.New(codes.ResourceExhausted, "TOO_MANY_WATCHES", "同时打开的事件流过多，请先关闭其他的")
		}
		defer s.exit(who.Actor())
	}
	h, head, leave, err := source.follow(ctx, r.GetParent())
	if err != nil {
		return err
	}
	defer leave()
	at, err := s.place(r, head)
	if err != nil {
		return err
	}
	w := &watcher{
		server: s, hub: h, at: at, stream: stream, id: idOf(r.GetService(), r.GetParent()),
		sees: source.o.Sight(who), whole: who.HasAny(source.o.History.GetRoles()...), filter: filter{r.GetTypes(), r.GetResources()},
	}
	heartbeat := usualHeartbeat
	if r.GetHeartbeat() != nil {
		heartbeat = r.GetHeartbeat().AsDuration()
	}
	return w.run(ctx, heartbeat)
}

func (s *Server) enter(person string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.open[person] >= watchesEach {
		return false
	}
	s.open[person]++
	return true
}

func (s *Server) exit(person string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.open[person]--; s.open[person] == 0 {
		delete(s.open, person)
	}
}

// place is where a watch begins. A token from beyond the head is of a store that
// was set back to an earlier state: to wait for its place would leave events out.
func (s *Server) place(r *corev1.WatchRequest, head int64) (int64, error) {
	switch {
	case r.GetResumeToken() == "" && r.GetFromStart():
		return 0, nil
	case r.GetResumeToken() == "":
		return head, nil
	}
	at, err := s.tokens.open(idOf(r.GetService(), r.GetParent()), r.GetResumeToken(), s.clock())
	if err == nil && at > head {
		err = rpc.New(codes.OutOfRange, ReasonTokenAhead, "续传标记超出事件流末尾，数据可能已恢复到更早的状态")
	}
	return at, err
}

// watcher is one stream.
type watcher struct {
	server *Server
	hub    *hub
	stream grpc.ServerStreamingServer[corev1.WatchResponse]
	// id names the feed, at is the last position that was told or passed over.
	id   string
	at   int64
	sees func(resource string, viewers []string) bool
	// whole is false for those who may not read journals: their events have no data.
	whole  bool
	filter filter
}

// always is a channel on which nobody waits.
var always = func() <-chan struct{} {
	c := make(chan struct{})
	close(c)
	return c
}()

// run tells events until the stream ends; it answers why.
func (w *watcher) run(ctx context.Context, heartbeat time.Duration) error {
	if err := w.beat(); err != nil {
		return err
	}
	beat, check := w.server.after(heartbeat), w.server.after(checkInterval)
	for {
		events, more, err := w.hub.next(ctx, w.at)
		if err != nil {
			return err
		}
		if len(events) > 0 {
			more = always
			if err := w.tell(ctx, events); err != nil {
				return err
			}
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-w.server.stopping:
			return rpc.New(codes.Unavailable, rpc.ReasonUnavailable, "服务正在停止，请稍后续传")
		case <-beat:
			beat = w.server.after(heartbeat)
			if err := w.beat(); err != nil {
				return err
			}
		case <-check:
			check = w.server.after(checkInterval)
			if err := rpc.StillSignedIn(ctx); err != nil {
				return err
			}
		case <-more:
		}
	}
}

// tell sends those of the events that the caller asked for and may see.
func (w *watcher) tell(ctx context.Context, events []event) error {
	if err := rpc.StillSignedIn(ctx); err != nil {
		return err
	}
	for _, e := range events {
		w.at = e.GetPosition()
		if !w.filter.match(e.Event) || !w.sees(e.GetSubject(), e.viewers) {
			continue
		}
		if err := w.send(&corev1.WatchResponse{Content: &corev1.WatchResponse_Event{Event: w.shown(e.Event)}}); err != nil {
			return err
		}
	}
	return nil
}

func (w *watcher) shown(e *corev1.Event) *corev1.Event {
	if w.whole {
		return e
	}
	return &corev1.Event{
		Specversion: e.GetSpecversion(), Id: e.GetId(), Source: e.GetSource(), Type: e.GetType(),
		Subject: e.GetSubject(), Time: e.GetTime(), Position: e.GetPosition(),
	}
}

func (w *watcher) beat() error {
	now := timestamppb.New(w.server.clock())
	return w.send(&corev1.WatchResponse{Content: &corev1.WatchResponse_Heartbeat{Heartbeat: &corev1.Heartbeat{Time: now}}})
}

func (w *watcher) send(m *corev1.WatchResponse) error {
	m.ResumeToken = w.server.tokens.seal(w.id, w.at, w.server.clock())
	return w.stream.Send(m)
}
