package rulebook

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"google.golang.org/protobuf/encoding/protojson"

	corev1 "fashen/gen/fashen/core/v1"
	"fashen/internal/policytext"
)

// maxLine bounds one line of JSON input.
const maxLine = 16 << 20

// lineIn is one clause to screen. Fields that a sample carries besides these
// are of no concern here.
type lineIn struct {
	ID   string `json:"id"`
	Text string `json:"text"`
	// Context says of the document what the clause alone cannot show.
	Context struct {
		Date       string         `json:"doc_date"` // YYYY-MM-DD
		Chapters   int            `json:"doc_chapters"`
		Articles   int            `json:"doc_articles"`
		Paragraphs map[string]int `json:"article_paragraphs"`
	} `json:"context"`
}

// facts reads the context of a line.
func (in *lineIn) facts() (Facts, error) {
	c := in.Context
	f := Facts{Numbering: policytext.Numbering{Chapters: c.Chapters, Articles: c.Articles, Paragraphs: make(map[int]int, len(c.Paragraphs))}}
	for k, n := range c.Paragraphs {
		article, err := strconv.Atoi(k)
		if err != nil {
			return f, fmt.Errorf("article_paragraphs: %w", err)
		}
		f.Paragraphs[article] = n
	}
	if c.Date == "" {
		return f, nil
	}
	var err error
	if f.Date, err = time.Parse(dateLayout, c.Date); err != nil {
		return f, fmt.Errorf("doc_date: %w", err)
	}
	return f, nil
}

type lineOut struct {
	ID        string            `json:"id"`
	Flagged   bool              `json:"flagged"`
	Articles  []string          `json:"articles"`
	Findings  []json.RawMessage `json:"findings"`
	Truncated bool              `json:"truncated,omitempty"`
}

// ScreenLines reads clauses as lines {"id","text"}, with an optional
// "context" {"doc_date","doc_chapters","doc_articles","article_paragraphs"}, and writes, line by line in
// the same order, {"id","flagged","articles","findings"}; articles are best
// first. A line that is no such object stops it with the line's number.
func (s *Set) ScreenLines(r io.Reader, w io.Writer) error {
	sc := bufio.NewScanner(r)
	sc.Buffer(make([]byte, 0, 64<<10), maxLine)
	out := bufio.NewWriter(w)
	enc := json.NewEncoder(out)
	enc.SetEscapeHTML(false)
	n := 0
	for sc.Scan() {
		n++
		if len(bytes.TrimSpace(sc.Bytes())) == 0 {
			continue
		}
		var in lineIn
		if err := json.Unmarshal(sc.Bytes(), &in); err != nil {
			return fmt.Errorf("line %d: %w", n, err)
		}
		facts, err := in.facts()
		if err != nil {
			return fmt.Errorf("line %d: %w", n, err)
		}
		got := s.ScreenClause(&corev1.PolicyText{Text: in.Text}, facts)
		raw, err := rawFindings(got.Findings)
		if err != nil {
			return fmt.Errorf("line %d: %w", n, err)
		}
		line := lineOut{in.ID, Flagged(got.Findings), Articles(got.Findings), raw, got.Truncated}
		if err := enc.Encode(line); err != nil {
			return fmt.Errorf("write line %d: %w", n, err)
		}
	}
	if err := sc.Err(); err != nil {
		return fmt.Errorf("after line %d: %w", n, err)
	}
	if err := out.Flush(); err != nil {
		return fmt.Errorf("write findings: %w", err)
	}
	return nil
}

// rawFindings encodes findings with the field names of the proto. protojson
// varies its white space on purpose; compacting makes the output repeatable.
func rawFindings(findings []*corev1.Finding) ([]json.RawMessage, error) {
	raw := make([]json.RawMessage, 0, len(findings))
	for _, f := range findings {
		data, err := protojson.MarshalOptions{UseProtoNames: true}.Marshal(f)
		if err != nil {
			return nil, fmt.Errorf("encode finding %s: %w", f.GetId(), err)
		}
		var compact bytes.Buffer
		if err := json.Compact(&compact, data); err != nil {
			return nil, fmt.Errorf("encode finding %s: %w", f.GetId(), err)
		}
		raw = append(raw, compact.Bytes())
	}
	return raw, nil
}

// WriteJSON writes one screened file as an indented JSON object with name,
// rules, flagged, articles and findings.
func (s Screening) WriteJSON(w io.Writer, name string) error {
	raw, err := rawFindings(s.Findings)
	if err != nil {
		return err
	}
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	return enc.Encode(struct {
		Name      string            `json:"name"`
		Rules     string            `json:"rules"`
		Flagged   bool              `json:"flagged"`
		Articles  []string          `json:"articles"`
		Findings  []json.RawMessage `json:"findings"`
		Truncated bool              `json:"truncated,omitempty"`
	}{name, s.Version, Flagged(s.Findings), Articles(s.Findings), raw, s.Truncated})
}

// WriteText writes one screened file for people to read, in Chinese.
func (s Screening) WriteText(w io.Writer, name string) error {
	out := bufio.NewWriter(w)
	fmt.Fprintf(out, "%s　规则：%s\n", name, s.Version)
	if len(s.Findings) == 0 {
		fmt.Fprintln(out, "  未发现疑似问题。")
	}
	for _, f := range s.Findings {
		fmt.Fprintf(out, "  %s【%s】%s\n", Place(f.Anchor), f.Rule, Label(f))
		fmt.Fprintf(out, "    原文：%s\n    理由：%s\n    依据：%s\n", f.Anchor.Quote, f.Reason, f.Law)
		if f.Rewrite != "" {
			fmt.Fprintf(out, "    建议：%s\n", f.Rewrite)
		}
	}
	if s.Truncated {
		fmt.Fprintf(out, "  疑似问题超过 %d 处，其余未列出。\n", MaxFindings)
	}
	if err := out.Flush(); err != nil {
		return fmt.Errorf("write findings of %s: %w", name, err)
	}
	return nil
}

// Label says how strong a finding is, in Chinese.
func Label(f *corev1.Finding) string {
	switch {
	case f.VerifyBasis:
		return "请核实依据"
	case f.Strength == corev1.Strength_STRENGTH_DIRECT:
		return "疑似（直接）"
	case f.Strength == corev1.Strength_STRENGTH_PRESUMPTIVE:
		return "疑似（推定，须核对依据或者理由）"
	default:
		return "提示"
	}
}

// Place says where an anchor is: by its provisions, else by position.
func Place(a *corev1.Anchor) string {
	s := ""
	if strings.HasPrefix(a.Part, "att-") {
		s = "附件"
	}
	if a.Article == 0 {
		return s + fmt.Sprintf("第%d字", a.Start+1)
	}
	s += "第" + policytext.FormatNumeral(int(a.Article)) + "条"
	for _, part := range []struct {
		n    int32
		unit string
	}{{a.Paragraph, "款"}, {a.Item, "项"}, {a.SubItem, "目"}} {
		if part.n > 0 {
			s += "第" + policytext.FormatNumeral(int(part.n)) + part.unit
		}
	}
	return s
}
