package counsel

import (
	"errors"
	"fmt"
	"testing"

	counselv1 "fashen/gen/fashen/counsel/v1"
	"fashen/internal/auth"
	"fashen/internal/docstore"
	"fashen/internal/rpc"
)

func matterOf(t *testing.T, regime counselv1.Regime) *counselv1.Matter {
	t.Helper()
	m, change, err := newMatter(region+"/matters/m", &counselv1.Matter{Regime: regime, Title: "示例事项"}, drafter)
	if err != nil || len(change.Grant) != 1 || change.Grant[0] != unit {
		t.Fatalf("%v, %v", change, err)
	}
	return m
}

func put(t *testing.T, m *counselv1.Matter, kind counselv1.MatterFile_Kind, content int) error {
	t.Helper()
	_, err := takeFile(m, &counselv1.MatterFile{Kind: kind, Sha256: digest(content), Uploader: drafter.Person}, drafter)
	return err
}

// Each regime names what it asks for, all of it at once.
func TestMaterialsByRegime(t *testing.T) {
	change := &counselv1.PowerListChange{Kind: counselv1.PowerListChange_ADD}
	for name, tt := range map[string]struct {
		regime  counselv1.Regime
		actType string
		changes []*counselv1.PowerListChange
		files   []counselv1.MatterFile_Kind
		missing string
	}{
		"an agreement without anything":  {regime: counselv1.Regime_REGIME_AGREEMENT, missing: "DRAFT,STATEMENT"},
		"an agreement":                   {regime: counselv1.Regime_REGIME_AGREEMENT, files: []counselv1.MatterFile_Kind{1, 2}},
		"an agenda item without a why":   {regime: counselv1.Regime_REGIME_AGENDA_ITEM, files: []counselv1.MatterFile_Kind{1}, missing: "STATEMENT"},
		"an enforcement decision, bare":  {regime: counselv1.Regime_REGIME_ENFORCEMENT_DECISION, missing: "DRAFT,EVIDENCE,ACT_TYPE"},
		"an enforcement decision":        {regime: counselv1.Regime_REGIME_ENFORCEMENT_DECISION, actType: "行政处罚", files: []counselv1.MatterFile_Kind{1, 6}},
		"a power list without its items": {regime: counselv1.Regime_REGIME_POWER_LIST_CHANGE, files: []counselv1.MatterFile_Kind{1}, missing: "CHANGES"},
		"a power list":                   {regime: counselv1.Regime_REGIME_POWER_LIST_CHANGE, files: []counselv1.MatterFile_Kind{1}, changes: []*counselv1.PowerListChange{change}},
		"a question":                     {regime: counselv1.Regime_REGIME_ADVICE, files: []counselv1.MatterFile_Kind{1}},
		"a rectification without a text": {regime: counselv1.Regime_REGIME_RECTIFICATION, missing: "DRAFT"},
	} {
		m := matterOf(t, tt.regime)
		m.ActType, m.Changes = tt.actType, tt.changes
		for i, kind := range tt.files {
			if err := put(t, m, kind, i); err != nil {
				t.Fatal(err)
			}
		}
		change, err := submitMatter(m, drafter)
		if tt.missing == "" {
			if err != nil || len(change.Grant) != 2 {
				t.Errorf("%s: %v, %v", name, change, err)
			}
			continue
		}
		if code(err) != codeMaterialsIncomplete {
			t.Errorf("%s: %v", name, err)
		}
		if got := rpc.Reason(errors.Unwrap(err)); got != codeMaterialsIncomplete {
			t.Errorf("%s: %s", name, got)
		}
	}
}

// Every file and fact that a review looks at is in the digest of the version; a draft
// that was replaced is not, and sent again it stands again.
func TestMatterVersions(t *testing.T) {
	m := matterOf(t, counselv1.Regime_REGIME_AGREEMENT)
	seen := map[string]bool{m.GetVersionDigest(): true}
	fresh := func(what string) {
		t.Helper()
		if seen[m.GetVersionDigest()] {
			t.Errorf("%s leaves the version as it was", what)
		}
		seen[m.GetVersionDigest()] = true
	}
	for i, kind := range []counselv1.MatterFile_Kind{1, 2, 1} {
		if err := put(t, m, kind, i); err != nil {
			t.Fatal(err)
		}
		fresh(fmt.Sprintf("file %d", i))
	}
	if m.GetCurrentRevision() != m.GetName()+"/revisions/3" || draftOf(m, m.GetCurrentRevision()) == nil || draftOf(m, m.GetName()+"/revisions/2") != nil {
		t.Errorf("the draft that stands is %s", m.GetCurrentRevision())
	}
	if err := put(t, m, 1, 2); !errors.Is(err, docstore.ErrUnchanged) {
		t.Errorf("the same again: %v", err)
	}
	if err := put(t, m, 1, 0); err != nil || m.GetCurrentRevision() != m.GetName()+"/revisions/1" || len(m.GetFiles()) != 3 {
		t.Errorf("an earlier draft again: %v, %s", err, m.GetCurrentRevision())
	}
	if !seen[m.GetVersionDigest()] {
		t.Error("an earlier draft with the same material is another version")
	}
	for field, in := range map[string]*counselv1.Matter{
		"title": {Title: "示例事项，改"}, "parties": {Parties: []string{"示例公司"}}, "act_type": {ActType: "示例"},
		"emergency_reason": {EmergencyReason: "示例"}, "changes": {Changes: []*counselv1.PowerListChange{{Power: "示例"}}},
	} {
		if _, err := editMatter(m, in, map[string]bool{field: true}, drafter); err != nil {
			t.Fatal(err)
		}
		fresh(field)
	}
	stranger := auth.Caller{Person: region + "/people/x", Region: region, Bureau: region + "/bureaus/other", Roles: drafter.Roles}
	if _, err := editMatter(m, m, nil, stranger); rpc.Reason(err) != "NOT_DRAFTING_UNIT" {
		t.Errorf("by another bureau: %v", err)
	}
	if _, _, err := newMatter("m", m, auth.Caller{Person: "x"}); rpc.Reason(err) != "NOT_DRAFTING_UNIT" {
		t.Errorf("without a bureau: %v", err)
	}
}

// Whoever wrote on a matter is told to its case, which takes it as what it is.
func TestReviewOfAMatter(t *testing.T) {
	m := matterOf(t, counselv1.Regime_REGIME_ADVICE)
	m.Files = []*counselv1.MatterFile{{Uploader: second.Person, UploadedOnBehalfOf: drafter.Person}}
	in := reviewOf(m, 2)
	if len(in.GetDrafters()) != 2 || in.GetRegime() != counselv1.Regime_REGIME_ADVICE || in.GetTransition() != "submission-2-"+m.GetVersionDigest()[:16] {
		t.Errorf("%v", in)
	}
	c := received()
	if last(c).VersionDigest = m.GetVersionDigest(); !waiting(c, m) {
		t.Error("what was received is not with the reviewer")
	}
	if c.State = counselv1.Case_RETURNED; waiting(c, m) {
		t.Error("what was returned is with the reviewer")
	}
}
