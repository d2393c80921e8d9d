package intent

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	corev1 "fashen/gen/fashen/core/v1"
	"fashen/internal/docstore"
	"fashen/internal/rpc"
)

// Message is a stored resource that may have an intent.
type Message interface {
	proto.Message
	GetName() string
	GetIntent() *corev1.Intent
}

// Ended is what performing an intent answers when it took the intent out of the
// resource without doing it, since it may not be done: Err is what the caller
// gets who is still there.
type Ended struct{ Err error }

// Error is the message of the reason.
func (e *Ended) Error() string { return e.Err.Error() }

// Unwrap gives the reason.
func (e *Ended) Unwrap() error { return e.Err }

// Options of a queue.
type Options[M Message] struct {
	// Service is the short name of the service whose intents these are.
	Service string
	// Documents keeps the resources; it has an index of [FieldState].
	Documents docstore.Collection[M]
	// Perform does the intent of a resource, or the rest of it, and answers the
	// resource without it, or an [Ended]. It may run several times, and at several
	// places at once. Any other error leaves the intent to be tried again.
	Perform func(ctx context.Context, m M) (M, error)
	// Clock is that of the resources.
	Clock docstore.Clock
}

// Queue are the intents of one collection.
type Queue[M Message] struct {
	o Options[M]

	mu   sync.Mutex
	wake func()
	// busy are the resources whose intents a call of this process performs.
	busy map[string]int
}

// NewQueue makes the queue of a collection.
func NewQueue[M Message](o Options[M]) *Queue[M] {
	return &Queue[M]{o: o, wake: func() {}, busy: map[string]int{}}
}

// Do performs the intent a call has just stored in m. Where it cannot be done at
// the moment, the driver goes on with it and the answer is m, which shows that it
// is waiting.
func (q *Queue[M]) Do(ctx context.Context, m M) (M, error) {
	q.hold(m.GetName(), 1)
	waits := true // after a panic too
	defer func() {
		q.hold(m.GetName(), -1)
		if waits {
			q.rouse()
		}
	}()
	done, err := q.o.Perform(ctx, m)
	var ended *Ended
	switch {
	case err == nil:
		waits = false
		return done, nil
	case errors.As(err, &ended):
		waits = false
		return done, ended.Err
	}
	return m, nil
}

// wakes says what is called when an intent is left to the driver.
func (q *Queue[M]) wakes(wake func()) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.wake = wake
}

// rouse wakes the driver.
func (q *Queue[M]) rouse() {
	q.mu.Lock()
	wake := q.wake
	q.mu.Unlock()
	wake()
}

func (q *Queue[M]) hold(name string, n int) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.busy[name] += n; q.busy[name] == 0 {
		delete(q.busy, name)
	}
}

func (q *Queue[M]) held(name string) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.busy[name] > 0
}

func (q *Queue[M]) service() string               { return q.o.Service }
func (q *Queue[M]) age(t time.Time) time.Duration { return q.o.Clock().Sub(t) }

// list answers a page of the intents in one state under a prefix of names.
func (q *Queue[M]) list(ctx context.Context, state any, prefix string, size int, token string) ([]*corev1.Intent, string, error) {
	page, err := q.o.Documents.List(ctx, docstore.Query{
		Equal: map[string]any{FieldState: state}, Prefix: &docstore.Prefix{Field: docstore.FieldName, Value: prefix},
		PageSize: size, PageToken: token,
	})
	if err != nil {
		return nil, "", fmt.Errorf("list intents: %w", err)
	}
	var out []*corev1.Intent
	for _, m := range page.Items {
		out = append(out, m.GetIntent())
	}
	return out, page.NextPageToken, nil
}

// count counts the intents in one state.
func (q *Queue[M]) count(ctx context.Context, state corev1.Intent_State) (int64, error) {
	groups, err := q.o.Documents.Aggregate(ctx, docstore.Query{Equal: map[string]any{FieldState: state}}, nil, nil)
	if err != nil || len(groups) == 0 {
		return 0, err
	}
	return groups[0].Count, nil
}

