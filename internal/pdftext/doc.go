// Package pdftext reads the pages of PDF files: runs of text at their places.
//
// A PDF is the most dangerous file that an office sends. It is read by PDFium,
// compiled to WebAssembly (github.com/klippa-app/go-pdfium), which sees neither
// files nor network and has a fixed memory, in a child process that is killed when
// its time is over: [Reader] is the side that asks, [Serve] the child. What a
// file is made of is looked at before the engine sees it (check.go).
package pdftext
