package filing

import (
	"fmt"
	"slices"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/types/known/timestamppb"

	filingv1 "fashen/gen/fashen/filing/v1"
	"fashen/internal/auth"
	"fashen/internal/docstore"
	"fashen/internal/rpc"
)

// maxRevisions bounds the drafts of one document.
const maxRevisions = 100

// addRevision appends a draft, whose bytes no other draft of the document has,
// names it, and makes it the current one.
func addRevision(d *filingv1.Document, r *filingv1.Revision) error {
	if err := checkOpen(d); err != nil {
		return err
	}
	if len(d.GetRevisions()) >= maxRevisions {
		return rpc.New(codes.ResourceExhausted, "TOO_MANY_REVISIONS",
			fmt.Sprintf("一份文件最多%d稿，请另建文件", maxRevisions))
	}
	r.Name = fmt.Sprintf("%s/revisions/%d", d.GetName(), len(d.GetRevisions())+1)
	d.Revisions = append(d.Revisions, r)
	return makeCurrent(d, r)
}

// makeCurrent lets a draft of the document be the one that stands: a new one, or
// an earlier one that was sent again; docstore.ErrUnchanged when it does already.
func makeCurrent(d *filingv1.Document, r *filingv1.Revision) error {
	if err := checkOpen(d); err != nil {
		return err
	}
	if d.GetCurrentRevision() == r.GetName() {
		return docstore.ErrUnchanged
	}
	d.CurrentRevision = r.GetName()
	d.VersionDigest = versionDigest(d)
	return nil
}

// currentRevision is the draft that stands, the one sent last; nil when there is
// none.
func currentRevision(d *filingv1.Document) *filingv1.Revision {
	return revisionNamed(d, d.GetCurrentRevision())
}

// drafters are the people who had a hand in the document: who created it and who
// sent a draft, and those in whose place they did, each once. They review none of
// it.
func drafters(d *filingv1.Document) []string {
	var people []string
	add := func(person string) {
		if person != "" && !slices.Contains(people, person) {
			people = append(people, person)
		}
	}
	add(d.GetDrafter())
	add(d.GetDraftedOnBehalfOf())
	for _, r := range d.GetRevisions() {
		add(r.GetUploader())
		add(r.GetUploadedOnBehalfOf())
	}
	return people
}

// revisionWithFile finds the draft with these bytes; nil when there is none.
func revisionWithFile(d *filingv1.Document, sha string) *filingv1.Revision {
	for _, r := range d.GetRevisions() {
		if r.GetFile().GetSha256() == sha {
			return r
		}
	}
	return nil
}

// revisionNamed finds a draft by its resource name; nil when there is none.
func revisionNamed(d *filingv1.Document, name string) *filingv1.Revision {
	for _, r := range d.GetRevisions() {
		if r.GetName() == name {
			return r
		}
	}
	return nil
}

// revisionOf is what is kept about a draft that was read: its counts, findings
// and warnings, and where its stored parts are.
func revisionOf(f *filingv1.File, read *reading, who auth.Caller, at *timestamppb.Timestamp) *filingv1.Revision {
	return &filingv1.Revision{
		File:            f,
		TextSha256:      read.text.sha256,
		ScreeningSha256: read.screening.sha256,
		Title:           read.policy.GetTitle(),
		Counts:          read.policy.GetCounts(),
		FindingCount:    int32(len(read.findings.GetFindings())),
		Packs:           read.findings.GetPacks(),
		Warnings:        read.warnings,
		Uploader:        who.Actor(),
		UploadTime:      at,

		UploadedOnBehalfOf: who.OnBehalfOf(),
	}
}