// errBusy: a call of this process performs the intent.
var errBusy = errors.New("intent: in hand")

// attempt performs an intent in the background, if it is still there.
func (q *Queue[M]) attempt(ctx context.Context, i *corev1.Intent) error {
	if q.held(Subject(i.GetName())) {
		return errBusy
	}
	m, _, err := q.o.Documents.Get(ctx, Subject(i.GetName()))
	if err != nil {
		return err
	}
	if m.GetIntent().GetName() != i.GetName() || m.GetIntent().GetState() != corev1.Intent_OPEN {
		return nil
	}
	_, err = q.o.Perform(background(ctx, q.o.Service, m.GetIntent()), m)
	if ended := (*Ended)(nil); errors.As(err, &ended) {
		return nil
	}
	return err
}

// giveUp leaves an intent to an administrator.
func (q *Queue[M]) giveUp(ctx context.Context, i *corev1.Intent, why error) error {
	st := status.Convert(rpc.FromStore(why, ""))
	ctx = docstore.WithOrigin(ctx, docstore.Origin{Actor: "services/" + q.o.Service, Method: i.GetMethod()})
	_, err := q.change(ctx, i.GetName(), func(i *corev1.Intent) error {
		if i.GetState() != corev1.Intent_OPEN {
			return docstore.ErrUnchanged
		}
		i.State = corev1.Intent_FAILED
		i.Failure = &corev1.IntentFailure{
			Reason: reasonOf(why), Message: clip(st.Message()), FailureTime: timestamppb.New(q.o.Clock()),
		}
		return nil
	})
	return err
}

// retry opens an intent again that was given up.
func (q *Queue[M]) retry(ctx context.Context, name string) (*corev1.Intent, error) {
	i, err := q.change(ctx, name, Reopen)
	if err == nil {
		q.rouse()
	}
	return i, err
}

// Reopen has an intent tried again; docstore.ErrUnchanged where it is being tried.
func Reopen(i *corev1.Intent) error {
	if i.GetState() == corev1.Intent_OPEN {
		return docstore.ErrUnchanged
	}
	i.State, i.Failure = corev1.Intent_OPEN, nil
	return nil
}

// change changes an intent where its resource has it; docstore.ErrNotFound where
// it has another or none.
func (q *Queue[M]) change(ctx context.Context, name string, do func(i *corev1.Intent) error) (*corev1.Intent, error) {
	m, _, err := q.o.Documents.Update(ctx, Subject(name), docstore.Precondition{}, func(m M, _ docstore.Meta) (docstore.Change, error) {
		i := m.GetIntent()
		if i.GetName() != name {
			return docstore.Change{}, docstore.ErrNotFound
		}
		if err := do(i); err != nil {
			return docstore.Change{}, err
		}
		return docstore.Change{Step: true, Details: []*corev1.Detail{
			docstore.Detail("intent", ID(i)), docstore.Detail("intent_state", i.GetState()),
			docstore.Detail("reason", i.GetFailure().GetReason()),
		}}, nil
	})
	if err != nil {
		return nil, err
	}
	return m.GetIntent(), nil
}

// reasonOf is the stable reason of an error, or the name of its code.
func reasonOf(err error) string {
	err = rpc.FromStore(err, "")
	if reason := rpc.Reason(err); reason != "" {
		return reason
	}
	return strings.ToUpper(status.Code(err).String())
}

// maxMessage bounds the message of a failure, in bytes.
const maxMessage = 1000

func clip(s string) string {
	if len(s) > maxMessage {
		s = strings.ToValidUTF8(s[:maxMessage], "")
	}
	return s
}

// forGood tells whether an error says that trying again does not help: the other
// service understood the call and refuses it. One that does not know the method is
// of an older version, which a rollout replaces.
func forGood(err error) bool {
	switch status.Code(rpc.FromStore(err, "")) {
	case codes.InvalidArgument, codes.NotFound, codes.AlreadyExists, codes.PermissionDenied, codes.FailedPrecondition,
		codes.OutOfRange, codes.DataLoss:
		return true
	}
	return false
}
