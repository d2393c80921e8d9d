// Package officialdoc writes the documents an office sends: letters in the layout
// of GB/T 9704-2012 (FACTS 3.2) as .docx and .pdf, the opinion of a legality review
// and its kin among them, and drafts with comments or with tracked changes.
//
// A letter is data (Letter); constructors make one for each kind of letter from
// what a case knows and from the Template of a region. The same letter always
// gives the same bytes, so that a digest of it can be kept.
//
// # Layout
//
// style.go holds every measure of the standard once, flow.go turns a letter into
// paragraphs of those styles, docx.go and parts.go write them as a Word file,
// pdf.go and pdf_layout.go as pages. A Word file names its fonts, which the
// reader's machine has; a PDF file has those in it that FindFonts found here.
//
// # Drafts
//
// Annotate and Redline write the text of a policytext.Document, not its file: the
// layout is ours, the words are as sent. Reading the result gives the same text,
// for Redline that of the newer version.
package officialdoc

// Media types of what is written here.
const (
	MediaTypeDOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
	MediaTypePDF  = "application/pdf"
)
