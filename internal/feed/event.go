package feed

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"fashen/internal/auth"
	"fashen/internal/docstore"

	corev1 "fashen/gen/fashen/core/v1"
)

// event is an event with who could see its resource when it was looked at.
type event struct {
	*corev1.Event

	viewers []string
	// looked counts the looks of the hub; see [hub.stale].
	looked int64
}

// idOf names a feed: `filing/regions/120105`.
func idOf(service, parent string) string { return service + "/" + parent }

// eventOf gives an entry the attributes of CloudEvents 1.0.
func eventOf(service, parent string, at docstore.Positioned) *corev1.Event {
	e := at.Entry
	outcome := strings.ToLower(strings.TrimPrefix(e.GetOutcome().String(), "OUTCOME_"))
	return &corev1.Event{
		Specversion:     "1.0",
		Id:              fmt.Sprintf("%s/%d", idOf(service, parent), at.Position),
		Source:          "//fashen/" + idOf(service, parent),
		Type:            fmt.Sprintf("fashen.%s.%s.%s", service, path.Base(e.GetMethod()), outcome),
		Subject:         e.GetResource(),
		Time:            e.GetTime(),
		Datacontenttype: "application/json",
		Position:        at.Position,
		Data:            e,
	}
}

// Sight answers, for a caller, what tells whether they may see an event, by its
// resource and by the viewers the resource has now.
type Sight func(who auth.Caller) func(resource string, viewers []string) bool

// ByViewers lets those see an event who may see its resource, but for a bureau that is
// only asked about it.
func ByViewers(who auth.Caller) func(resource string, viewers []string) bool {
	mine := who.Insiders()
	return func(_ string, viewers []string) bool {
		return slices.ContainsFunc(mine, func(v string) bool { return slices.Contains(viewers, v) })
	}
}

// ByAuditor lets the security auditor see what happened to the directory's
// resources: those of the auditor's region, and calendars, which all share.
// Credentials are nobody's to read.
func ByAuditor(who auth.Caller) func(resource string, viewers []string) bool {
	auditor := who.Has(corev1.Role_ROLE_SECURITY_AUDITOR)
	return func(resource string, _ []string) bool {
		return auditor && (docstore.FeedOf(resource) == who.Region || strings.HasPrefix(resource, "calendars/"))
	}
}

// filter is what a caller asked for.
type filter struct{ types, resources []string }

func (f filter) match(e *corev1.Event) bool {
	if len(f.types) > 0 && !slices.Contains(f.types, e.GetType()) {
		return false
	}
	return len(f.resources) == 0 || slices.ContainsFunc(f.resources, func(r string) bool {
		if beginning, ok := strings.CutSuffix(r, "*"); ok && strings.HasSuffix(beginning, "/") {
			return strings.HasPrefix(e.GetSubject(), beginning)
		}
		return r == e.GetSubject()
	})
}
