// Package rulebook holds rules of law as data and runs them over the text of a
// policy document.
//
// A pack is a folder of YAML that a lawyer can read and change. Its parts:
//
//   - laws: title, number and dates in force of what the rules cite;
//   - lexicons: named lists of words, such as {local} or {benefit};
//   - rules: a provision of law, what to look for, why it is suspect, a
//     suggested wording, and examples of both kinds, which are its tests;
//     A rule with `residual: true` is the item 其他 of its article: it is left out
//     where a named item of the pack flags the same clause;
//     A rule with `frames_of` names others, of any pack, and looks for what they do;
//   - places: names of administrative divisions;
//   - statutes: the law library, titles of national statutes, how many articles they have
//     and their last day;
//   - wording: that the clauses of the pack are also weighed by their words (package
//     wording), and from which likelihood one is flagged by them, or a hit of a frame
//     no longer told;
//   - suppressors: circumstances in which a hit is no hit (a prohibition, a
//     quotation, a report of facts) or only asks a person to verify the basis.
//
// # Patterns
//
// A pattern is an RE2 expression with three additions: {name} stands for any
// entry of a lexicon, … for up to 24 characters inside one comma clause
// that hold no 不, …… for anything inside the sentence. A rule hits a clause when one of its
// frames does: every pattern under `all` is found, none under `none`. The first
// pattern of `all` is the head: a negation or quotation counts against the hit
// when it governs the head; a frame names under `except` what it does without, short of
// a lead-in that governs the whole clause.
//
// What no pattern can tell, a rule asks of a check instead of frames: repealed
// (a statute that ended before the document's date, or the review date where
// the document bears none), misquoted (a title that misses one statute's by a
// slip), beyond (an article behind the last of a statute) and dangling (a reference to
// a chapter, article or paragraph the document does not have). The words of a reason in braces are filled in.
//
// Checks of form (form.go) look at a document as a whole, title_kind and
// heading_order among them; they are not run over a clause alone.
//
// # Words
//
// Where a pack says so, every sentence is weighed as well, by a linear model learnt from
// labelled clauses. It confirms, doubts or adds to what the frames found: a likely breach
// that no frame foresaw is a presumptive finding of the likeliest rule, at the words that
// speak most for it, and says that it came about so; a hit that the words speak against
// is not told, nor one at an article of which they say that it is another. The suppressors
// of a rule hold for it as for its frames, and the clause must hold what the rule `needs`.
// Rules that the model was not taught of are left to their frames. Headings, titles, cells
// of tables and lead-ins are not weighed, an item is with its lead-in and alone, and words add nothing where a frame asks to
// verify the basis at the same article, or the clause is not read as it is written. The
// examples of a rule are those of its frames: words may still speak against one.
//
// # Clauses
//
// The scope of a frame is the sentence, ended by 。；！？ or the end of the
// line. An item (（一）, 1.) is read together with its lead-in, the sentence before
// the list that ends in a colon, so that 不得有下列行为： governs every item.
//
// Where a sentence calls a place by its name (`places`), patterns see 本市, 本县 and so
// on in its stead, and 市外 for 盐城市外; findings quote what is written.
//
// Two neighbouring sentences of a line are read together by rules with a `contrast`,
// when nothing is found in either and each holds one side of it. A term that a document
// defines by local registration or tax (`definition`) is read so in later sentences;
// what is then found is told once, at the definition.
//
// # What a finding means
//
// A finding is a suspicion (疑似); a person decides. Matching takes time linear
// in the text: expressions are RE2, clauses are cut at a maximal length, and a
// scan for literals decides first which expressions can match at all.
package rulebook
