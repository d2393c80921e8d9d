package directory

import (
	"context"
	"fmt"
	"time"

	directoryv1 "fashen/gen/fashen/directory/v1"
	storagev1 "fashen/gen/fashen/storage/v1"
	"fashen/internal/auth"
	"fashen/internal/docstore"
)

// clockSkew is how far the clocks of several processes may lie apart. A write may
// be seen that long after the time it carries, so each look at the store reaches so
// far back before the last one.
const clockSkew = 5 * time.Minute

// SyncRevocations takes over the revocations that are stored and can still
// meet a living access token. New calls it; where several processes serve one
// store, each calls it every second, from one goroutine, and then reads what is new.
//
// A person who changed of late has stale tokens as well: a process that ended
// between changing a person and ending the sessions is made good here.
func (s *Server) SyncRevocations(ctx context.Context) error {
	now := s.now()
	since := &docstore.Range{Field: docstore.FieldUpdateTime, From: now.Add(-auth.UserTokenLife - clockSkew)}
	if !s.synced.IsZero() {
		since.From = s.synced.Add(-clockSkew)
	}
	err := each(ctx, s.store.credentials, docstore.Query{Range: since}, func(c *storagev1.Credential) {
		if c.GetNotBefore() != nil {
			s.revocations.RevokeBefore(c.GetPerson(), c.GetNotBefore().AsTime())
		}
		for _, r := range c.GetRevokedSessions() {
			s.revocations.RevokeSession(r.GetSession(), r.GetExpireTime().AsTime())
		}
	})
	if err != nil {
		return fmt.Errorf("read revocations: %w", err)
	}
	err = each(ctx, s.store.delegations, docstore.Query{Range: since}, func(d *directoryv1.Delegation) {
		if d.GetRevokeTime() != nil {
			s.revocations.RevokeSession(d.GetName(), d.GetRevokeTime().AsTime().Add(auth.UserTokenLife))
		}
	})
	if err != nil {
		return fmt.Errorf("read revoked delegations: %w", err)
	}
	err = each(ctx, s.store.people, docstore.Query{Range: since}, func(p *directoryv1.Person) {
		s.revocations.RevokeBefore(p.GetName(), p.GetUpdateTime().AsTime())
	})
	if err != nil {
		return fmt.Errorf("read changed people: %w", err)
	}
	if err := s.syncSystems(ctx, since); err != nil {
		return fmt.Errorf("read changed systems: %w", err)
	}
	s.synced = now
	return nil
}

// syncSystems forgets what is remembered of API keys when another process changed
// a system or a key.
func (s *Server) syncSystems(ctx context.Context, since *docstore.Range) error {
	seen := map[string]string{}
	changed := false
	note := func(name, version string) {
		seen[name] = version
		changed = changed || s.seenSystems[name] != version
	}
	err := each(ctx, s.store.systems, docstore.Query{Range: since}, func(y *directoryv1.System) {
		note(y.GetName(), y.GetEtag())
	})
	if err == nil {
		err = each(ctx, s.store.apiKeys, docstore.Query{Range: since}, func(k *storagev1.ApiKey) {
			if k.GetRevokeTime() != nil { // all else about a key stays, but for its use
				note(k.GetName(), "revoked")
			}
		})
	}
	if err != nil {
		return err
	}
	s.seenSystems = seen
	if changed {
		s.forgetSystems()
	}
	return nil
}

// changeCredential changes a person's credential and ends the sessions that
// rule says it ended: in the store first, then in this process. rule gets the
// time inside the write, so that a session which began just before the write
// began before that time. A person without a credential gets one.
func (s *Server) changeCredential(ctx context.Context, p *directoryv1.Person, event string, rule func(c *storagev1.Credential, now time.Time) (ended []string)) error {
	ctx = docstore.WithStep(ctx, "credential")
	name := credentialName(p.GetLogin())
	var ended []string
	var at time.Time
	apply := func(c *storagev1.Credential, _ docstore.Meta) (docstore.Change, error) {
		at = s.now()
		ended = rule(c, at)
		return docstore.Change{Details: events(event)}, nil
	}
	_, _, err := s.store.credentials.Update(ctx, name, docstore.Precondition{}, apply)
	if isNotFound(err) {
		c := &storagev1.Credential{Name: name, Person: p.GetName()}
		change, _ := apply(c, docstore.Meta{}) // never fails
		if _, _, err = s.store.credentials.Create(ctx, c, change); isAlreadyExists(err) {
			_, _, err = s.store.credentials.Update(ctx, name, docstore.Precondition{}, apply)
		}
	}
	if err != nil {
		return fmt.Errorf("change the credential of %s: %w", p.GetName(), err)
	}
	if at.IsZero() { // answered from an earlier call with the same request id
		return nil
	}
	s.refuse(p.GetName(), ended, at)
	return nil
}

// refuse refuses, in this process, a person's access tokens from before a time,
// and those of sessions that were ended at that time.
func (s *Server) refuse(person string, sessions []string, before time.Time) {
	for _, session := range sessions {
		s.revocations.RevokeSession(session, before.Add(auth.UserTokenLife))
	}
	s.revocations.RevokeBefore(person, before)
}

// prepareStrangers makes the document that takes the failures of sign-in names
// nobody has.
func (s *Server) prepareStrangers(ctx context.Context) error {
	_, _, err := s.store.credentials.Get(ctx, strangerCredential)
	if !isNotFound(err) {
		return err
	}
	ctx = asService(ctx, "start", "")
	_, _, err = s.store.credentials.Create(ctx, &storagev1.Credential{Name: strangerCredential}, docstore.Change{})
	if isAlreadyExists(err) {
		return nil
	}
	return err
}
