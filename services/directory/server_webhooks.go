package directory

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/types/known/timestamppb"

	corev1 "fashen/gen/fashen/core/v1"
	directoryv1 "fashen/gen/fashen/directory/v1"
	storagev1 "fashen/gen/fashen/storage/v1"
	"fashen/internal/docstore"
	"fashen/internal/resource"
	"fashen/internal/rpc"
	"fashen/internal/webhook"
)

// replayAtOnce bounds the deliveries that one call replays.
const replayAtOnce = 1000

// CreateWebhook adds a webhook; the answer is the only place where its secret can
// be read, but for rotations.
func (s *Server) CreateWebhook(ctx context.Context, r *directoryv1.CreateWebhookRequest) (*directoryv1.Webhook, error) {
	y, err := s.ownSystem(ctx, "parent", r.GetParent())
	if err != nil {
		return nil, err
	}
	if err := checkActive(y); err != nil {
		return nil, err
	}
	w := r.GetWebhook()
	if err := checkWebhook(w, s.courier.services(), s.courier.d.Networks); err != nil {
		return nil, err
	}
	have, err := s.store.webhooks.List(ctx, ofSystem(r.GetParent(), maxWebhooks, ""))
	if err != nil {
		return nil, rpc.FromStore(err, r.GetParent())
	}
	if err := checkRoomForWebhook(len(have.Items)); err != nil {
		return nil, err
	}
	w.Name = r.GetParent() + "/webhooks/" + resource.NewID(s.now())
	w.State, w.SecretId = directoryv1.Webhook_ACTIVE, resource.NewID(s.now())
	made, meta, err := s.store.webhooks.Create(ctx, w, docstore.Change{To: w.State.String(), Details: []*corev1.Detail{
		docstore.Detail("host", webhook.Host(w.GetUrl())),
		docstore.Detail("services", strings.Join(w.GetServices(), ",")),
	}})
	s.courier.changed()
	return s.withSecret(made, meta), rpc.FromStore(err, r.GetParent())
}

// withSecret shows the newest secret of a webhook, unless it was shown before.
func (s *Server) withSecret(w *directoryv1.Webhook, meta docstore.Meta) *directoryv1.Webhook {
	if w != nil && !meta.Replayed {
		w.Secret = secretsOf(s.courier.d.Key, w, s.now())[0].String()
	}
	return w
}

// GetWebhook reads a webhook of a system of the caller's region.
func (s *Server) GetWebhook(ctx context.Context, r *directoryv1.GetWebhookRequest) (*directoryv1.Webhook, error) {
	if err := tended(ctx, "name", webhookPattern, r.GetName(), corev1.Role_ROLE_SECURITY_AUDITOR); err != nil {
		return nil, err
	}
	w, _, err := s.store.webhooks.Get(ctx, r.GetName())
	return w, rpc.FromStore(err, r.GetName())
}

// tended refuses who is neither the security administrator, nor in another of the
// roles, nor the system that the named resource is of.
func tended(ctx context.Context, field, pattern, name string, others ...corev1.Role) error {
	who, err := own(ctx, field, pattern, name)
	if err != nil || who.Person == systemOfWebhook(name) {
		return err
	}
	if who.HasAny(append(others, corev1.Role_ROLE_SECURITY_ADMINISTRATOR)...) {
		return nil
	}
	return rpc.New(codes.PermissionDenied, rpc.ReasonRoleRequired, "当前角色无权进行此操作")
}

// ListWebhooks lists the webhooks of a system of the caller's region.
func (s *Server) ListWebhooks(ctx context.Context, r *directoryv1.ListWebhooksRequest) (*directoryv1.ListWebhooksResponse, error) {
	if err := tended(ctx, "parent", systemPattern, r.GetParent(), corev1.Role_ROLE_SECURITY_AUDITOR); err != nil {
		return nil, err
	}
	page, err := s.store.webhooks.List(ctx, ofSystem(r.GetParent(), int(r.GetPageSize()), r.GetPageToken()))
	if err != nil {
		return nil, rpc.FromStore(err, "")
	}
	return &directoryv1.ListWebhooksResponse{Webhooks: page.Items, NextPageToken: page.NextPageToken}, nil
}

// ofSystem asks for the webhooks of a system, oldest first.
func ofSystem(system string, pageSize int, pageToken string) docstore.Query {
	return docstore.Query{
		Prefix:   &docstore.Prefix{Field: docstore.FieldName, Value: system + "/webhooks/"},
		PageSize: pageSize, PageToken: pageToken,
	}
}

