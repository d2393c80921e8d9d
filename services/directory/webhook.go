package directory

import (
	"slices"
	"strings"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	corev1 "fashen/gen/fashen/core/v1"
	directoryv1 "fashen/gen/fashen/directory/v1"
	storagev1 "fashen/gen/fashen/storage/v1"
	"fashen/internal/auth"
	"fashen/internal/docstore"
	"fashen/internal/resource"
	"fashen/internal/rpc"
	"fashen/internal/webhook"
)

// Rules of webhooks and deliveries. They are pure: times and chance come in.

const (
	// maxWebhooks bounds the webhooks of a system, disabled ones too.
	maxWebhooks = 20
	// secretOverlap is how long a secret signs on beside the next one.
	secretOverlap = 24 * time.Hour
	// deliveryLife is how long a delivery is kept, and how old an event may be to get
	// one where the place in a feed was lost.
	deliveryLife = 90 * 24 * time.Hour
)

// checkWebhook refuses a webhook that cannot be. services are those whose events
// can be followed.
func checkWebhook(w *directoryv1.Webhook, services []string, n webhook.Networks) error {
	var bad []rpc.FieldViolation
	if err := n.CheckURL(w.GetUrl()); err != nil {
		bad = append(bad, rpc.FieldViolation{Field: "webhook.url", Reason: "WEBHOOK_URL_INVALID", Message: err.Error()})
	}
	for _, service := range w.GetServices() {
		if !slices.Contains(services, service) {
			bad = append(bad, rpc.FieldViolation{Field: "webhook.services", Reason: "SERVICE_UNKNOWN", Message: "没有可供订阅的服务 " + service})
		}
	}
	for _, name := range w.GetResources() {
		if at := strings.Index(name, "*"); at >= 0 && (at != len(name)-1 || !strings.HasSuffix(name, "/*")) {
			bad = append(bad, rpc.FieldViolation{Field: "webhook.resources", Reason: "RESOURCE_PATTERN_INVALID", Message: "通配符只能是末尾的 /*"})
		}
	}
	return rpc.Fields(bad...)
}

// webhookFields are what an update may change.
var webhookFields = []string{"display_name", "url", "types", "resources"}

// changeWebhook copies the named fields and answers them for the journal.
func changeWebhook(w, from *directoryv1.Webhook, fields map[string]bool) ([]*corev1.Detail, error) {
	if err := checkWebhookActive(w); err != nil {
		return nil, err
	}
	var details []*corev1.Detail
	if fields["display_name"] {
		w.DisplayName = from.GetDisplayName()
		details = append(details, docstore.Detail("display_name", w.DisplayName))
	}
	if fields["url"] {
		w.Url = from.GetUrl()
		details = append(details, docstore.Detail("host", webhook.Host(w.Url)))
	}
	if fields["types"] {
		w.Types = from.GetTypes()
		details = append(details, docstore.Detail("types", strings.Join(w.Types, ",")))
	}
	if fields["resources"] {
		w.Resources = from.GetResources()
		details = append(details, docstore.Detail("resources", strings.Join(w.Resources, ",")))
	}
	return details, nil
}

func checkWebhookActive(w *directoryv1.Webhook) error {
	if w.GetState() != directoryv1.Webhook_DISABLED {
		return nil
	}
	return rpc.Refused(rpc.Refusal{
		Code: "WEBHOOK_DISABLED", Message: "网络回调已停用",
		Metadata: map[string]string{"webhook": w.GetName()},
	})
}

// checkRoomForWebhook refuses one more webhook than a system may have.
func checkRoomForWebhook(have int) error {
	if have < maxWebhooks {
		return nil
	}
	return rpc.Refused(rpc.Refusal{Code: "TOO_MANY_WEBHOOKS", Message: "一个系统最多设置20个网络回调"})
}

// rotateSecret gives a webhook a new secret; the one before signs on for a while.
func rotateSecret(w *directoryv1.Webhook, id string, now time.Time) error {
	if err := checkWebhookActive(w); err != nil {
		return err
	}
	w.PreviousSecretId, w.SecretId = w.GetSecretId(), id
	w.PreviousSecretExpireTime = timestamppb.New(now.Add(secretOverlap))
	return nil
}

// secretsOf are the secrets that sign now, the newest first.
func secretsOf(key []byte, w *directoryv1.Webhook, now time.Time) []webhook.Secret {
	secrets := []webhook.Secret{webhook.DeriveSecret(key, w.GetName(), w.GetSecretId())}
	if w.GetPreviousSecretId() != "" && now.Before(w.GetPreviousSecretExpireTime().AsTime()) {
		secrets = append(secrets, webhook.DeriveSecret(key, w.GetName(), w.GetPreviousSecretId()))
	}
	return secrets
}

