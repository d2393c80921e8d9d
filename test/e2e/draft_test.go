package e2e

import (
	"archive/zip"
	"bytes"
	"crypto/rand"
	"fmt"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"

	counselv1 "fashen/gen/fashen/counsel/v1"
	filingv1 "fashen/gen/fashen/filing/v1"

	corev1 "fashen/gen/fashen/core/v1"
)

const wordNS = `xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"`

// docx makes a .docx as a word processor would: paragraphs that start with `#`
// are chapters and those with `*` are articles, both numbered by the word
// processor and not in the text.
func docx(t *testing.T, header string, paragraphs ...string) []byte {
	t.Helper()
	var body strings.Builder
	for _, p := range paragraphs {
		props := ""
		switch p[0] {
		case '#', '*':
			props = fmt.Sprintf(`<w:pPr><w:numPr><w:ilvl w:val="%d"/><w:numId w:val="1"/></w:numPr></w:pPr>`, strings.Index("#*", p[:1]))
			p = p[1:]
		}
		fmt.Fprintf(&body, `<w:p>%s<w:r><w:t xml:space="preserve">%s</w:t></w:r></w:p>`, props, p)
	}
	level := func(n int, text string) string {
		return fmt.Sprintf(`<w:lvl w:ilvl="%d"><w:start w:val="1"/><w:numFmt w:val="chineseCounting"/><w:lvlRestart w:val="0"/><w:lvlText w:val="%s"/></w:lvl>`, n, text)
	}
	parts := map[string]string{
		"[Content_Types].xml": `<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"><Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/><Default Extension="xml" ContentType="application/xml"/><Override PartName="/word/document.xml" ContentType="application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml"/></Types>`,
		"_rels/.rels":         `<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="r1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument" Target="word/document.xml"/></Relationships>`,
		"word/document.xml":   `<w:document ` + wordNS + `><w:body>` + body.String() + `</w:body></w:document>`,
		"word/numbering.xml":  `<w:numbering ` + wordNS + `><w:abstractNum w:abstractNumId="0">` + level(0, "第%1章") + level(1, "第%2条") + `</w:abstractNum><w:num w:numId="1"><w:abstractNumId w:val="0"/></w:num></w:numbering>`,
		"word/_rels/document.xml.rels": `<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="r1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/numbering" Target="numbering.xml"/>` +
			`<Relationship Id="r2" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/header" Target="header1.xml"/></Relationships>`,
		"word/header1.xml": `<w:hdr ` + wordNS + `><w:p><w:r><w:t>` + header + `</w:t></w:r></w:p></w:hdr>`,
	}
	var buf bytes.Buffer
	z := zip.NewWriter(&buf)
	for name, content := range parts {
		w, err := z.Create(name)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write([]byte(`<?xml version="1.0" encoding="UTF-8"?>` + content)); err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

// draft is a sample draft of an allowance, with the amount given, so that
// versions differ.
func draft(t *testing.T, amount string) []byte {
	t.Helper()
	return docx(t, "", "示例区见习补贴管理办法", "#总则",
		"*为规范见习补贴管理，根据有关法律、法规，结合本区实际，制定本办法。",
		"*本办法适用于本区行政区域内见习补贴的申领和监督管理。", "#补贴",
		"*对接收见习人员的用人单位，按照每人每月"+amount+"元的标准给予补贴。",
		"*对在本区注册并纳税满二年的用人单位，另行给予十万元奖励。", "#附则",
		"*本办法自印发之日起施行，有效期五年。")
}

func (w *world) upload(t *testing.T, login, document, filename string, file []byte) (*filingv1.Revision, *failure) {
	t.Helper()
	return w.uploadRevision(t.Context(), w.as(t, login), &filingv1.RevisionUpload{Parent: document, Filename: filename}, bytes.NewReader(file))
}

func (w *world) mustUpload(t *testing.T, document string, file []byte) *filingv1.Revision {
	t.Helper()
	r, f := w.upload(t, "drafter", document, "draft.docx", file)
	if f != nil {
		t.Fatalf("upload: %v", f)
	}
	return r
}

// material uploads a sample file of its own: nobody signs the same one twice.
func (w *world) material(t *testing.T, login, document string, kind filingv1.Material_Kind) {
	t.Helper()
	up := &filingv1.MaterialUpload{Name: document, Kind: kind, Filename: "material.docx"}
	if _, f := w.uploadMaterial(t.Context(), w.as(t, login), up, bytes.NewReader(docx(t, "", "示例材料："+kind.String()+rand.Text()))); f != nil {
		t.Fatalf("material %v: %v", kind, f)
	}
}

// newDocument creates a document that touches operators, or does not.
func (w *world) newDocument(t *testing.T, touches bool) *filingv1.Document {
	t.Helper()
	impact := &filingv1.OperatorImpact{TouchesOperators: touches}
	if !touches {
		impact.Reason = "只涉及见习人员，不涉及经营者"
	}
	return w.document(t, "drafter", "CreateDocument", &filingv1.CreateDocumentRequest{
		Parent:   region,
		Document: &filingv1.Document{Title: "示例区见习补贴管理办法", IssuingAuthority: w.bureau[government], OperatorImpact: impact},
	})
}

// prepared is a document with a draft, all material, and the consultation done
// or excused, ready to be submitted.
func (w *world) prepared(t *testing.T, touches bool) *filingv1.Document {
	t.Helper()
	return w.packaged(t, "drafter", w.newDocument(t, touches))
}

// packaged gives a document of a persona everything it needs to be submitted.
func (w *world) packaged(t *testing.T, login string, d *filingv1.Document) *filingv1.Document {
	t.Helper()
	if _, f := w.upload(t, login, d.GetName(), "draft.docx", draft(t, "1200")); f != nil {
		t.Fatalf("upload: %v", f)
	}
	for _, kind := range []filingv1.Material_Kind{
		filingv1.Material_DRAFTING_STATEMENT, filingv1.Material_LEGAL_BASIS,
		filingv1.Material_CONSULTATION_RECORD, filingv1.Material_OWN_LEGALITY_OPINION,
	} {
		w.material(t, login, d.GetName(), kind)
	}
	return w.document(t, login, "RecordConsultation", &filingv1.RecordConsultationRequest{
		Name: d.GetName(), Consultation: &filingv1.Consultation{
			OpenDate: date(t, "2026-03-02"), CloseDate: date(t, "2026-04-01"), Channel: "示例区政府网站",
			Opinions: []*filingv1.ConsultationOpinion{{Summary: "建议提高标准", Source: "行业协会", Handling: filingv1.ConsultationOpinion_ADOPTED}},
		},
	})
}

// accepted submits a prepared document and lets the reviewer accept it.
func (w *world) accepted(t *testing.T, d *filingv1.Document) (*filingv1.Document, *counselv1.Case) {
	t.Helper()
	d = w.driven(t, "drafter", w.document(t, "drafter", "SubmitDocument", &filingv1.SubmitDocumentRequest{Name: d.GetName()}))
	return d, w.review(t, "reviewer", "AcceptCase", &counselv1.AcceptCaseRequest{Name: d.GetReviewCase()})
}

// driven waits until a document waits for no other service any more. It does not
// wait at all where the services are there.
func (w *world) driven(t *testing.T, login string, d *filingv1.Document) *filingv1.Document {
	t.Helper()
	if d.GetReconciling() {
		eventually(t, "driven on", func() error {
			if d = w.document(t, login, "GetDocument", &filingv1.GetDocumentRequest{Name: d.GetName()}); d.GetReconciling() {
				return errWaiting
			}
			return nil
		})
	}
	return d
}

func item(article int32, quote string) *counselv1.OpinionItem {
	return &counselv1.OpinionItem{
		Kind: counselv1.OpinionItem_CONTENT, Severity: counselv1.OpinionItem_MUST,
		Anchor: &corev1.Anchor{Article: article, Quote: quote},
		Basis:  "《公平竞争审查条例》第十条", Analysis: "示例分析。", RecommendedWording: "删除。",
	}
}

// opinion writes and signs an opinion.
func (w *world) opinion(t *testing.T, login, name string, conclusion counselv1.Conclusion, items ...*counselv1.OpinionItem) *counselv1.Opinion {
	t.Helper()
	o := &counselv1.Opinion{Conclusion: conclusion, Summary: "示例意见。", Items: items}
	if strings.HasPrefix(login, "reviewer") {
		o.Checklist = checklist(conclusion)
	}
	w.must(t, login, counselService+"CreateOpinion", &counselv1.CreateOpinionRequest{Parent: name, Opinion: proto.CloneOf(o)}, o)
	w.must(t, login, counselService+"SignOpinion", &counselv1.SignOpinionRequest{Name: o.GetName(), Etag: o.GetEtag()}, o)
	if o.GetState() != counselv1.Opinion_SIGNED || o.GetContentDigest() == "" {
		t.Fatalf("opinion after signing: %v %q", o.GetState(), o.GetContentDigest())
	}
	return o
}

// checklist answers the seven points of 国办发〔2018〕115号 as a conclusion wants it.
func checklist(conclusion counselv1.Conclusion) []*counselv1.ChecklistEntry {
	var entries []*counselv1.ChecklistEntry
	for point := counselv1.ReviewPoint_REVIEW_POINT_ISSUER; point <= counselv1.ReviewPoint_REVIEW_POINT_PROCEDURE; point++ {
		entries = append(entries, &counselv1.ChecklistEntry{Point: point, Result: counselv1.ChecklistEntry_CONFORMS})
	}
	if conclusion != counselv1.Conclusion_LAWFUL {
		entries[2].Result, entries[2].Note = counselv1.ChecklistEntry_DOES_NOT_CONFORM, "示例：与上位法不一致。"
	}
	return entries
}

func (w *world) conclude(t *testing.T, name string, conclusion counselv1.Conclusion, items ...*counselv1.OpinionItem) *counselv1.Case {
	t.Helper()
	o := w.opinion(t, "reviewer", name, conclusion, items...)
	return w.review(t, "reviewer", "ConcludeCase", &counselv1.ConcludeCaseRequest{Name: name, Opinion: o.GetName()})
}

// assigned passes the case to counsel, who declares that there is no conflict.
func (w *world) assigned(t *testing.T, name string) *counselv1.Assignment {
	t.Helper()
	w.retain(t, "counsel")
	a := &counselv1.Assignment{}
	w.must(t, "reviewer", counselService+"CreateAssignment", &counselv1.CreateAssignmentRequest{
		Parent: name, Assignment: &counselv1.Assignment{Counsel: w.people["counsel"], Question: "是否合法？"},
	}, a)
	w.must(t, "counsel", counselService+"DeclareConflict", &counselv1.DeclareConflictRequest{Name: a.GetName(), Result: counselv1.DeclareConflictRequest_CLEAR}, a)
	if a.GetReconciling() {
		eventually(t, "the file is open to counsel", func() error {
			if w.must(t, "reviewer", counselService+"GetAssignment", &counselv1.GetAssignmentRequest{Name: a.GetName()}, a); a.GetReconciling() {
				return errWaiting
			}
			return nil
		})
	}
	if a.GetState() != counselv1.Assignment_ACCEPTED {
		t.Fatalf("assignment after a clear declaration: %v", a)
	}
	return a
}

// competition records the regulator's conclusion on a draft.
func (w *world) competition(t *testing.T, document, revision string, outcome filingv1.CompetitionConclusion_Outcome) *filingv1.Document {
	t.Helper()
	w.material(t, "regulator", document, filingv1.Material_COMPETITION_CONCLUSION)
	return w.document(t, "regulator", "RecordCompetitionConclusion", &filingv1.RecordCompetitionConclusionRequest{
		Name: document, Revision: revision, Outcome: outcome, Summary: "示例结论。",
	})
}

func (w *world) deliberate(t *testing.T, login, name, day string) (*filingv1.Document, *failure) {
	t.Helper()
	out := &filingv1.Document{}
	return out, w.try(t, login, filingService+"DeliberateDocument", &filingv1.DeliberateDocumentRequest{
		Name: name, MeetingDate: date(t, day), Meeting: "示例区政府常务会议",
	}, out)
}
