// Package filing keeps normative documents of a government on their way from
// draft to collective deliberation: drafts with their text and findings, the
// material beside them, the public consultation, the fair-competition
// conclusion, the submission for legality review, and the gate before the
// meeting.
//
// # States
//
//	DRAFTING --submit--> UNDER_REVIEW --deliberate, every gate open--> DELIBERATED
//	                      |        ^
//	                      +-submit-+   again: after a return, with a supplement,
//	                                   or as the revised draft
//
// What the reviewer does meanwhile is the state of the review case, which the
// counsel service owns. Nothing changes after DELIBERATED.
//
// # Invariants
//
//   - A document belongs to the region of its issuing authority and is changed by
//     its drafting unit alone; the fair-competition conclusion is the market
//     regulator's alone, and nobody concludes on a draft of their own.
//   - The same bytes are the same revision. A revision never changes. The one sent
//     last stands, be it new or an earlier one sent again.
//   - No file is stored before it was read and found free of a mark of secrecy.
//   - `version_digest` covers what a review concludes on and the gate relies on;
//     every rule that changes a part of it works it out again.
//   - Who else may see the document is decided once: the regulator from the first
//     draft on that touches operators, reviewers and the general office from the
//     submission on, counsel by assignment.
//   - What another service must answer is asked first; the write that follows is
//     made only if `version_digest` is still the one that was asked about. A
//     certificate of a transition that did not take place is withdrawn.
//   - An attempt that law or workflow refuses is kept in the document's history.
//   - What people decide about findings is kept beside the document, one for each
//     finding, and changes nothing that a review concludes on or a gate reads.
//
// The rules (document.go, consultation.go, competition.go, revision.go, anchor.go,
// submission.go, gate.go, finding.go, carry.go) are plain functions over messages: no clock, no store,
// no network. server*.go loads, asks the rule, saves and answers.
package filing