// UpdateWebhook changes the name, URL, types or resources of a webhook.
func (s *Server) UpdateWebhook(ctx context.Context, r *directoryv1.UpdateWebhookRequest) (*directoryv1.Webhook, error) {
	from := r.GetWebhook()
	fields, err := rpc.MaskFields(from, r.GetUpdateMask(), webhookFields...)
	if err != nil {
		return nil, err
	}
	w, _, err := s.changeWebhook(ctx, "webhook.name", from.GetName(), from.GetEtag(), func(w *directoryv1.Webhook, _ docstore.Meta) (docstore.Change, error) {
		details, err := changeWebhook(w, from, fields)
		if err == nil {
			err = checkWebhook(w, s.courier.services(), s.courier.d.Networks)
		}
		return docstore.Change{From: w.GetState().String(), To: w.GetState().String(), Details: details}, err
	})
	return w, err
}

// RotateWebhookSecret makes a new secret, which the answer shows.
func (s *Server) RotateWebhookSecret(ctx context.Context, r *directoryv1.RotateWebhookSecretRequest) (*directoryv1.Webhook, error) {
	id := resource.NewID(s.now())
	w, meta, err := s.changeWebhook(ctx, "name", r.GetName(), r.GetEtag(), func(w *directoryv1.Webhook, _ docstore.Meta) (docstore.Change, error) {
		err := rotateSecret(w, id, s.now())
		return docstore.Change{From: w.GetState().String(), To: w.GetState().String(), Details: events("secret_rotated")}, err
	})
	return s.withSecret(w, meta), err
}

// DisableWebhook ends a webhook for good.
func (s *Server) DisableWebhook(ctx context.Context, r *directoryv1.DisableWebhookRequest) (*directoryv1.Webhook, error) {
	w, _, err := s.changeWebhook(ctx, "name", r.GetName(), r.GetEtag(), func(w *directoryv1.Webhook, _ docstore.Meta) (docstore.Change, error) {
		from := w.GetState()
		if from == directoryv1.Webhook_DISABLED {
			return docstore.Change{}, docstore.ErrUnchanged
		}
		w.State = directoryv1.Webhook_DISABLED
		return docstore.Change{From: from.String(), To: w.State.String()}, nil
	})
	return w, err
}

func (s *Server) changeWebhook(
	ctx context.Context, field, name, etag string, rule func(*directoryv1.Webhook, docstore.Meta) (docstore.Change, error),
) (*directoryv1.Webhook, docstore.Meta, error) {
	if _, err := own(ctx, field, webhookPattern, name); err != nil {
		return nil, docstore.Meta{}, err
	}
	defer s.courier.changed() // also when it is unknown whether the write was made
	w, meta, err := s.store.webhooks.Update(ctx, name, docstore.Precondition{Etag: etag}, rule)
	return w, meta, rpc.FromStore(err, name)
}

// GetDelivery reads what became of the posting of one event.
func (s *Server) GetDelivery(ctx context.Context, r *directoryv1.GetDeliveryRequest) (*directoryv1.Delivery, error) {
	if err := tended(ctx, "name", deliveryPattern, r.GetName(), corev1.Role_ROLE_SECURITY_AUDITOR); err != nil {
		return nil, err
	}
	d, err := s.store.deliveries.Get(ctx, r.GetName())
	if err != nil {
		return nil, rpc.FromStore(err, r.GetName())
	}
	return servedDelivery(d), nil
}

// ListDeliveries lists the deliveries of a webhook, newest first.
func (s *Server) ListDeliveries(ctx context.Context, r *directoryv1.ListDeliveriesRequest) (*directoryv1.ListDeliveriesResponse, error) {
	if err := tended(ctx, "parent", webhookPattern, r.GetParent(), corev1.Role_ROLE_SECURITY_AUDITOR); err != nil {
		return nil, err
	}
	equal, err := resource.ParseFilter(r.GetFilter(), map[string]resource.FieldKind{
		"state": resource.Enum(directoryv1.Delivery_STATE_UNSPECIFIED.Descriptor()),
	})
	if err != nil {
		return nil, rpc.Filter(err)
	}
	in := map[string]any{docstore.FieldParent: r.GetParent()}
	if state, ok := equal["state"]; ok {
		in["delivery.state"] = state
	}
	page, err := s.store.deliveries.List(ctx, docstore.Query{
		Equal: in, OrderBy: docstore.FieldCreateTime, Descending: true,
		PageSize: int(r.GetPageSize()), PageToken: r.GetPageToken(),
	})
	if err != nil {
		return nil, rpc.FromStore(err, "")
	}
	answer := &directoryv1.ListDeliveriesResponse{NextPageToken: page.NextPageToken}
	for _, d := range page.Items {
		answer.Deliveries = append(answer.Deliveries, servedDelivery(d))
	}
	return answer, nil
}

