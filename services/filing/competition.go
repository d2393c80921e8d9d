package filing

import (
	"slices"

	"google.golang.org/protobuf/types/known/timestamppb"

	filingv1 "fashen/gen/fashen/filing/v1"
	"fashen/internal/docstore"
	"fashen/internal/rpc"
)

// concludeCompetition records the regulator's conclusion for the newest draft
// (公平竞争审查条例 arts 14, 17; 实施办法 art 33). given holds outcome, revision,
// summary, recorder and time; what it was made for and rests on is filled in. A
// signed file that is the evidence of a conclusion on another draft is none for
// this one: that is what carrying over is for.
func concludeCompetition(d *filingv1.Document, given *filingv1.CompetitionConclusion) error {
	newest, err := regulatorsDraft(d, given.GetRevision(), given.GetRecorder())
	if err != nil {
		return err
	}
	signed := materialOf(d, filingv1.Material_COMPETITION_CONCLUSION).GetFile()
	had := d.GetCompetitionConclusion()
	if had != nil && had.GetRevisionSha256() != newest.GetFile().GetSha256() &&
		had.GetSignedFile().GetSha256() == signed.GetSha256() {
		signed = nil
	}
	if signed == nil {
		return refused{{
			Code: "EVIDENCE_MISSING", Law: lawMeasures33,
			Message: "请先上传针对本稿签署的公平竞争审查结论文件",
		}}
	}
	d.CompetitionConclusion = &filingv1.CompetitionConclusion{
		Outcome:        given.GetOutcome(),
		Revision:       newest.GetName(),
		RevisionSha256: newest.GetFile().GetSha256(),
		SignedFile:     signed,
		Summary:        given.GetSummary(),
		Recorder:       given.GetRecorder(),
		RecordTime:     timestamppb.New(given.GetRecordTime().AsTime()),
	}
	return nil
}

// carryCompetition notes that the newest draft changes nothing major about
// operators, so that the conclusion holds for it too (实施办法 art 27);
// docstore.ErrUnchanged when it does already.
func carryCompetition(d *filingv1.Document, revision, person string) error {
	newest, err := regulatorsDraft(d, revision, person)
	if err != nil {
		return err
	}
	c := d.GetCompetitionConclusion()
	if c == nil {
		return refused{{
			Code: "FCR_MISSING", Law: lawCompetition, Message: "尚无公平竞争审查结论，无从沿用",
		}}
	}
	if competitionCovers(c, newest) {
		return docstore.ErrUnchanged
	}
	c.CarriedSha256S = append(c.CarriedSha256S, newest.GetFile().GetSha256())
	return nil
}

// regulatorsDraft is the newest draft, when the regulator's officer may conclude
// on it: the record is open, the draft that was looked at is still the newest,
// and it is not the officer's own.
func regulatorsDraft(d *filingv1.Document, revision, person string) (*filingv1.Revision, error) {
	if err := checkOpen(d); err != nil {
		return nil, err
	}
	if revisionNamed(d, revision) == nil {
		return nil, rpc.Field("revision", "REVISION_UNKNOWN", "该文件没有这一稿")
	}
	newest := newestRevision(d)
	if newest.GetName() != revision {
		return nil, refused{{
			Code: "LEGALITY_STALE", Law: lawMeasures27,
			Message:  "所审的稿件已不是最新一稿，请对最新一稿作出结论",
			Metadata: map[string]string{"newest_revision": newest.GetName()},
		}}
	}
	own := d.GetDrafter() == person || slices.ContainsFunc(d.GetRevisions(), func(r *filingv1.Revision) bool {
		return r.GetUploader() == person
	})
	if own {
		return nil, refused{{
			Code: "SELF_REVIEW_FORBIDDEN", Law: lawMeasures33, Message: "起草人员不得审查自己起草的文件",
		}}
	}
	return newest, nil
}

// competitionCovers tells whether a conclusion was made for a draft or carried
// over to it.
func competitionCovers(c *filingv1.CompetitionConclusion, r *filingv1.Revision) bool {
	sha := r.GetFile().GetSha256()
	return c.GetRevisionSha256() == sha || slices.Contains(c.GetCarriedSha256S(), sha)
}
