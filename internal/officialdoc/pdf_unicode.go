package officialdoc

import (
	"bytes"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf16"
)

// The library writes the code of a character beyond the basic plane (𠮷) as one
// number where PDF wants a surrogate pair (ISO 32000-1, 9.10.3): it would be shown right,
// and copied and searched wrong. The tables that tell characters from glyphs are not
// compressed, so they are mended in the finished file, and its offsets with them.
var (
	unicodeTable = regexp.MustCompile(`<<\n/Length (\d+)\n>>\nstream\n(/CIDInit /ProcSet findresource begin\n)`)
	beyondBasic  = regexp.MustCompile(`(<[0-9A-F]{4}><[0-9A-F]{4}>)<([0-9A-F]{5,6})>\n`)
)

// shift is by how much everything from a place on has moved.
type shift struct{ from, by int }

// mendUnicode mends the tables of a file and what it says of itself in texts; one
// without such characters stays as it is.
func mendUnicode(data []byte, texts ...string) ([]byte, error) {
	for _, text := range texts {
		var wrong, right strings.Builder
		for _, r := range text {
			fmt.Fprintf(&wrong, "%04X", r)
			for _, half := range utf16.AppendRune(nil, r) {
				fmt.Fprintf(&right, "%04X", half)
			}
		}
		// They stand behind the cross-reference table, and so move nothing.
		if at := bytes.LastIndex(data, []byte("<FEFF"+wrong.String()+">")); at >= 0 && wrong.Len() != right.Len() {
			data = slices.Concat(data[:at], []byte("<FEFF"+right.String()), data[at+len("<FEFF")+wrong.Len():])
		}
	}
	var out bytes.Buffer
	var shifts []shift
	done := 0
	for _, m := range unicodeTable.FindAllSubmatchIndex(data, -1) {
		length, err := strconv.Atoi(string(data[m[2]:m[3]]))
		if err != nil || m[4]+length > len(data) {
			return nil, fmt.Errorf("a table of characters of %q bytes", data[m[2]:m[3]])
		}
		was := data[m[4] : m[4]+length]
		is := beyondBasic.ReplaceAllFunc(was, func(line []byte) []byte {
			parts := beyondBasic.FindSubmatch(line)
			r, _ := strconv.ParseInt(string(parts[2]), 16, 32) // six digits fit
			high, low := utf16.EncodeRune(rune(r))
			return fmt.Appendf(nil, "%s<%04X%04X>\n", parts[1], high, low)
		})
		if len(is) == len(was) {
			continue
		}
		out.Write(data[done:m[2]])
		out.WriteString(strconv.Itoa(len(is)))
		out.Write(data[m[3]:m[4]])
		out.Write(is)
		done = m[4] + length
		shifts = append(shifts, shift{done, out.Len() - done})
	}
	if len(shifts) == 0 {
		return data, nil
	}
	out.Write(data[done:])
	return moveOffsets(out.Bytes(), shifts)
}

var (
	crossReference = regexp.MustCompile(`\n(\d{10}) 00000 n`)
	startReference = regexp.MustCompile(`\nstartxref\n(\d+)\n%%EOF\n$`)
)

// moveOffsets adds to the offsets of a file's cross-reference table what moved before
// them.
func moveOffsets(data []byte, shifts []shift) ([]byte, error) {
	moved := func(at int) int {
		by := 0
		for _, s := range shifts {
			if at >= s.from {
				by = s.by
			}
		}
		return at + by
	}
	start := startReference.FindSubmatchIndex(data)
	if start == nil {
		return nil, errors.New("no end of the file")
	}
	was, err := strconv.Atoi(string(data[start[2]:start[3]]))
	if err != nil {
		return nil, fmt.Errorf("where the cross-reference table is: %w", err)
	}
	table := moved(was)
	if table > len(data) || !bytes.HasPrefix(data[table:], []byte("xref\n")) {
		return nil, fmt.Errorf("no cross-reference table at %d", table)
	}
	for _, m := range crossReference.FindAllSubmatchIndex(data[table:start[0]], -1) {
		at, err := strconv.Atoi(string(data[table+m[2] : table+m[3]]))
		if err != nil {
			return nil, fmt.Errorf("where an object is: %w", err)
		}
		copy(data[table+m[2]:], fmt.Sprintf("%010d", moved(at)))
	}
	return append(strconv.AppendInt(data[:start[2]:start[2]], int64(table), 10), data[start[3]:]...), nil
}
