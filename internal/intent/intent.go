// Package intent finishes what a call began and could not: a transition that
// needs another service stores what it wants done in the resource itself, in the
// write that accepts the call, does it right after, and takes the intent out
// again. Where that does not succeed, or the process ends in between, a leased
// [Driver] does it, again and again with growing pauses, until it is done or has
// to be given up for an administrator.
//
// What it rests on: whoever performs an intent may be one of several at the same
// moment, so every step names the intent by its id, and the called services and
// the resource take each step once.
package intent

import (
	"context"
	"strings"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	corev1 "fashen/gen/fashen/core/v1"
	"fashen/internal/auth"
	"fashen/internal/docstore"
	"fashen/internal/resource"
	"fashen/internal/rpc"
)

// FieldState is the field of a resource that [Queue] lists by: a collection with
// intents declares an index of it alone.
const FieldState = "intent.state"

// New makes the intent of a call on a resource: asked for by the caller, to be
// named by an id of its own.
func New(subject, method string, who auth.Caller, now time.Time) *corev1.Intent {
	return &corev1.Intent{
		Name: subject + "/intents/" + resource.NewID(now), State: corev1.Intent_OPEN, Method: method,
		Requester: who.Person, Bureau: who.Bureau, Delegate: who.Delegate, Delegation: who.Delegation,
		CreateTime: timestamppb.New(now),
	}
}

// ID is the request id of the calls that are made for an intent.
func ID(i *corev1.Intent) string {
	return i.GetName()[strings.LastIndexByte(i.GetName(), '/')+1:]
}

// Subject is the resource an intent belongs to.
func Subject(name string) string {
	subject, _, _ := strings.Cut(name, "/intents/")
	return subject
}

// Step is the context of one write for an intent: whoever makes it, in the call or
// later, it is made once.
func Step(ctx context.Context, i *corev1.Intent, step string) context.Context {
	o, ok := docstore.OriginFrom(ctx)
	if !ok {
		return ctx
	}
	o.RequestID, o.RequestDigest = ID(i)+"#"+step, nil
	return docstore.WithOrigin(ctx, o)
}

// background is the context in which a service performs an intent after the call:
// it acts for whoever asked, and what it writes is on record so.
func background(ctx context.Context, service string, i *corev1.Intent) context.Context {
	who := auth.Caller{
		Person: i.GetRequester(), Region: resource.Region(i.GetName()), Bureau: i.GetBureau(),
		Delegate: i.GetDelegate(), Delegation: i.GetDelegation(),
	}
	trace := rpc.NewTraceID()
	ctx = rpc.ActFor(auth.WithCaller(rpc.WithTrace(ctx, trace), who), who)
	return docstore.WithOrigin(ctx, docstore.Origin{
		Actor: who.Actor(), OnBehalfOf: who.OnBehalfOf(), ViaService: "services/" + service, Method: i.GetMethod(), TraceID: trace,
	})
}
