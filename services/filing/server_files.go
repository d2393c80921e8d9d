package filing

import (
	"context"
	"errors"
	"fmt"
	"time"

	"google.golang.org/protobuf/proto"

	corev1 "fashen/gen/fashen/core/v1"
	filingv1 "fashen/gen/fashen/filing/v1"
	"fashen/internal/calendar"
	"fashen/internal/intake"
	"fashen/internal/policytext"
	"fashen/internal/rpc"
	"fashen/internal/rulebook"
)

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

// readFile reads an uploaded file; one with a mark of secrecy is a refusal for the
// record.
func readFile(ctx context.Context, door *intake.Door, data []byte) (*policytext.Document, error) {
	doc, err := door.Read(ctx, data)
	var classified *intake.ClassifiedError
	if errors.As(err, &classified) {
		return nil, refused{classified.Refusal()}
	}
	return doc, err
}

// readDraft reads a draft and runs the rules that are in force today over it.
func readDraft(ctx context.Context, door *intake.Door, data []byte, rules *rulebook.Library, today calendar.Date) (*reading, error) {
	doc, err := readFile(ctx, door, data)
	if err != nil {
		return nil, err
	}
	if proto.Size(doc.Text) > intake.MaxTextBytes {
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
	found := set.ScreenClause(doc.Text, rulebook.FactsOfDocument(doc))
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

func hashOf(b []byte) string { return intake.Hash(b) }
