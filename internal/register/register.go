// Package register gives numbers without gaps, for documents and letters
// (FACTS 3.1 DN-06): one stored document a number, whose creation is the claim.
// No two claims get the same number, whatever the processes that make them and
// wherever one of them dies; a subject that claims again gets the number it has.
package register

import (
	"context"
	"errors"
	"fmt"

	corev1 "fashen/gen/fashen/core/v1"
	"fashen/internal/calendar"
	"fashen/internal/docstore"
)

// spec keeps the numbers. By subject, a claim that was made is found again; by
// number, the newest of a register.
var spec = docstore.Spec{
	Name: "numbers",
	Indexes: []docstore.Index{
		{Fields: []string{"subject"}, Unique: true},
		{Fields: []string{"register", "number"}},
		{Fields: []string{docstore.FieldViewers, "register", "number"}},
	},
}

// Register are the registers of one service.
type Register struct {
	numbers docstore.Collection[*corev1.RegisterNumber]
}

// Open opens the registers kept in a store.
func Open(ctx context.Context, engine docstore.Engine, o docstore.Options) (*Register, error) {
	numbers, err := docstore.NewCollection[*corev1.RegisterNumber](ctx, engine, spec, o)
	return &Register{numbers: numbers}, err
}

// Claim is what a number is asked for.
type Claim struct {
	// Register is the name of the register, which carries its year.
	Register string
	// Subject is the resource that gets the number.
	Subject string
	// Date is the day of the claim, Asia/Shanghai.
	Date calendar.Date
	// Text writes the number out, such as 示例法审〔2026〕7号.
	Text func(number int64) string
	// Viewers may see it.
	Viewers []string
}

// maxClaims bounds how often a claim that others are ahead of is made again. Each
// round somebody gets a number, so that n claims at once end after n rounds.
const maxClaims = 1000

// ErrBusy says that others were ahead at every turn.
var ErrBusy = errors.New("register: too many claims at once")

// Claim gives the next number to a subject, or answers the one it has. Errors:
// ErrBusy, and those of the store.
func (r *Register) Claim(ctx context.Context, c Claim) (*corev1.RegisterNumber, error) {
	ctx = docstore.WithoutRequest(ctx) // the subject makes it idempotent
	for range maxClaims {
		if n, err := r.Of(ctx, c.Subject); !errors.Is(err, docstore.ErrNotFound) {
			return n, err
		}
		newest, err := r.newest(ctx, c.Register)
		if err != nil {
			return nil, err
		}
		n := &corev1.RegisterNumber{
			Name: fmt.Sprintf("%s/numbers/%d", c.Register, newest+1), Register: c.Register, Number: newest + 1,
			Text: c.Text(newest + 1), Subject: c.Subject, ClaimDate: c.Date.Proto(),
		}
		n, _, err = r.numbers.Create(ctx, n, docstore.Change{
			Grant:   c.Viewers,
			Details: []*corev1.Detail{docstore.Detail("subject", c.Subject), docstore.Detail("text", n.GetText())},
		})
		if !errors.Is(err, docstore.ErrAlreadyExists) {
			return n, err
		}
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
	}
	return nil, ErrBusy
}

// Of is the number a subject has; docstore.ErrNotFound where it has none.
func (r *Register) Of(ctx context.Context, subject string) (*corev1.RegisterNumber, error) {
	page, err := r.numbers.List(ctx, docstore.Query{Equal: map[string]any{"subject": subject}, PageSize: 1})
	if err != nil {
		return nil, err
	}
	if len(page.Items) == 0 {
		return nil, docstore.ErrNotFound
	}
	return page.Items[0], nil
}

// newest is the last number of a register; 0 in an empty one.
func (r *Register) newest(ctx context.Context, register string) (int64, error) {
	page, err := r.numbers.List(ctx, docstore.Query{
		Equal: map[string]any{"register": register}, OrderBy: "number", Descending: true, PageSize: 1,
	})
	if err != nil || len(page.Items) == 0 {
		return 0, err
	}
	return page.Items[0].GetNumber(), nil
}

// List answers a page of the numbers of a register that one of the viewers may
// see, in order.
func (r *Register) List(ctx context.Context, register string, viewers []string, size int, token string) ([]*corev1.RegisterNumber, string, error) {
	page, err := r.numbers.List(ctx, docstore.Query{
		Equal: map[string]any{"register": register}, AnyOf: &docstore.AnyOf{Field: docstore.FieldViewers, Values: viewers},
		OrderBy: "number", PageSize: size, PageToken: token,
	})
	return page.Items, page.NextPageToken, err
}
