// Package fonttest makes TrueType fonts for tests: of the characters asked for, and
// without ink, so that nothing of anybody else's has to be shipped.
package fonttest

import (
	"bytes"
	"encoding/binary"
	"slices"
)

// TrueType makes a TrueType font that has these characters, one em wide, ASCII half
// an em, and without ink: what a page says can be read from it, not seen.
func TrueType(characters string) []byte {
	runes := []rune(characters)
	slices.Sort(runes)
	runes = slices.Compact(runes)
	n := uint16(len(runes) + 1)
	table := func(values ...any) []byte {
		var b bytes.Buffer
		for _, v := range values {
			_ = binary.Write(&b, binary.BigEndian, v)
		}
		return b.Bytes()
	}
	var groups []byte
	advances := table(uint16(1000), int16(0))
	ends, starts, deltas, offsets := []uint16{}, []uint16{}, []uint16{}, []uint16{}
	for i, r := range runes {
		if r < 0x80 {
			advances = append(advances, table(uint16(500), int16(0))...)
		} else {
			advances = append(advances, table(uint16(1000), int16(0))...)
		}
		groups = append(groups, table(uint32(r), uint32(r), uint32(i+1))...)
		last := len(ends) - 1
		switch {
		case r > 0xffff:
		case i > 0 && runes[i-1] == r-1: // glyphs go on with the characters
			ends[last] = uint16(r)
		default:
			ends, starts, deltas, offsets = append(ends, uint16(r)), append(starts, uint16(r)), append(deltas, uint16(i+1)-uint16(r)), append(offsets, 0)
		}
	}
	ends, starts, deltas, offsets = append(ends, 0xffff), append(starts, 0xffff), append(deltas, 1), append(offsets, 0)
	segments := uint16(len(ends))
	four := table(uint16(4), 16+8*segments, uint16(0), 2*segments, uint16(0), uint16(0), uint16(0), ends, uint16(0), starts, deltas, offsets)
	twelve := append(table(uint16(12), uint16(0), uint32(16+len(groups)), uint32(0), uint32(len(runes))), groups...)
	cmap := slices.Concat(table(uint16(0), uint16(2), uint16(3), uint16(1), uint32(20), uint16(3), uint16(10), uint32(20+len(four))), four, twelve)
	name := "test"
	tables := []struct {
		tag  string
		data []byte
	}{
		{"OS/2", append(table(uint16(1), int16(1000), uint16(400), uint16(5), uint16(0)), make([]byte, 68)...)},
		{"cmap", cmap},
		{"glyf", make([]byte, 4)},
		{"head", table(uint32(0x10000), uint32(0), uint32(0), uint32(0x5F0F3CF5), uint16(0), uint16(1000), uint64(0), uint64(0),
			int16(0), int16(-140), int16(1000), int16(860), uint16(0), uint16(8), int16(2), int16(1), int16(0))},
		{"hhea", table(uint32(0x10000), int16(860), int16(-140), int16(0), uint16(1000), make([]byte, 22), n)},
		{"hmtx", advances},
		{"loca", make([]byte, 4*(int(n)+1))},
		{"maxp", table(uint32(0x10000), n, make([]byte, 26))},
		{"name", table(uint16(0), uint16(1), uint16(18), uint16(1), uint16(0), uint16(0), uint16(6), uint16(len(name)), uint16(0), []byte(name))},
		{"post", table(uint32(0x30000), make([]byte, 28))},
	}
	head := table(uint32(0x10000), uint16(len(tables)), uint16(128), uint16(3), uint16(32))
	var body []byte
	at := 12 + 16*len(tables)
	for _, t := range tables {
		head = append(head, t.tag...)
		head = append(head, table(uint32(0), uint32(at+len(body)), uint32(len(t.data)))...)
		body = append(body, t.data...)
		body = append(body, make([]byte, -len(body)&3)...)
	}
	return append(head, body...)
}