// ReplayDeliveries posts one delivery again, or those that were given up. That it
// was asked for is on the record of the webhook.
func (s *Server) ReplayDeliveries(ctx context.Context, r *directoryv1.ReplayDeliveriesRequest) (*directoryv1.ReplayDeliveriesResponse, error) {
	if err := tended(ctx, "parent", webhookPattern, r.GetParent()); err != nil {
		return nil, err
	}
	y, _, err := s.store.systems.Get(ctx, systemOfWebhook(r.GetParent()))
	if err != nil {
		return nil, rpc.FromStore(err, r.GetParent())
	}
	if err := checkActive(y); err != nil {
		return nil, err
	}
	names, more, err := s.toReplay(ctx, r)
	if err != nil {
		return nil, err
	}
	now := s.now()
	w, meta, err := s.changeWebhook(ctx, "parent", r.GetParent(), "", func(w *directoryv1.Webhook, _ docstore.Meta) (docstore.Change, error) {
		err := checkWebhookActive(w)
		w.ReplayTime = timestamppb.New(now)
		return docstore.Change{From: w.GetState().String(), To: w.GetState().String(), Details: []*corev1.Detail{
			docstore.Detail("event", "replayed"), docstore.Detail("deliveries", len(names)), docstore.Detail("more", more),
		}}, err
	})
	if err != nil {
		return nil, err
	}
	answer := &directoryv1.ReplayDeliveriesResponse{ReplayedCount: int32(len(names)), More: more}
	rule := func(d *storagev1.Delivery) error {
		replay(d, now)
		return nil
	}
	if meta.Replayed {
		first, err := s.firstReplay(ctx, w, answer)
		if err != nil {
			return nil, rpc.FromStore(err, w.GetName())
		}
		rule = func(d *storagev1.Delivery) error { return replayAgain(d, first, now) }
	}
	for _, name := range names {
		if _, err := s.store.deliveries.Update(ctx, name, rule); err != nil {
			return nil, rpc.FromStore(err, name)
		}
	}
	s.courier.wake(r.GetParent())
	return answer, nil
}

// firstReplay finds, on the record of a webhook, the call that a repeated request
// made first: when it was, and what it answered.
func (s *Server) firstReplay(ctx context.Context, w *directoryv1.Webhook, answer *directoryv1.ReplayDeliveriesResponse) (time.Time, error) {
	if err := checkWebhookActive(w); err != nil {
		return time.Time{}, err
	}
	origin, _ := docstore.OriginFrom(ctx)
	for token := ""; ; {
		entries, next, err := s.store.webhooks.History(ctx, w.GetName(), 1000, token)
		if err != nil {
			return time.Time{}, err
		}
		for _, e := range entries {
			if e.GetRequestId() == origin.RequestID && e.GetActor() == origin.Actor && e.GetOutcome() == corev1.Outcome_OUTCOME_DONE {
				return e.GetTime().AsTime(), answered(e, answer)
			}
		}
		if token = next; token == "" {
			return time.Time{}, fmt.Errorf("the replay of request %s is not on record", origin.RequestID)
		}
	}
}

// answered is what a replay answered, by its entry.
func answered(e *corev1.JournalEntry, answer *directoryv1.ReplayDeliveriesResponse) error {
	for _, d := range e.GetDetails() {
		switch d.GetName() {
		case "deliveries":
			n, err := strconv.ParseInt(d.GetValue(), 10, 32)
			if err != nil {
				return fmt.Errorf("the record of a replay: %w", err)
			}
			answer.ReplayedCount = int32(n)
		case "more":
			answer.More = d.GetValue() == "true"
		}
	}
	return nil
}

// toReplay names the deliveries that a request is about, and tells whether there
// are more.
func (s *Server) toReplay(ctx context.Context, r *directoryv1.ReplayDeliveriesRequest) (names []string, more bool, err error) {
	if name := r.GetDelivery(); name != "" {
		if err := checkShape("delivery", deliveryPattern, name); err != nil {
			return nil, false, err
		}
		if webhookOfDelivery(name) != r.GetParent() {
			return nil, false, rpc.NotFound(name)
		}
		_, err := s.store.deliveries.Get(ctx, name)
		return []string{name}, false, rpc.FromStore(err, name)
	}
	q := docstore.Query{
		Equal:    map[string]any{docstore.FieldParent: r.GetParent(), "delivery.state": directoryv1.Delivery_DEAD},
		OrderBy:  docstore.FieldCreateTime,
		PageSize: replayAtOnce,
	}
	if r.GetStartTime() != nil {
		q.Range = &docstore.Range{Field: docstore.FieldCreateTime, From: r.GetStartTime().AsTime()}
	}
	page, err := s.store.deliveries.List(ctx, q)
	if err != nil {
		return nil, false, rpc.FromStore(fmt.Errorf("list what was given up: %w", err), r.GetParent())
	}
	for _, d := range page.Items {
		names = append(names, d.GetName())
	}
	return names, page.NextPageToken != "", nil
}
