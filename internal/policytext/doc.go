// Package policytext turns an uploaded file into a policy document's text with
// its structure: title, document number, date, addressees and the outline of
// 编/章/节/条/款/项/目 or of the headings 一、（一）1.（1） (FACTS 3.1 to 3.5).
//
// The text stays as sent. What a word processor shows but does not store, its
// automatic numbers, is written out; nothing else is added, and nothing is
// normalised. Offsets count Unicode code points of that text.
//
// The path of one file: read.go tells the format by content; archive.go and
// docx*.go, or plaintext.go, turn it into lines; front.go finds title, number,
// date and addressees; outline.go builds the tree. Everything is linear in the
// size of the file and bounded by Limits, because the file is a stranger's.
package policytext
