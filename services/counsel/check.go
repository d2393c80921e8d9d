package counsel

import (
	"slices"
	"strings"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	corev1 "fashen/gen/fashen/core/v1"
	counselv1 "fashen/gen/fashen/counsel/v1"
	"fashen/internal/auth"
	"fashen/internal/docstore"
	"fashen/internal/rpc"
)

// newCheck asks a colleague to look at a draft before it is signed. The check is of
// the content as it is now, which must be ready to be signed.
func newCheck(name string, o *counselv1.Opinion, c *counselv1.Case, in *counselv1.Check, who auth.Caller) (*counselv1.Check, docstore.Change, error) {
	if err := writable(o, who); err != nil {
		return nil, docstore.Change{}, err
	}
	if o.GetKind() != counselv1.Opinion_REVIEW {
		return nil, docstore.Change{}, rpc.NotFound(o.GetName())
	}
	if err := signable(o, c); err != nil {
		return nil, docstore.Change{}, err
	}
	if who.Actor() == in.GetChecker() || slices.Contains(writers(o, c), in.GetChecker()) {
		return nil, docstore.Change{}, ownCheck()
	}
	digest, err := contentDigest(o)
	if err != nil {
		return nil, docstore.Change{}, err
	}
	ch := &counselv1.Check{
		Name: name, ContentDigest: digest, Question: in.GetQuestion(), Checker: in.GetChecker(),
		Author: who.Actor(), State: counselv1.Check_REQUESTED,
	}
	return ch, docstore.Change{
		To: ch.GetState().String(), Grant: []string{o.GetAuthor(), ch.GetChecker()},
		Details: []*corev1.Detail{docstore.Detail("checker", ch.GetChecker()), docstore.Detail("content_digest", digest)},
	}, nil
}

// writers are the people who may not check an opinion: who wrote on it, and who
// drafted what it is about.
func writers(o *counselv1.Opinion, c *counselv1.Case) []string {
	return slices.Concat([]string{o.GetAuthor()}, o.GetDelegates(), c.GetDrafters())
}

func ownCheck() error {
	return refused(codeSelfReview, "", "审核意见应当由起草该意见和送审稿以外的另一名审核人员复核")
}

// decide takes the checker's decision on a draft as it is now.
func decide(ch *counselv1.Check, o *counselv1.Opinion, c *counselv1.Case, in *counselv1.DecideCheckRequest, who auth.Caller, now time.Time) (docstore.Change, error) {
	from, sentBack := ch.GetState(), in.GetDecision() == counselv1.DecideCheckRequest_SEND_BACK
	switch {
	case ch.GetChecker() != who.Person:
		return docstore.Change{}, rpc.NotFound(ch.GetName())
	case sentBack && strings.TrimSpace(in.GetNote()) == "":
		return docstore.Change{}, rpc.Field("note", "REQUIRED", "退回修改的，应当写明理由")
	case from != counselv1.Check_REQUESTED:
		return docstore.Change{}, refused(codeRecordClosed, "", "复核意见已经作出，不能再改")
	case who.Among(append(writers(o, c), ch.GetAuthor())):
		return docstore.Change{}, ownCheck()
	}
	ch.State = counselv1.Check_APPROVED
	if sentBack {
		ch.State = counselv1.Check_SENT_BACK
	}
	digest, err := contentDigest(o)
	if err != nil {
		return docstore.Change{}, err
	}
	if ch.GetState() == counselv1.Check_APPROVED && digest != ch.GetContentDigest() {
		return docstore.Change{}, refused(codeCheckStale, "", "提请复核后意见已有改动，应当就现有内容重新提请复核")
	}
	ch.Note, ch.Decider, ch.DecideTime = in.GetNote(), who.Actor(), timestamppb.New(now)
	return docstore.Change{
		From: from.String(), To: ch.GetState().String(),
		Details: []*corev1.Detail{docstore.Detail("content_digest", ch.GetContentDigest())},
	}, nil
}

// checked refuses the signature of a review opinion that the region wants checked
// and that was not, for exactly this content, or by somebody who wrote on it or
// signs it. newest is the newest check of the content; nil when there is none.
func checked(o *counselv1.Opinion, digest string, newest *counselv1.Check, who auth.Caller) error {
	if newest.GetState() != counselv1.Check_APPROVED || newest.GetContentDigest() != digest {
		return refused(codeCheckMissing, "", "审核意见应当经另一名审核人员就现有内容复核通过后签署")
	}
	people := []string{newest.GetChecker(), newest.GetDecider()}
	if who.Among(people) || slices.ContainsFunc(o.GetDelegates(), func(d string) bool { return slices.Contains(people, d) }) {
		return ownCheck()
	}
	return nil
}
