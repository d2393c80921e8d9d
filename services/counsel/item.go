package counsel

import (
	"cmp"
	"regexp"
	"slices"
	"strings"

	datepb "google.golang.org/genproto/googleapis/type/date"

	corev1 "fashen/gen/fashen/core/v1"
	counselv1 "fashen/gen/fashen/counsel/v1"
	"fashen/internal/auth"
	"fashen/internal/docstore"
	"fashen/internal/rpc"
)

// maxItems is the most items of one opinion.
const maxItems = 200

// nameItems gives an id to every item without one; an id that the opinion did not
// have, or that stands twice, is no id. newID may be called again for the same item.
func nameItems(items, known []*counselv1.OpinionItem, newID func() string) {
	for i, item := range items {
		taken := slices.ContainsFunc(items[:i], func(other *counselv1.OpinionItem) bool { return other.GetId() == item.GetId() })
		if item.GetId() == "" || taken || itemIndex(known, item.GetId()) < 0 {
			item.Id = newID()
		}
	}
}

func itemIndex(items []*counselv1.OpinionItem, id string) int {
	return slices.IndexFunc(items, func(i *counselv1.OpinionItem) bool { return i.GetId() == id })
}

// addItem appends an item to a draft. One made from a finding stands once.
func addItem(o *counselv1.Opinion, item *counselv1.OpinionItem, who auth.Caller, newID func() string) (docstore.Change, error) {
	if err := writable(o, who); err != nil {
		return docstore.Change{}, err
	}
	made := slices.ContainsFunc(o.GetItems(), func(i *counselv1.OpinionItem) bool {
		return i.GetFinding() == item.GetFinding() && i.GetCase() == item.GetCase()
	})
	switch {
	case item.GetFinding() != "" && made:
		return docstore.Change{}, docstore.ErrUnchanged
	case len(o.GetItems()) >= maxItems:
		return docstore.Change{}, rpc.Field("item", rpc.ReasonTooLarge, "一份意见最多200条")
	}
	item.Id = newID()
	o.Items = append(o.Items, item)
	return wrote(o, who, item)
}

// replaceItem puts an item in the place of the one with its id.
func replaceItem(o *counselv1.Opinion, item *counselv1.OpinionItem, who auth.Caller) (docstore.Change, error) {
	if err := writable(o, who); err != nil {
		return docstore.Change{}, err
	}
	i := itemIndex(o.GetItems(), item.GetId())
	if i < 0 || item.GetId() == "" {
		return docstore.Change{}, itemUnknown("item.id")
	}
	o.Items[i] = item
	return wrote(o, who, item)
}

// removeItem removes an item.
func removeItem(o *counselv1.Opinion, id string, who auth.Caller) (docstore.Change, error) {
	if err := writable(o, who); err != nil {
		return docstore.Change{}, err
	}
	i := itemIndex(o.GetItems(), id)
	if i < 0 {
		return docstore.Change{}, itemUnknown("item_id")
	}
	item := o.GetItems()[i]
	o.Items = slices.Delete(o.GetItems(), i, i+1)
	return wrote(o, who, item)
}

// counselItem parts the name of an item of counsel's into its opinion and its id.
func counselItem(name string) (opinion, id string) {
	opinion, id, _ = strings.Cut(name, "/items/")
	return opinion, id
}

// caseOfItem is the case whose ledger an item enters.
func caseOfItem(o *counselv1.Opinion, item *counselv1.OpinionItem) string {
	return cmp.Or(item.GetCase(), parentCase(o.GetName()))
}

// takesUp checks the item of counsel's that an item of a review opinion takes up: one
// of a signed opinion of counsel's in the same case. field is its path in the request.
func takesUp(o *counselv1.Opinion, item *counselv1.OpinionItem, from *counselv1.Opinion, field string) error {
	_, id := counselItem(item.GetCounselItem())
	known := from.GetState() == counselv1.Opinion_SIGNED && from.GetKind() == counselv1.Opinion_COUNSEL &&
		parentCase(from.GetName()) == caseOfItem(o, item) && id != "" && itemIndex(from.GetItems(), id) >= 0
	if o.GetKind() != counselv1.Opinion_REVIEW || !known {
		return rpc.Field(field, "COUNSEL_ITEM_UNKNOWN", "应当是法律顾问在本案已签署意见中的一条，且只能在审核意见中引用")
	}
	return nil
}

func itemUnknown(field string) error {
	return rpc.Field(field, "ITEM_UNKNOWN", "意见中没有这一条")
}

// wrote ends the change of one item.
func wrote(o *counselv1.Opinion, who auth.Caller, item *counselv1.OpinionItem) (docstore.Change, error) {
	noteDelegate(o, who)
	if err := checkSize(o); err != nil {
		return docstore.Change{}, err
	}
	return docstore.Change{
		From: o.GetState().String(), To: o.GetState().String(),
		Details: []*corev1.Detail{docstore.Detail("item", item.GetId()), docstore.Detail("items", len(o.GetItems()))},
	}, nil
}

// itemOf makes an item of a finding, for its author to look at: a rule suspects and
// does not decide. day is the one whose law the finding rests on.
func itemOf(f *corev1.Finding, day *datepb.Date) *counselv1.OpinionItem {
	severity := counselv1.OpinionItem_SHOULD
	if f.GetStrength() == corev1.Strength_STRENGTH_DIRECT {
		severity = counselv1.OpinionItem_MUST
	}
	return &counselv1.OpinionItem{
		Kind: counselv1.OpinionItem_CONTENT, Severity: severity, Anchor: f.GetAnchor(), Finding: f.GetId(),
		Basis: f.GetLaw(), LegalBases: basesOf(f.GetLaw(), day), Analysis: f.GetReason(), RecommendedWording: f.GetRewrite(),
	}
}

// cited is a law by its title and the provision behind it, up to the next law.
var cited = regexp.MustCompile(`《([^《》]{2,200})》([^《》；;，,。]*)`)

// basesOf reads the laws out of a citation in words, such as
// 《公平竞争审查条例》第十条第二项.
func basesOf(law string, day *datepb.Date) []*counselv1.LegalBasis {
	var out []*counselv1.LegalBasis
	for _, m := range cited.FindAllStringSubmatch(law, 20) {
		article := strings.TrimSpace(m[2])
		if len(article) > 300 { // bytes: 100 characters
			article = ""
		}
		out = append(out, &counselv1.LegalBasis{Law: m[1], Article: article, ReferenceDate: day})
	}
	return out
}

// partOf tells whether a draft is one of a subject.
func partOf(revision, subject string) bool { return strings.HasPrefix(revision, subject+"/revisions/") }