// live tells whether events are posted to a webhook of a system.
func live(w *directoryv1.Webhook, y *directoryv1.System) bool {
	return w.GetState() == directoryv1.Webhook_ACTIVE && y.GetState() == directoryv1.System_ACTIVE
}

// followerOf is the system of a webhook as one that follows events: it sees what
// its keys could see.
func followerOf(w *directoryv1.Webhook, y *directoryv1.System, predecessors []string) auth.Caller {
	return auth.Caller{
		Person: y.GetName(), Region: resource.Region(y.GetName()), Bureau: y.GetBureau(), Predecessors: predecessors,
		Roles: y.GetRoles(), Services: w.GetServices(),
	}
}

// systemOfWebhook is the name of the system that a webhook or a delivery is of.
func systemOfWebhook(name string) string {
	system, _, _ := strings.Cut(name, "/webhooks/")
	return system
}

// webhookOfDelivery is the name of the webhook that a delivery is to.
func webhookOfDelivery(name string) string {
	w, _, _ := strings.Cut(name, "/deliveries/")
	return w
}

// wanted tells whether an event that was told is to be posted: one from before the
// webhook was made, or long ago, is told when a place in a feed was lost.
func wanted(w *directoryv1.Webhook, e *corev1.Event, now time.Time) bool {
	at := e.GetTime().AsTime()
	return !at.Before(w.GetCreateTime().AsTime()) && now.Sub(at) < deliveryLife
}

// deliveryName is the name of the one delivery of an event to a webhook.
func deliveryName(w *directoryv1.Webhook, e *corev1.Event) string {
	id := strings.ReplaceAll(strings.ReplaceAll(e.GetId(), "/regions/", "/"), "/", "-")
	return w.GetName() + "/deliveries/" + id
}

// newDelivery is the delivery of an event, due at once.
func newDelivery(w *directoryv1.Webhook, e *corev1.Event, body []byte, now time.Time) *storagev1.Delivery {
	d := &storagev1.Delivery{
		Name: deliveryName(w, e), Body: string(body),
		Delivery: &directoryv1.Delivery{EventId: e.GetId(), EventType: e.GetType()},
	}
	replay(d, now)
	return d
}

// replay makes a delivery due at once, with a whole life before it.
func replay(d *storagev1.Delivery, now time.Time) {
	d.Delivery.State = directoryv1.Delivery_PENDING
	d.Delivery.AttemptCount = 0
	d.Delivery.NextAttemptTime = timestamppb.New(now)
	d.Delivery.GiveUpTime = timestamppb.New(now.Add(webhook.Life))
}

// replayAgain replays a delivery for a request that is repeated, as far as the first
// call, at a time, did not: one that waits was replayed, and one that was tried since
// is not posted twice.
func replayAgain(d *storagev1.Delivery, first, now time.Time) error {
	of := d.GetDelivery()
	if of.GetState() == directoryv1.Delivery_PENDING || !of.GetLastAttemptTime().AsTime().Before(first) || !d.GetCreateTime().AsTime().Before(first) {
		return docstore.ErrUnchanged
	}
	replay(d, now)
	return nil
}

// attempt is how an attempt ended.
type attempt struct {
	outcome directoryv1.Delivery_Outcome
	status  int
}

// attempted takes down how an attempt ended, and when the next one is due, if there
// is one.
func attempted(d *storagev1.Delivery, a attempt, now time.Time, chance float64) {
	of := d.GetDelivery()
	of.AttemptCount++
	of.LastOutcome, of.LastStatus, of.LastAttemptTime = a.outcome, int32(a.status), timestamppb.New(now)
	switch {
	case a.outcome == directoryv1.Delivery_TAKEN:
		of.State, of.NextAttemptTime = directoryv1.Delivery_DELIVERED, nil
	case !now.Before(of.GetGiveUpTime().AsTime()):
		giveUp(d, a.outcome)
	default:
		of.NextAttemptTime = timestamppb.New(now.Add(webhook.Wait(int(of.GetAttemptCount()), chance)))
	}
}

// giveUp ends a delivery without success.
func giveUp(d *storagev1.Delivery, why directoryv1.Delivery_Outcome) {
	d.Delivery.State, d.Delivery.LastOutcome, d.Delivery.NextAttemptTime = directoryv1.Delivery_DEAD, why, nil
}

// servedDelivery is what of a kept delivery may be told.
func servedDelivery(d *storagev1.Delivery) *directoryv1.Delivery {
	of := d.GetDelivery()
	of.Name, of.CreateTime = d.GetName(), d.GetCreateTime()
	return of
}
