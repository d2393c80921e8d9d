package auth

import (
	"errors"
	"sync/atomic"
	"time"
)

// ErrRevocationsUnknown says that this process has not heard for too long what is revoked,
// so it cannot tell whether a token is good.
var ErrRevocationsUnknown = errors.New("auth: what is revoked is not known")

// Revocation is one entry of [Revocations].
type Revocation struct {
	// Session is whose tokens are refused; else Person is.
	Session, Person string
	// Until is when the last token of a session ends; of a person, the time before
	// which refused tokens were issued.
	Until time.Time
}

// Add takes over an entry that another process told.
func (r *Revocations) Add(e Revocation) {
	if e.Session != "" {
		r.RevokeSession(e.Session, e.Until)
	} else {
		r.RevokeBefore(e.Person, e.Until)
	}
}

// All are the entries there are.
func (r *Revocations) All() []Revocation {
	r.mu.RLock()
	defer r.mu.RUnlock()
	out := make([]Revocation, 0, len(r.sessions)+len(r.people))
	for session, until := range r.sessions {
		out = append(out, Revocation{Session: session, Until: until})
	}
	for person, notBefore := range r.people {
		out = append(out, Revocation{Person: person, Until: notBefore})
	}
	return out
}

// Tell makes every entry that is new be told to a function, which must not block
// or ask back. It is called before the set is used.
func (r *Revocations) Tell(told func(Revocation)) { r.told = told }

func (r *Revocations) tell(e Revocation) {
	if r.told != nil {
		r.told(e)
	}
}

// heard is when a set that is kept elsewhere was last known to be whole.
type heard struct {
	within time.Duration
	now    func() time.Time
	// at counts from start, so that clocks that are set do not matter; nil is never.
	start time.Time
	at    atomic.Pointer[time.Duration]
}

// Expect makes the set count as unknown unless [Revocations.Heard] was called within
// some time by a clock. It is called before the set is used.
func (r *Revocations) Expect(within time.Duration, now func() time.Time) {
	r.heard = &heard{within: within, now: now, start: now()}
}

// Heard tells that the set was whole at this moment.
func (r *Revocations) Heard() {
	at := r.heard.now().Sub(r.heard.start)
	r.heard.at.Store(&at)
}

// Known tells whether the set is as whole as was asked for by Expect.
func (r *Revocations) Known() bool {
	h := r.heard
	if h == nil {
		return true
	}
	at := h.at.Load()
	return at != nil && h.now().Sub(h.start)-*at < h.within
}
