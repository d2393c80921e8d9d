package counsel

import (
	"fmt"
	"slices"

	corev1 "fashen/gen/fashen/core/v1"
	counselv1 "fashen/gen/fashen/counsel/v1"
	"fashen/internal/auth"
	"fashen/internal/docstore"
	"fashen/internal/rpc"
)

// discusses hides the discussion of a case from whoever drafted its subject: they
// may be reviewers of other cases.
func discusses(c *counselv1.Case, who auth.Caller) error {
	if who.Among(c.GetDrafters()) {
		return rpc.NotFound(c.GetName())
	}
	return nil
}

// newComment adds to the discussion of a case. to is the comment it answers; nil
// where it answers none. counsel are those with an accepted assignment: they alone
// are addressed, and answer what was addressed to them.
func newComment(name string, c *counselv1.Case, in, to *counselv1.Comment, counsel []string, who auth.Caller) (*counselv1.Comment, docstore.Change, error) {
	for i, person := range in.GetAddressees() {
		if !slices.Contains(counsel, person) {
			return nil, docstore.Change{}, rpc.Field(fmt.Sprintf("comment.addressees[%d]", i), "ADDRESSEE_UNKNOWN", "只能发给已接受本案指派的法律顾问")
		}
	}
	if !who.Has(corev1.Role_ROLE_REVIEWER) && (len(in.GetAddressees()) > 0 || !slices.Contains(to.GetAddressees(), who.Person)) {
		return nil, docstore.Change{}, rpc.Field("comment.reply_to", "COMMENT_UNKNOWN", "法律顾问只能答复发给本人的讨论意见")
	}
	m := &counselv1.Comment{
		Name: name, Text: in.GetText(), Anchor: in.GetAnchor(), ReplyTo: in.GetReplyTo(), Addressees: in.GetAddressees(),
		Author: who.Actor(), OnBehalfOf: who.OnBehalfOf(), Round: last(c).GetNumber(),
	}
	grant := append([]string{auth.RoleViewer(regionOf(name), corev1.Role_ROLE_REVIEWER), who.Person}, m.GetAddressees()...)
	return m, docstore.Change{Grant: grant}, nil
}
