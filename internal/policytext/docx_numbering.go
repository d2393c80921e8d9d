package policytext

import (
	"encoding/xml"
	"strconv"
	"strings"
	"unicode/utf8"
)

// maxLevels is the number of levels of a Word list (ECMA-376, 17.9.6).
const maxLevels = 9

// maxLevelText bounds the pattern of a level's label; Word itself writes far
// shorter ones. A longer pattern is a trick to blow up the text.
const maxLevelText = 255

// numRef is a w:numPr: which list, which level; -1 where it is silent.
type numRef struct{ list, level int }

var noNumRef = numRef{list: -1, level: -1}

// listLevel is one w:lvl.
type listLevel struct {
	start   int
	format  string
	text    string
	suffix  string
	restart int // w:lvlRestart; -1 when absent
	legal   bool
	style   string
}

// listDefinition is one w:abstractNum with its running counters. The counters
// belong to it and not to the w:num, since lists that share a definition
// continue one another unless they override the start.
type listDefinition struct {
	levels    [maxLevels]*listLevel
	styleLink string
	value     [maxLevels]int
	started   [maxLevels]bool
}

// list is one w:num.
type list struct {
	definition int
	levels     [maxLevels]*listLevel // whole levels replaced
	start      [maxLevels]int        // start overridden, or -1
	used       [maxLevels]bool
}

// numbering is the content of numbering.xml and the state of all counters.
type numbering struct {
	definitions map[int]*listDefinition
	lists       map[int]*list
	byStyle     map[string]int // numbering style -> list, from styles.xml
}

func newNumbering() *numbering {
	return &numbering{definitions: map[int]*listDefinition{}, lists: map[int]*list{}, byStyle: map[string]int{}}
}

func attrInt(e xml.StartElement, name string, otherwise int) int {
	s, _ := attr(e, name)
	n, err := strconv.Atoi(strings.TrimSpace(s))
	if err != nil || n < 0 || n > 1<<30 {
		return otherwise
	}
	return n
}

func (n *numbering) read(x *xmlReader) error {
	return x.root(func(e xml.StartElement) error {
		if len(n.definitions) >= maxDefinitions || len(n.lists) >= maxDefinitions {
			return tooManyDefinitions()
		}
		switch e.Name.Local {
		case "abstractNum":
			return n.readDefinition(x, e)
		case "num":
			return n.readList(x, e)
		}
		return x.skip()
	})
}

func (n *numbering) readDefinition(x *xmlReader, e xml.StartElement) error {
	d := &listDefinition{}
	if id := attrInt(e, "abstractNumId", -1); id >= 0 {
		n.definitions[id] = d
	}
	return x.children(func(e xml.StartElement) error {
		switch e.Name.Local {
		case "lvl":
			level, at, err := readLevel(x, e)
			if at >= 0 {
				d.levels[at] = level
			}
			return err
		case "numStyleLink":
			d.styleLink, _ = attr(e, "val")
		}
		return x.skip()
	})
}

func (n *numbering) readList(x *xmlReader, e xml.StartElement) error {
	l := &list{definition: -1}
	for i := range l.start {
		l.start[i] = -1
	}
	if id := attrInt(e, "numId", -1); id > 0 { // 0 means "no list"
		n.lists[id] = l
	}
	return x.children(func(e xml.StartElement) error {
		switch e.Name.Local {
		case "abstractNumId":
			l.definition = attrInt(e, "val", -1)
		case "lvlOverride":
			at := attrInt(e, "ilvl", -1)
			if at < 0 || at >= maxLevels {
				break
			}
			return x.children(func(e xml.StartElement) error {
				switch e.Name.Local {
				case "startOverride":
					l.start[at] = attrInt(e, "val", -1)
				case "lvl":
					level, _, err := readLevel(x, e)
					l.levels[at] = level
					return err
				}
				return x.skip()
			})
		}
		return x.skip()
	})
}

// readLevel reads a w:lvl and tells which level it is, or -1.
func readLevel(x *xmlReader, e xml.StartElement) (*listLevel, int, error) {
	l := &listLevel{start: 0, format: "decimal", suffix: "tab", restart: -1}
	at := attrInt(e, "ilvl", -1)
	if at >= maxLevels {
		at = -1
	}
	err := x.children(func(e xml.StartElement) error {
		val, _ := attr(e, "val")
		switch e.Name.Local {
		case "start":
			l.start = attrInt(e, "val", 0)
		case "numFmt":
			l.format = val
		case "AlternateContent": // numFmt="custom" with a fallback: the fallback names a known format
			return x.children(func(e xml.StartElement) error {
				if e.Name.Local != "Fallback" {
					return x.skip()
				}
				return x.children(func(e xml.StartElement) error {
					if e.Name.Local == "numFmt" {
						l.format, _ = attr(e, "val")
					}
					return x.skip()
				})
			})
		case "lvlText":
			if utf8.RuneCountInString(val) <= maxLevelText {
				l.text = val
			}
		case "suff":
			l.suffix = val
		case "lvlRestart":
			l.restart = attrInt(e, "val", -1)
		case "isLgl":
			l.legal = isOn(e)
		case "pStyle":
			l.style = val
		}
		return x.skip()
	})
	return l, at, err
}

