package auth

import (
	"sync"
	"time"
)

// Revocations knows which tokens are refused although they have not expired:
// those of ended sessions and delegations, and those of a person issued before an
// instant, also where they act for another or another for them. It
// forgets what no living token can match any more, so it stays small. The
// directory fills it at start from what it stores, and on each revocation.
type Revocations struct {
	now func() time.Time

	mu sync.RWMutex
	// sessions maps a session, or the name of a delegation, to the time from which
	// none of its tokens lives.
	sessions map[string]time.Time
	// people maps a person to the instant before which tokens are refused.
	people map[string]time.Time
	// swept is when forgotten entries were last dropped.
	swept time.Time

	// told gets what is revoked; nil when nobody wants to know.
	told func(Revocation)
	// heard bounds how old what is known may be; nil where it is always whole.
	heard *heard
}

// NewRevocations makes an empty set.
func NewRevocations(now func() time.Time) *Revocations {
	return &Revocations{now: now, sessions: map[string]time.Time{}, people: map[string]time.Time{}}
}

// RevokeSession refuses the tokens of one session, or one delegation by its name,
// from now on. until is when
// the last of them expires; the zero time stands for [UserTokenLife] from now.
func (r *Revocations) RevokeSession(session string, until time.Time) {
	now := r.now()
	if until.IsZero() {
		until = now.Add(UserTokenLife)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.sweep(now)
	if until.After(r.sessions[session]) {
		r.sessions[session] = until
		r.tell(Revocation{Session: session, Until: until})
	}
}

// RevokeBefore refuses the tokens of a person issued before an instant
// (compared to the millisecond). A token minted in that very millisecond is
// good, so that a person whose password was just set can be given one.
func (r *Revocations) RevokeBefore(person string, notBefore time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.sweep(r.now())
	if notBefore.After(r.people[person]) {
		r.people[person] = notBefore
		r.tell(Revocation{Person: person, Until: notBefore})
	}
}

// Revoked tells whether a token of the caller, issued at that time, is refused.
// What a service does of something begun is finished without the delegation.
func (r *Revocations) Revoked(c Caller, issued time.Time) bool {
	r.mu.RLock()
	defer r.mu.RUnlock()
	_, ended := r.sessions[c.Session]
	_, recalled := r.sessions[c.Delegation]
	return ended || recalled && c.Vouched == "" || r.stale(c.Person, issued) || r.stale(c.Delegate, issued)
}

// stale tells whether a person's tokens from that time are refused.
func (r *Revocations) stale(person string, issued time.Time) bool {
	notBefore, ok := r.people[person]
	return ok && issued.Before(notBefore.Truncate(time.Millisecond))
}

// sweep drops, once a minute, what no living token can match.
func (r *Revocations) sweep(now time.Time) {
	if now.Sub(r.swept) < time.Minute {
		return
	}
	r.swept = now
	for session, until := range r.sessions {
		if now.After(until) {
			delete(r.sessions, session)
		}
	}
	for person, notBefore := range r.people {
		if now.Sub(notBefore) > UserTokenLife {
			delete(r.people, person)
		}
	}
}
