// Package counsel owns legality review: cases, opinions, what became of each
// opinion item, and the assignment of outside counsel. It keeps the matters that are
// reviewed and that no other service has: their files, and nothing of their state,
// which is their case's.
//
// A case is the review of one subject; each submission of the subject is a
// round. The states of a case:
//
//	             accept                    conclude
//	RECEIVED ───────────────▶ UNDER_REVIEW ─────────▶ CONCLUDED_LAWFUL
//	 ▲  │  │                    │      ▲   ├────────▶ CONCLUDED_LAWFUL_WITH_RISK
//	 │  │  │                    │      │   ├────────▶ CONCLUDED_UNLAWFUL ─┐
//	 │  │  └─ return ─▶ RETURNED│      │   └────────▶ CONCLUDED_REVISE    │
//	 │  │                  │    │      │                 │ every item     │
//	 │  └ request ─▶ SUPPLEMENT_REQUESTED                ▼ answered       │
//	 │    supplement       │    (same draft again)      REVISED           │
//	 └───── next submission┴──────────────────────────────────────────────┘
//
// A revised draft submitted in CONCLUDED_REVISE or REVISED is a round that the
// reviewer confirms against the answered items; accepting it instead starts a
// full review.
//
// Invariants:
//   - A recorded conclusion always carries its outcome and rests on a signed
//     opinion about exactly that round.
//   - Lines of the ledger are added and answered, never removed; signed content
//     never changes.
//   - A certificate is given in one compare-and-set on the case that the gate
//     read; whatever would change the verdict afterwards is either refused or
//     withdraws the certificate on record.
//   - A review opinion is signed with every point of its regime answered, and, where
//     the region says so, only as another reviewer approved it.
//   - The discussion of a case and the checks of its opinions are never shown to the
//     drafting unit.
//   - Nobody reviews or signs a draft of their own or of their bureau.
//   - Outside counsel sees nothing of a matter but the assignment until the
//     conflict check is clear.
//
// Law: 国办发〔2018〕37号 (六), 国办发〔2018〕115号, 国办发〔2018〕118号, 重大行政决策程序暂行条例
// arts 25 to 28, 中办发〔2016〕30号, 律师法 arts 23, 39.
package counsel
