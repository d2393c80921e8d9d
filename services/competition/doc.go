// Package competition owns the rule sets: which rules there are, which are in force on
// the day of a review, what they find in a text, and what a changed library would
// change.
//
// Rule sets are versions of the packs that the program comes with. They are served
// from memory; at start each is also kept in the store, where the versions of
// earlier releases stay, so that a past review can be read with its own rules.
//
// A candidate is a changed library on trial. It has no states: it is taken in when it
// compiles and its examples hold, never changes, and screens nothing but in a dry run.
//
// Invariants:
//   - A review keys on its date: rules that are not in force then are neither shown
//     nor run; 公平竞争审查条例 holds from 2024-08-01 on (its art 27).
//   - Screening is one code path, internal/rulebook, for the command, an upload and
//     this service.
//   - Nothing that is screened here is stored or logged.
//   - A dry run reads documents as the caller and changes nothing.
package competition
