package auth

import (
	"cmp"
	"context"
	"slices"
	"strings"

	corev1 "fashen/gen/fashen/core/v1"
)

// Caller is the person for whom a call is made, as their token tells, or the
// system whose key it carries. It is shared between calls: read it, never change
// its slices.
//
// Where somebody acts in an absent person's place, everything but Delegate is the
// absent person's: what may be seen and done. So whoever must be another person
// than somebody is compared by [Caller.Among], and who did something is
// [Caller.Actor].
type Caller struct {
	// Person is `regions/{region}/people/{person}`, or
	// `regions/{region}/systems/{system}` for another program with an API key.
	Person string
	// Region is `regions/{region}`: the region in which the roles hold.
	Region string
	// Bureau is `regions/{region}/bureaus/{bureau}`; empty for outside counsel.
	Bureau string
	// Predecessors are the bureaus whose successor Bureau is; its staff see what
	// theirs could see.
	Predecessors []string
	// LawFirm is the firm of outside counsel; empty otherwise.
	LawFirm string
	// Session is the id of the sign-in the token belongs to; for a system, the id
	// of its key. Empty for a token that was issued outside, whose session is there.
	Session string
	// Roles are the roles the person holds in Region.
	Roles []corev1.Role
	// Services are those whose RPCs a system's key may call, by short name such
	// as `filing`; nil for a person, who may call all.
	Services []string
	// Delegate is the person who really acts, in the place of Person who is absent;
	// empty where Person acts. Delegation, `regions/{region}/delegations/{delegation}`,
	// lets them.
	Delegate, Delegation string
	// Via is the service that passed the call on, `services/{service}`; empty
	// for a direct call. It is proven by a service token, never by a header alone.
	Via string
	// Vouched is the service that asks on its own account what this person asked of
	// it before, `services/{service}`; empty where the person's own token is there.
	Vouched string
}

// Has tells whether the caller holds the role.
func (c Caller) Has(role corev1.Role) bool {
	return slices.Contains(c.Roles, role)
}

// HasAny tells whether the caller holds at least one of the roles.
func (c Caller) HasAny(roles ...corev1.Role) bool {
	return slices.ContainsFunc(roles, c.Has)
}

// Actor is who really acts: the delegate, or the person where there is none.
func (c Caller) Actor() string { return cmp.Or(c.Delegate, c.Person) }

// OnBehalfOf is the absent person in whose place the delegate acts; empty where
// the person acts.
func (c Caller) OnBehalfOf() string {
	if c.Delegate == "" {
		return ""
	}
	return c.Person
}

// Among tells whether the person, or the delegate in their place, is one of people.
func (c Caller) Among(people []string) bool {
	return slices.Contains(people, c.Person) || c.Delegate != "" && slices.Contains(people, c.Delegate)
}

// IsSystem tells whether the caller is a program with an API key.
func (c Caller) IsSystem() bool { return c.Services != nil }

// Reaches tells whether the credential of the caller is good for a service, by
// its short name. Where a service passes a call on for the caller, what it needs
// of others is part of what the caller may do there.
func (c Caller) Reaches(service string) bool {
	return !c.IsSystem() || c.Via != "" || slices.Contains(c.Services, service)
}

// Viewers lists everything a document may name to let this caller see it: the
// [Caller.Insiders], and the [AskedViewer] of the bureau and its predecessors.
// Queries match it against a document's viewers.
func (c Caller) Viewers() []string {
	viewers := c.Insiders()
	if c.Bureau != "" {
		viewers = append(viewers, AskedViewer(c.Bureau))
	}
	for _, bureau := range c.Predecessors {
		viewers = append(viewers, AskedViewer(bureau))
	}
	return viewers
}

// Insiders are the [Caller.Viewers] that take part in what the document is for: the
// person, the bureau and its predecessors, and one [RoleViewer] for each role. They
// alone see what happens to it, and what is thought of it.
func (c Caller) Insiders() []string {
	viewers := make([]string, 0, 3+2*len(c.Predecessors)+len(c.Roles))
	viewers = append(viewers, c.Person)
	if c.Bureau != "" {
		viewers = append(viewers, c.Bureau)
	}
	viewers = append(viewers, c.Predecessors...)
	for _, role := range c.Roles {
		viewers = append(viewers, RoleViewer(c.Region, role))
	}
	return viewers
}

// RoleViewer is the viewer that stands for all holders of a role in a region
// (`regions/{region}`), such as `regions/120105/roles/reviewer`.
func RoleViewer(region string, role corev1.Role) string {
	name := strings.TrimPrefix(role.String(), "ROLE_")
	return region + "/roles/" + strings.ReplaceAll(strings.ToLower(name), "_", "-")
}

// AskedViewer is the viewer that stands for the people of a bureau
// (`regions/{region}/bureaus/{bureau}`) that is only asked for its opinion.
func AskedViewer(bureau string) string { return bureau + "/asked" }

type callerKey struct{}

// WithCaller puts the caller into the context.
func WithCaller(ctx context.Context, c Caller) context.Context {
	return context.WithValue(ctx, callerKey{}, c)
}

// CallerFrom tells who calls; false when nobody is signed in.
func CallerFrom(ctx context.Context) (Caller, bool) {
	c, ok := ctx.Value(callerKey{}).(Caller)
	return c, ok
}
