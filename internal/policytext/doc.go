// Package policytext turns an uploaded file into a policy document's text with
// its structure: title, document number, date, addressees and the outline of
// 编/章/节/条/款/项/目 or of the headings 一、（一）1.（1） (FACTS 3.1 to 3.5).
//
// # Text
//
// The text stays as sent. What a word processor shows but does not store, its
// automatic numbers, is written out, with one ideographic space where Word
// draws a gap after the number; nothing else is added and nothing is
// normalised. A paragraph is a line, and so is each part of it between manual
// breaks, each paragraph of a table cell and, once, of a text box, which follows
// the paragraph it is anchored in. Notes, comments, headers and footers are not
// part of it. Marks of Markdown are, and structure is read through them. Offsets count Unicode code points.
//
// # Markup
//
// Tracked changes are read as accepted, as they were before, or all of them
// shown; drafts are stored as accepted. A paragraph whose end is left out joins
// the next one and consumes no number; where changes are shown, all paragraphs
// consume one, as in Word. Beside the text stand the changes, comments and notes
// with their places in it, and the lines of headers, footers and text boxes.
//
// # Structure
//
// 款 is an unnumbered paragraph of an article, the text behind 第…条 being the
// first. Items belong to the paragraph before them, and an unnumbered paragraph
// after items is the next 款. In a plain text that came off a page, page numbers
// stand apart and the rows of a paragraph are one. Tables and text boxes hold no provisions; a line
// without any stop is no 款. A sign-off (署名 and date) and the word 附件 end
// what is open. The headings 一、 of a notice count as its sections.
//
// # Parts
//
// A document is parted into itself, the texts that it issues (enclosed below its
// sign-off, or as an attachment) and what else is attached. Document and issued
// texts share the outline; an attachment has its own, so that a form or a model
// contract adds no article. Ids of provisions begin with their part's, so that
// 第一条 of one part is never another's, and are told by what stands before them.
//
// # Citations
//
// Every outermost 《…》 on one line, or across the lines of the head, is a
// citation with the provisions and the bracketed number behind it. The kind is
// told by title and number alone. Numbers are kept as written, beside their
// normal form. References to places of the document itself are resolved or told as
// broken: 本办法第十条, 前款, 附件2, 《甲办法》第三条 of a text that it issues, 本通知第二条
// for 二、, and 违反第五条 where no other text was named in the sentence.
//
// # Reading
//
// The path of one file: formats.go tells the format by content; archive.go and
// docx*.go, or plaintext.go, turn it into lines; front.go finds title, number,
// date, addressees and sign-off; parts.go parts the document; outline.go builds
// the tree of each part from the numbers that marks.go sees; citation.go and
// cited.go find what it cites; markup.go places what stands beside the text.
// stream.go gives the lines alone and keeps none. compare.go tells how a text
// became another, and carry.go where a place in it stands now. Everything is
// linear in the size of the file and bounded by Limits, because the file is a
// stranger's.
package policytext
