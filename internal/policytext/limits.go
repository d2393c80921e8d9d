package policytext

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"
)

// Codes of a FormatError. They are part of the API: clients branch on them.
const (
	CodeNotADocument       = "NOT_A_DOCUMENT"
	CodeFormatNotSupported = "FORMAT_NOT_SUPPORTED"
	CodeEmptyDocument      = "EMPTY_DOCUMENT"
	// CodeScanned: pages without any text, pictures of paper that is.
	CodeScanned = "SCANNED_DOCUMENT"
	// CodeLegacyWord: a .doc file where no converter is configured;
	// CodeWordNotConverted: the converter could make nothing of it.
	CodeLegacyWord        = "LEGACY_WORD_FILE"
	CodeWordNotConverted  = "WORD_FILE_NOT_CONVERTED"
	CodeEncodingUnknown   = "TEXT_ENCODING_UNKNOWN"
	CodeTextTooLong       = "TEXT_TOO_LONG"
	CodeTooManyParagraphs = "TOO_MANY_PARAGRAPHS"
	CodeTooManyPages      = "TOO_MANY_PAGES"
	CodeReadTimeout       = "READ_TIMEOUT"
	CodeArchiveDamaged    = "ARCHIVE_DAMAGED"
	CodeArchiveBomb       = "ARCHIVE_BOMB"
	CodeDuplicatePart     = "DUPLICATE_PART"
	CodeUnsafePartName    = "UNSAFE_PART_NAME"
	CodeXMLDamaged        = "XML_DAMAGED"
	CodeXMLForbidden      = "XML_DTD_FORBIDDEN"
	CodeXMLTooDeep        = "XML_TOO_DEEP"
)

// FormatError tells why a file was refused: a stable Code for machines and a
// Chinese Message for the person who uploaded it.
type FormatError struct {
	Code    string
	Message string
}

// Error implements error.
func (e *FormatError) Error() string { return e.Code + ": " + e.Message }

func refuse(code, format string, args ...any) *FormatError {
	return &FormatError{Code: code, Message: fmt.Sprintf(format, args...)}
}

// Limits bounds what one file may cost. Every field must be positive.
type Limits struct {
	// Entries is the most members an archive may list.
	Entries int
	// PartBytes is the most bytes one member may hold once inflated.
	PartBytes int64
	// TotalBytes is the most bytes all members may hold once inflated.
	TotalBytes int64
	// Ratio is the highest compression ratio accepted in a member that has
	// already inflated to more than RatioFrom bytes.
	Ratio int64
	// RatioFrom is the size in bytes below which Ratio is not looked at.
	RatioFrom int64
	// XMLDepth is the deepest nesting of elements.
	XMLDepth int
	// Paragraphs is the most paragraphs (lines of a plain text).
	Paragraphs int
	// Pages is the most pages of a file that keeps pages: PDF and OFD.
	Pages int
	// TextBytes is the most bytes of UTF-8 the resulting text may take,
	// automatic numbers included.
	TextBytes int
	// MarkupBytes is the most bytes that the changes, comments and notes listed
	// beside the text may take; those beyond are left out, with a warning.
	MarkupBytes int
	// Time is the longest a file may take to read; the context may end sooner.
	Time time.Duration
}

// DefaultLimits returns the limits for uploads. They leave room for the
// longest real policy documents and refuse archives made to exhaust a server.
func DefaultLimits() Limits {
	return Limits{
		Entries:     2_000,
		PartBytes:   64 << 20,
		TotalBytes:  256 << 20,
		Ratio:       200,
		RatioFrom:   1 << 20,
		XMLDepth:    256,
		Paragraphs:  100_000,
		Pages:       2_000,
		TextBytes:   16 << 20,
		MarkupBytes: 1 << 20,
		Time:        10 * time.Second,
	}
}

// OrDefault is the limits with those of DefaultLimits in the place of zeros.
func (l Limits) OrDefault() Limits {
	d := DefaultLimits()
	return Limits{
		Entries:     cmp.Or(l.Entries, d.Entries),
		PartBytes:   cmp.Or(l.PartBytes, d.PartBytes),
		TotalBytes:  cmp.Or(l.TotalBytes, d.TotalBytes),
		Ratio:       cmp.Or(l.Ratio, d.Ratio),
		RatioFrom:   cmp.Or(l.RatioFrom, d.RatioFrom),
		XMLDepth:    cmp.Or(l.XMLDepth, d.XMLDepth),
		Paragraphs:  cmp.Or(l.Paragraphs, d.Paragraphs),
		Pages:       cmp.Or(l.Pages, d.Pages),
		TextBytes:   cmp.Or(l.TextBytes, d.TextBytes),
		MarkupBytes: cmp.Or(l.MarkupBytes, d.MarkupBytes),
		Time:        cmp.Or(l.Time, d.Time),
	}
}

// stopped reports why a context ended: the caller's cancellation as it is, an
// expired deadline as a refusal of the file.
func stopped(ctx context.Context) error {
	err := ctx.Err()
	if errors.Is(err, context.DeadlineExceeded) {
		return refuse(CodeReadTimeout, "文件读取超时，请拆分或精简后重新上传")
	}
	return err
}
