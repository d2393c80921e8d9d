package rpc

import (
	"context"
	"net/netip"
	"sync"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/peer"
	"google.golang.org/protobuf/types/known/durationpb"

	"fashen/internal/auth"
	"fashen/internal/docstore"
)

// Rates bound how many calls a second are taken from one side; 0 takes any number.
// Twice as many may come at once. Health and reflection are not counted, nor what
// one service asks of another for a caller who was let in.
type Rates struct {
	// Caller is for one person, and for one API key.
	Caller int
	// SignIn is for calls that need no sign-in, from one address.
	SignIn int
	// Unauthenticated is for calls without a valid credential, from one address.
	// The valid ones from there are not held up.
	Unauthenticated int
}

// MetadataClient carries the address of the gateway's client. It is believed with
// the gateway's service token alone.
const MetadataClient = "x-fashen-client"

// GatewayService is the name with which the gateway proves itself. It is a door
// and no service: what it passes on counts as called by the client itself.
const GatewayService = "gateway"

// trackedSides bounds each bucket map, some hundred bytes a side.
const trackedSides = 20_000

// limiters are the buckets of a server.
type limiters struct{ callers, signIns, unauthenticated *limiter }

func newLimiters(r Rates, now docstore.Clock) limiters {
	return limiters{newLimiter(r.Caller, now), newLimiter(r.SignIn, now), newLimiter(r.Unauthenticated, now)}
}

// limiter holds a token bucket for each side that called of late; nil lets all
// through.
type limiter struct {
	perSecond, burst float64
	now              docstore.Clock

	mu    sync.Mutex
	sides map[string]*bucket
	swept time.Time
}

type bucket struct {
	left float64
	at   time.Time
}

func newLimiter(perSecond int, now docstore.Clock) *limiter {
	if perSecond <= 0 {
		return nil
	}
	return &limiter{perSecond: float64(perSecond), burst: 2 * float64(perSecond), now: now, sides: map[string]*bucket{}}
}

// take takes one call from a side's bucket, or tells to come again.
func (l *limiter) take(side string) error {
	if l == nil {
		return nil
	}
	now := l.now()
	l.mu.Lock()
	defer l.mu.Unlock()
	b := l.sides[side]
	if b == nil {
		l.makeRoom(now)
		b = &bucket{left: l.burst, at: now}
		l.sides[side] = b
	}
	b.left, b.at = l.refilled(b, now), now
	if b.left < 1 {
		return errRateLimited(time.Duration((1 - b.left) / l.perSecond * float64(time.Second)))
	}
	b.left--
	return nil
}

func (l *limiter) refilled(b *bucket, now time.Time) float64 {
	return min(l.burst, b.left+max(0, now.Sub(b.at).Seconds())*l.perSecond)
}

// makeRoom drops, when there are too many sides, those whose bucket is full again,
// looking once a second at most, and else any one.
func (l *limiter) makeRoom(now time.Time) {
	if len(l.sides) < trackedSides {
		return
	}
	if now.Sub(l.swept) >= time.Second {
		l.swept = now
		for side, b := range l.sides {
			if l.refilled(b, now) >= l.burst {
				delete(l.sides, side)
			}
		}
	}
	for side := range l.sides {
		if len(l.sides) < trackedSides {
			return
		}
		delete(l.sides, side)
	}
}

func errRateLimited(wait time.Duration) error {
	return fail(codes.ResourceExhausted, nil, ReasonRateLimited, "请求过于频繁，请稍后重试", nil,
		&errdetails.RetryInfo{RetryDelay: durationpb.New(wait)})
}

// sideOf names the bucket of a caller: each key of a system has its own, and a
// delegate calls at their own account.
func sideOf(c auth.Caller) string {
	if c.IsSystem() {
		return c.Person + "/apiKeys/" + c.Session
	}
	return c.Actor()
}

// clientOf is the address a call comes from, without its port: that of the
// gateway's client, if the gateway passed it on. Of an IPv6 address it is the /64,
// which is the least a network hands out.
func (c *chain) clientOf(ctx context.Context) string {
	if told := metadata.ValueFromIncomingContext(ctx, MetadataClient); len(told) == 1 {
		if service, err := c.service(ctx); err == nil && service == servicePrefix+GatewayService {
			return network(told[0])
		}
	}
	if from, ok := peer.FromContext(ctx); ok && from.Addr != nil {
		if at, err := netip.ParseAddrPort(from.Addr.String()); err == nil {
			return network(at.Addr().String())
		}
		return from.Addr.String()
	}
	return ""
}

func network(address string) string {
	at, err := netip.ParseAddr(address)
	if err != nil {
		return address
	}
	if at = at.Unmap(); at.Is6() {
		if prefix, err := at.WithZone("").Prefix(64); err == nil {
			return prefix.String()
		}
	}
	return at.String()
}
