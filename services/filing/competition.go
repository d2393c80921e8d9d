package filing

import (
	"slices"

	"google.golang.org/protobuf/types/known/timestamppb"

	filingv1 "fashen/gen/fashen/filing/v1"
	"fashen/internal/auth"
	"fashen/internal/docstore"
	"fashen/internal/rpc"
)

// concludeCompetition records the regulator's conclusion for the current draft
// (公平竞争审查条例 arts 14, 17; 实施办法 art 33). given holds outcome, revision,
// summary and time; who records it, what it was made for and rests on is filled in.
func concludeCompetition(d *filingv1.Document, given *filingv1.CompetitionConclusion, who auth.Caller) error {
	current, err := regulatorsDraft(d, given.GetRevision(), who)
	if err != nil {
		return err
	}
	signed, err := evidence(d, current, given.GetOutcome())
	if err != nil {
		return err
	}
	d.CompetitionConclusion = &filingv1.CompetitionConclusion{
		Outcome:        given.GetOutcome(),
		Revision:       current.GetName(),
		RevisionSha256: current.GetFile().GetSha256(),
		SignedFile:     signed,
		Summary:        given.GetSummary(),
		Recorder:       who.Actor(),
		RecordTime:     timestamppb.New(given.GetRecordTime().AsTime()),
	}
	return nil
}

// evidence is the signed file a conclusion on a draft may rest on: it was sent
// while that draft stood, and it is not the file of the recorded conclusion,
// unless that one says the same of the same draft. A file says one thing about
// one draft; what holds for another is carried over.
func evidence(d *filingv1.Document, r *filingv1.Revision, outcome filingv1.CompetitionConclusion_Outcome) (*filingv1.File, error) {
	signed, had := materialOf(d, filingv1.Material_COMPETITION_CONCLUSION), d.GetCompetitionConclusion()
	same := had.GetRevisionSha256() == r.GetFile().GetSha256() && had.GetOutcome() == outcome
	var message string
	switch {
	case signed == nil || signed.GetRevision() != r.GetName():
		message = "请先上传针对本稿签署的公平竞争审查结论文件"
	case had != nil && !same && had.GetSignedFile().GetSha256() == signed.GetFile().GetSha256():
		message = "该结论文件是已记录结论的依据，另一稿或者另一结论应当上传另行签署的文件"
	default:
		return signed.GetFile(), nil
	}
	return nil, refused{{Code: "EVIDENCE_MISSING", Law: lawMeasures33, Message: message}}
}

// carryCompetition notes that the current draft changes nothing major about
// operators, so that the conclusion holds for it too (实施办法 art 27);
// docstore.ErrUnchanged when it does already.
func carryCompetition(d *filingv1.Document, revision string, who auth.Caller) error {
	current, err := regulatorsDraft(d, revision, who)
	if err != nil {
		return err
	}
	c := d.GetCompetitionConclusion()
	if c == nil {
		return refused{{
			Code: "FCR_MISSING", Law: lawCompetition, Message: "尚无公平竞争审查结论，无从沿用",
		}}
	}
	if competitionCovers(c, current) {
		return docstore.ErrUnchanged
	}
	c.CarriedSha256S = append(c.CarriedSha256S, current.GetFile().GetSha256())
	return nil
}

// regulatorsDraft is the current draft, when the regulator's officer may conclude
// on it: the record is open, the draft that was looked at is still the current
// one, and it is not the officer's own.
func regulatorsDraft(d *filingv1.Document, revision string, who auth.Caller) (*filingv1.Revision, error) {
	if err := checkOpen(d); err != nil {
		return nil, err
	}
	if revisionNamed(d, revision) == nil {
		return nil, rpc.Field("revision", "REVISION_UNKNOWN", "该文件没有这一稿")
	}
	current := currentRevision(d)
	if current.GetName() != revision {
		return nil, refused{{
			Code: "FCR_STALE", Law: lawMeasures27,
			Message:  "所审的稿件已不是现行一稿，请对现行一稿作出结论",
			Metadata: map[string]string{"current_revision": current.GetName()},
		}}
	}
	if who.Among(drafters(d)) {
		return nil, refused{{
			Code: "SELF_REVIEW_FORBIDDEN", Law: lawJointReview, Message: "起草人员不得审查自己起草的文件",
		}}
	}
	return current, nil
}

// competitionCovers tells whether a conclusion was made for a draft or carried
// over to it.
func competitionCovers(c *filingv1.CompetitionConclusion, r *filingv1.Revision) bool {
	sha := r.GetFile().GetSha256()
	return c.GetRevisionSha256() == sha || slices.Contains(c.GetCarriedSha256S(), sha)
}
