package rulebook

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
)

// text is a YAML scalar that remembers its line, so that every complaint about
// a rule can name the place a lawyer has to open.
type text struct {
	s    string
	line int
}

func (t *text) UnmarshalYAML(n *yaml.Node) error {
	if n.Kind != yaml.ScalarNode {
		return fmt.Errorf("line %d: expected a plain value", n.Line)
	}
	t.s, t.line = n.Value, n.Line
	return nil
}

// fileDoc is one YAML file of the library. A file that names a pack adds rules
// and laws to it; lexicons and suppressors are shared by all packs.
type fileDoc struct {
	Pack        text              `yaml:"pack"`
	Version     text              `yaml:"version"`
	Title       text              `yaml:"title"`
	Laws        map[string]lawDoc `yaml:"laws"`
	Lexicons    map[string][]text `yaml:"lexicons"`
	Masks       []text            `yaml:"masks"`
	Places      []text            `yaml:"places"`
	Definition  definitionDoc     `yaml:"definition"`
	Suppressors []suppressorDoc   `yaml:"suppressors"`
	Rules       []ruleDoc         `yaml:"rules"`
	Statutes    []statuteDoc      `yaml:"statutes"`
	Wording     wordingDoc        `yaml:"wording"`
}

// wordingDoc is the model that a pack's clauses are weighed with, and its bounds.
type wordingDoc struct {
	Model text `yaml:"model"`
	Flag  text `yaml:"flag"`
	Keep  text `yaml:"keep"`
}

func likelihood(s string) (float64, error) {
	x, err := strconv.ParseFloat(s, 64)
	if err != nil || !(x >= 0 && x <= 1) {
		return 0, fmt.Errorf("%q is no likelihood from 0 to 1", s)
	}
	return x, nil
}

// definitionDoc is what narrows a term, and what its uses are read with.
type definitionDoc struct {
	Means text `yaml:"means"`
	Reads text `yaml:"reads"`
}

// statuteDoc is one entry of the law library. To is the last day in force;
// Certain is "no" where the end is not certain. Articles is how many it has.
type statuteDoc struct {
	Title      text `yaml:"title"`
	Number     text `yaml:"number"`
	Articles   text `yaml:"articles"`
	From       text `yaml:"from"`
	To         text `yaml:"to"`
	ReplacedBy text `yaml:"replaced_by"`
	Certain    text `yaml:"certain"`
}

type lawDoc struct {
	Title  text `yaml:"title"`
	Number text `yaml:"number"`
	From   text `yaml:"from"`
	To     text `yaml:"to"`
}

type ruleDoc struct {
	ID        text       `yaml:"id"`
	Title     text       `yaml:"title"`
	Article   text       `yaml:"article"`
	Also      []text     `yaml:"also"`
	Cites     []citeDoc  `yaml:"cites"`
	Strength  text       `yaml:"strength"`
	Residual  bool       `yaml:"residual"`
	Contrast  []text     `yaml:"contrast"`
	From      text       `yaml:"from"`
	To        text       `yaml:"to"`
	Frames    []frameDoc `yaml:"frames"`
	FramesOf  []text     `yaml:"frames_of"`
	Needs     text       `yaml:"needs"`
	Check     text       `yaml:"check"`
	Suppress  []text     `yaml:"suppress"`
	Except    []text     `yaml:"except"`
	Reason    text       `yaml:"reason"`
	Rewrite   text       `yaml:"rewrite"`
	Violation []text     `yaml:"violation"`
	Clean     []text     `yaml:"clean"`
	Verify    []text     `yaml:"verify"`
}

type citeDoc struct {
	Law text `yaml:"law"`
	At  text `yaml:"at"`
}

type frameDoc struct {
	All  []text `yaml:"all"`
	None []text `yaml:"none"`
	// Except names suppressors that the frame does without unless they govern the whole
	// clause: a ban on outsiders is not silenced by its own 不得.
	Except []text `yaml:"except"`
}

type suppressorDoc struct {
	ID      text         `yaml:"id"`
	Title   text         `yaml:"title"`
	Effect  text         `yaml:"effect"`
	General text         `yaml:"general"`
	Packs   []text       `yaml:"packs"`
	Cues    []cueDoc     `yaml:"cues"`
	Silent  []exampleDoc `yaml:"silent"`
	Heard   []exampleDoc `yaml:"heard"`
}

type cueDoc struct {
	Where   text `yaml:"where"`
	Pattern text `yaml:"pattern"`
	Unless  text `yaml:"unless"`
}

type exampleDoc struct {
	Rule text `yaml:"rule"`
	Text text `yaml:"text"`
}

// decode reads one file strictly: an unknown field is an error, because a
// misspelt `none:` would silently widen a rule.
func decode(name string, data []byte) (*fileDoc, error) {
	d := yaml.NewDecoder(bytes.NewReader(data))
	d.KnownFields(true)
	var f fileDoc
	if err := d.Decode(&f); err != nil && !errors.Is(err, io.EOF) {
		return nil, decodingFailed(name, err)
	}
	return &f, nil
}

var yamlLine = regexp.MustCompile(`^(?:yaml: )?line (\d+): `)

// decodingFailed tells each complaint of the YAML reader by its line.
func decodingFailed(name string, err error) error {
	complaints := []string{err.Error()}
	var several *yaml.TypeError
	if errors.As(err, &several) {
		complaints = several.Errors
	}
	var errs []error
	for _, c := range complaints {
		p := &Problem{File: name}
		if m := yamlLine.FindStringSubmatch(c); m != nil {
			p.Line, _ = strconv.Atoi(m[1])
			c = c[len(m[0]):]
		}
		c, _, _ = strings.Cut(c, " in type rulebook.") // the place of the field in our code
		p.Err = errors.New(c)
		errs = append(errs, p)
	}
	return errors.Join(errs...)
}

const dateLayout = "2006-01-02"

// parseDay reads a civil date; the empty text is the zero time, an open end.
func parseDay(t text) (time.Time, error) {
	if t.s == "" {
		return time.Time{}, nil
	}
	return time.Parse(dateLayout, t.s)
}
