package main

import (
	"context"
	"fmt"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protojson"

	corev1 "fashen/gen/fashen/core/v1"
	counselv1 "fashen/gen/fashen/counsel/v1"
)

// concluded is the type of the event this client waits for.
const concluded = "fashen.counsel.ConcludeCase.done"

// silent is how long a watch may be without a message.
const silent = 45 * time.Second

// takePlace remembers the end of the feed as the place to go on from. The first
// message of a watch tells it.
func (c *client) takePlace(ctx context.Context) error {
	first, err := retry(ctx, func(ctx context.Context) (*corev1.WatchResponse, error) {
		stream, err := c.feed.Watch(ctx, &corev1.WatchRequest{Parent: c.region, Service: "counsel"})
		if err != nil {
			return nil, err
		}
		return stream.Recv()
	})
	if err != nil {
		return err
	}
	c.state.ResumeToken = first.GetResumeToken()
	return c.state.keep()
}

// await follows the events of a case until its review is concluded.
func (c *client) await(ctx context.Context, name string) (*counselv1.Case, error) {
	for n := 1; ; {
		review, err := retry(ctx, func(ctx context.Context) (*counselv1.Case, error) {
			return c.counsel.GetCase(ctx, &counselv1.GetCaseRequest{Name: name})
		})
		if err != nil || c.state.Entry != nil {
			return review, err
		}
		fmt.Printf("waiting for the review %s, now %s\n", name, review.GetState())
		told, err := c.follow(ctx, name)
		if told {
			n = 1 // the connection was good: pauses begin short again
		}
		switch {
		case err == nil:
		case status.Code(err) == codes.OutOfRange:
			c.state.ResumeToken = "" // older than 90 days: from the start, then
		case !passing(err):
			return nil, err
		default:
			if err := pause(ctx, n, err); err != nil {
				return nil, err
			}
			n++
		}
	}
}

// follow handles events until the conclusion, and tells whether there were any
// messages. The token is kept once its message is handled: after a break the feed
// goes on right there, with nothing left out and nothing twice.
func (c *client) follow(ctx context.Context, name string) (told bool, err error) {
	ctx, end := context.WithCancelCause(ctx)
	defer end(nil)
	// Heartbeats come every 15 seconds. A connection without any is dead, even if
	// nobody said so.
	silence := time.AfterFunc(silent, func() { end(status.Error(codes.Unavailable, "no heartbeat")) })
	defer silence.Stop()
	stream, err := c.feed.Watch(ctx, &corev1.WatchRequest{
		Parent: c.region, Service: "counsel", Resources: []string{name},
		ResumeToken: c.state.ResumeToken, FromStart: c.state.ResumeToken == "",
	})
	if err != nil {
		return false, err
	}
	for c.state.Entry == nil {
		message, err := stream.Recv()
		if context.Cause(ctx) != nil {
			return told, context.Cause(ctx)
		}
		if err != nil {
			return told, err
		}
		told = true
		silence.Reset(silent)
		if err := c.handle(message.GetEvent()); err != nil {
			return told, err
		}
		c.state.ResumeToken = message.GetResumeToken()
		if err := c.state.keep(); err != nil {
			return told, err
		}
	}
	return told, nil
}

// handle tells of an event, and keeps the conclusion.
func (c *client) handle(event *corev1.Event) (err error) {
	if event == nil {
		return nil // a heartbeat
	}
	fmt.Printf("event %d %s %s → %s\n", event.GetPosition(), event.GetType(), event.GetData().GetFromState(), event.GetData().GetToState())
	if event.GetType() == concluded {
		c.state.Position = event.GetPosition()
		c.state.Entry, err = protojson.Marshal(event.GetData())
	}
	return err
}

// opinion fetches the signed opinion that the conclusion rests on.
func (c *client) opinion(ctx context.Context, review *counselv1.Case) error {
	rounds := review.GetRounds()
	o, err := retry(ctx, func(ctx context.Context) (*counselv1.Opinion, error) {
		return c.counsel.GetOpinion(ctx, &counselv1.GetOpinionRequest{Name: rounds[len(rounds)-1].GetOpinion()})
	})
	if err != nil {
		return err
	}
	fmt.Printf("opinion %s: %s\n", o.GetConclusion(), o.GetSummary())
	for n, item := range o.GetItems() {
		fmt.Printf("  %d. %s 第%d条“%s”：%s（%s）\n", n+1, item.GetSeverity(), item.GetAnchor().GetArticle(), item.GetAnchor().GetQuote(), item.GetAnalysis(), item.GetBasis())
	}
	fmt.Printf("signed %s, digest %.12s…\n", o.GetSignTime().AsTime().Format("2006-01-02 15:04:05Z"), o.GetContentDigest())
	return nil
}
