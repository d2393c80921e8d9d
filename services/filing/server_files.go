package filing

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"google.golang.org/protobuf/proto"

	corev1 "fashen/gen/fashen/core/v1"
	filingv1 "fashen/gen/fashen/filing/v1"
	"fashen/internal/calendar"
	"fashen/internal/policytext"
	"fashen/internal/rpc"
	"fashen/internal/rulebook"
)

// maxTextBytes bounds text and outline of a draft as encoded, so that they fit
// one answer. It is some 500,000 characters in 10,000 provisions.
const maxTextBytes = 3 << 20

// part is a stored piece of a reading.
type part struct {
	bytes  []byte
	sha256 string
}

// reading is a draft as read and screened, ready to be stored once it is sealed.
type reading struct {
	policy   *corev1.PolicyText
	findings *filingv1.Screening
	// warnings of the reader and the screening, for people.
	warnings []string
	// text and screening are policy and findings, encoded.
	text, screening part
}

// readFile reads an uploaded file and refuses one with a mark of secrecy. A file
// the reader cannot take is INVALID_ARGUMENT on `file` with the reader's code.
func readFile(ctx context.Context, texts policytext.Reader, data []byte) (*policytext.Document, error) {
	doc, err := texts.Read(ctx, data)
	if err != nil {
		var bad *policytext.FormatError
		if errors.As(err, &bad) {
			return nil, rpc.Field("file", bad.Code, bad.Message)
		}
		return nil, fmt.Errorf("read the file: %w", err)
	}
	if policytext.SecrecyMark(doc) != "" {
		return nil, classified(hashOf(data))
	}
	return doc, nil
}

// readDraft reads a draft and runs the rules that are in force today over it.
func readDraft(ctx context.Context, texts policytext.Reader, data []byte, rules *rulebook.Library, today calendar.Date) (*reading, error) {
	doc, err := readFile(ctx, texts, data)
	if err != nil {
		return nil, err
	}
	if proto.Size(doc.Text) > maxTextBytes {
		return nil, rpc.Field("file", policytext.CodeTextTooLong, "文件文字或条款过多，请拆分后上传")
	}
	set, err := rules.DraftSet(time.Date(today.Year, today.Month, today.Day, 0, 0, 0, 0, time.UTC))
	if err != nil {
		var none *rulebook.NotForDateError
		if errors.As(err, &none) {
			return nil, refused{{Code: none.Code(), Message: none.Message()}}
		}
		return nil, fmt.Errorf("choose the rules: %w", err)
	}
	found := set.Screen(doc.Text)
	r := &reading{
		policy: doc.Text,
		findings: &filingv1.Screening{
			Packs: set.Labels(), ReviewDate: today.Proto(), Findings: found.Findings,
		},
		warnings: doc.Text.GetWarnings(),
	}
	if found.Truncated {
		r.warnings = append(r.warnings, fmt.Sprintf("疑似问题超过%d处，只列出前面的部分", rulebook.MaxFindings))
	}
	return r, nil
}

// seal encodes text and findings, which do not change from then on.
func (r *reading) seal() (err error) {
	if r.text, err = partOf(r.policy); err != nil {
		return err
	}
	r.screening, err = partOf(r.findings)
	return err
}

func partOf(m proto.Message) (part, error) {
	b, err := proto.MarshalOptions{Deterministic: true}.Marshal(m)
	if err != nil {
		return part{}, fmt.Errorf("encode %s: %w", m.ProtoReflect().Descriptor().Name(), err)
	}
	return part{bytes: b, sha256: hashOf(b)}, nil
}

func hashOf(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}