// resolve returns the list and its definition, through a numbering style where
// the definition only links to one.
func (n *numbering) resolve(id int) (*list, *listDefinition) {
	l := n.lists[id]
	if l == nil {
		return nil, nil
	}
	d := n.definitions[l.definition]
	if d != nil && d.styleLink != "" {
		if linked := n.lists[n.byStyle[d.styleLink]]; linked != nil && n.definitions[linked.definition] != nil {
			d = n.definitions[linked.definition]
		}
	}
	return l, d
}

// levelOfStyle finds the level of a list that is tied to one of the styles, the
// nearest style first; -1 when none is.
func (n *numbering) levelOfStyle(id int, styles []string) int {
	l, d := n.resolve(id)
	if d == nil {
		return -1
	}
	for _, style := range styles {
		for at := range maxLevels {
			if level := l.level(d, at); level != nil && level.style == style {
				return at
			}
		}
	}
	return -1
}

func (l *list) level(d *listDefinition, at int) *listLevel {
	if l.levels[at] != nil {
		return l.levels[at]
	}
	return d.levels[at]
}

// first is where the counter of a level begins.
func (l *list) first(d *listDefinition, at int) int {
	if l.start[at] >= 0 {
		return l.start[at]
	}
	if level := l.level(d, at); level != nil {
		return level.start
	}
	return 1
}

// label counts one paragraph of the list and returns its label and whether
// Word draws a gap after it. An unknown list or level gives no label.
func (n *numbering) label(id, at int) (label string, gap bool) {
	l, d := n.resolve(id)
	if d == nil || at < 0 || at >= maxLevels {
		return "", false
	}
	level := l.level(d, at)
	if level == nil {
		return "", false
	}
	d.count(l, at)
	switch level.format {
	case "none":
		// The pattern still shows, without this level's own number.
	case "bullet":
		return bulletLabel(level.text), level.suffix != "nothing"
	}
	var b strings.Builder
	for rest := level.text; rest != ""; {
		i := strings.IndexByte(rest, '%')
		if i < 0 || i+1 == len(rest) {
			b.WriteString(rest)
			break
		}
		b.WriteString(rest[:i])
		digit := rest[i+1]
		if digit < '1' || digit > '9' {
			b.WriteByte('%')
			rest = rest[i+1:]
			continue
		}
		b.WriteString(l.number(d, level, int(digit-'1')))
		rest = rest[i+2:]
	}
	return b.String(), level.suffix != "nothing"
}

// count moves the counter of a level and restarts the levels below it.
func (d *listDefinition) count(l *list, at int) {
	switch {
	case l.start[at] >= 0 && !l.used[at]:
		d.value[at] = l.start[at]
	case d.started[at]:
		d.value[at]++
	default:
		d.value[at] = l.first(d, at)
	}
	l.used[at], d.started[at] = true, true
	for below := at + 1; below < maxLevels; below++ {
		restart := below // default: any higher level restarts it
		if level := l.level(d, below); level != nil && level.restart >= 0 {
			restart = min(level.restart, below)
		}
		if at < restart {
			d.started[below] = false
		}
	}
}

// number writes the current number of one level inside the label of another.
func (l *list) number(d *listDefinition, of *listLevel, at int) string {
	level := l.level(d, at)
	if level == nil {
		return ""
	}
	value := d.value[at]
	if !d.started[at] {
		value = l.first(d, at)
	}
	if of.legal {
		return strconv.Itoa(value)
	}
	return formatListNumber(value, level.format)
}

// bulletLabel gives the bullet as a character that every font has.
func bulletLabel(text string) string {
	if text == "" {
		return ""
	}
	r, _ := utf8.DecodeRuneInString(text)
	if r >= 0xe000 && r <= 0xf8ff {
		return "•"
	}
	return string(r)
}

// reset forgets all counting.
func (n *numbering) reset() {
	for _, d := range n.definitions {
		d.value, d.started = [maxLevels]int{}, [maxLevels]bool{}
	}
	for _, l := range n.lists {
		l.used = [maxLevels]bool{}
	}
}
