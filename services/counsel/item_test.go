package counsel

import (
	"errors"
	"testing"

	datepb "google.golang.org/genproto/googleapis/type/date"
	"google.golang.org/protobuf/proto"

	corev1 "fashen/gen/fashen/core/v1"
	counselv1 "fashen/gen/fashen/counsel/v1"
	"fashen/internal/docstore"
	"fashen/internal/rpc"
)

// Items are written one at a time, by the author, until the opinion is signed.
func TestItemsOneAtATime(t *testing.T) {
	c, id := at(t, counselv1.Case_UNDER_REVIEW), nextID()
	o := drafted(c, counselv1.Conclusion_REVISE)
	add := func(finding string) error {
		item := itemWith(counselv1.OpinionItem_CONTENT, counselv1.OpinionItem_MUST)
		item.Finding = finding
		_, err := addItem(o, item, reviewer, id)
		return err
	}
	for range 3 {
		if err := add(""); err != nil {
			t.Fatal(err)
		}
	}
	if err := add("f1"); err != nil {
		t.Fatal(err)
	}
	if err := add("f1"); !errors.Is(err, docstore.ErrUnchanged) || len(o.GetItems()) != 4 {
		t.Errorf("a finding again: %v, %d items", err, len(o.GetItems()))
	}
	second := o.GetItems()[1].GetId()
	replacement := itemWith(counselv1.OpinionItem_FORM, counselv1.OpinionItem_SHOULD)
	replacement.Id = second
	if _, err := replaceItem(o, replacement, reviewer); err != nil || o.GetItems()[1] != replacement {
		t.Errorf("replaced: %v", err)
	}
	if _, err := replaceItem(o, itemWith(counselv1.OpinionItem_FORM, counselv1.OpinionItem_SHOULD), reviewer); rpc.Reason(err) != "ITEM_UNKNOWN" {
		t.Errorf("replaced without an id: %v", err)
	}
	if _, err := removeItem(o, second, reviewer); err != nil || itemIndex(o.GetItems(), second) >= 0 || len(o.GetItems()) != 3 {
		t.Errorf("removed: %v, %v", err, o.GetItems())
	}
	if _, err := removeItem(o, second, reviewer); rpc.Reason(err) != "ITEM_UNKNOWN" {
		t.Errorf("removed twice: %v", err)
	}
	if _, err := removeItem(o, o.GetItems()[0].GetId(), counsel); rpc.Reason(err) != rpc.ReasonNotFound {
		t.Errorf("by another: %v", err)
	}
	o.State = counselv1.Opinion_SIGNED
	if err := add(""); code(err) != codeRecordClosed {
		t.Errorf("after signing: %v", err)
	}
}

// Ids stay with the items that are given back; no two items share one, and a made-up
// one is none.
func TestNameItems(t *testing.T) {
	known := []*counselv1.OpinionItem{{Id: "a"}, {Id: "b"}}
	items := []*counselv1.OpinionItem{{Id: "b"}, {}, {Id: "b"}, {Id: "forged"}, {Id: "a"}}
	nameItems(items, known, nextID())
	seen := map[string]bool{}
	for _, i := range items {
		if i.GetId() == "" || i.GetId() == "forged" || seen[i.GetId()] {
			t.Errorf("id %q", i.GetId())
		}
		seen[i.GetId()] = true
	}
	if items[0].GetId() != "b" || items[4].GetId() != "a" {
		t.Errorf("%v", items)
	}
}

// A finding becomes an item with its place, law, reason and rewording.
func TestItemOfAFinding(t *testing.T) {
	day := &datepb.Date{Year: 2026, Month: 4, Day: 8}
	f := &corev1.Finding{
		Id: "f7", Strength: corev1.Strength_STRENGTH_DIRECT, Anchor: &corev1.Anchor{Article: 4, Quote: "示例"}, Reason: "示例理由。", Rewrite: "示例改写。",
		Law: "《公平竞争审查条例》第十条第二项；《公平竞争审查条例实施办法》第十九条第三项",
	}
	i := itemOf(f, day)
	if i.GetFinding() != "f7" || i.GetSeverity() != counselv1.OpinionItem_MUST || i.GetAnchor() != f.GetAnchor() || i.GetBasis() != f.GetLaw() ||
		i.GetAnalysis() != f.GetReason() || i.GetRecommendedWording() != f.GetRewrite() {
		t.Errorf("%v", i)
	}
	want := []*counselv1.LegalBasis{
		{Law: "公平竞争审查条例", Article: "第十条第二项", ReferenceDate: day},
		{Law: "公平竞争审查条例实施办法", Article: "第十九条第三项", ReferenceDate: day},
	}
	if len(i.GetLegalBases()) != 2 || !proto.Equal(i.GetLegalBases()[0], want[0]) || !proto.Equal(i.GetLegalBases()[1], want[1]) {
		t.Errorf("bases %v", i.GetLegalBases())
	}
	if f.Strength = corev1.Strength_STRENGTH_CONTEXTUAL; itemOf(f, day).GetSeverity() != counselv1.OpinionItem_SHOULD {
		t.Error("a prompt to look must be followed")
	}
}
