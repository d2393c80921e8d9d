package checkpoint

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"golang.org/x/mod/sumdb/note"

	"fashen/internal/journal"
)

func TestReadFile(t *testing.T) {
	m, key, other := newMemory(3), newKey(t), newKey(t)
	s := signer(t, m, key, t.TempDir())
	first := signed(t, s).Note
	m.append(2)
	second := signed(t, s).Note
	foreign := signed(t, signer(t, m, other, t.TempDir())).Note
	sign := func(text string) string {
		b, err := note.Sign(&note.Note{Text: text}, key)
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	root := strings.Split(first, "\n")[2]
	for name, c := range map[string]struct {
		file  string
		sizes []int64
		kinds []journal.Kind
	}{
		"empty":                 {"", nil, nil},
		"only lines":            {"\n\n", nil, nil},
		"one":                   {first, []int64{3}, nil},
		"two":                   {first + second, []int64{3, 5}, nil},
		"two, lines between":    {"\n" + first + "\n\n" + second + "\n", []int64{3, 5}, nil},
		"two signatures":        {first + foreign[strings.Index(foreign, "— "):] + second, []int64{3, 5}, nil},
		"another's":             {first + foreign, []int64{3}, []journal.Kind{OtherKey}},
		"size changed":          {strings.Replace(first, "\n3\n", "\n2\n", 1) + second, []int64{5}, []journal.Kind{NoteChanged}},
		"cut off":               {second + first[:20], []int64{5}, []journal.Kind{NoteChanged}},
		"no signature":          {first[:strings.Index(first, "— ")], nil, []journal.Kind{NoteChanged}},
		"noise":                 {"\xff\xfe" + first, nil, []journal.Kind{NoteChanged}},
		"ends of lines changed": {strings.ReplaceAll(first, "\n", "\r\n"), nil, []journal.Kind{NoteChanged}},
		"more lines than ours":  {sign("fashen/filing/regions/120105\n3\n" + root + "\nmore\n"), nil, []journal.Kind{NoteChanged}},
		"another origin":        {sign("elsewhere/filing/regions/120105\n3\n" + root + "\n"), nil, []journal.Kind{NoteChanged}},
		"no feed":               {sign("fashen/filing/regions/../x\n3\n" + root + "\n"), nil, []journal.Kind{NoteChanged}},
		"another way to write":  {sign("fashen/filing/global\n03\n" + root + "\n"), nil, []journal.Kind{NoteChanged}},
		"a size that is none":   {sign("fashen/filing/global\n18446744073709551615\n" + root + "\n"), nil, []journal.Kind{NoteChanged}},
		"a hash that is none":   {sign("fashen/filing/global\n3\nAAAA\n"), nil, []journal.Kind{NoteChanged}},
	} {
		checkpoints, problems := ReadFile([]byte(c.file), key)
		var sizes []int64
		for _, c := range checkpoints {
			sizes = append(sizes, c.Size)
		}
		var kinds []journal.Kind
		for _, p := range problems {
			kinds = append(kinds, p.Kind)
		}
		if !slices.Equal(sizes, c.sizes) || !slices.Equal(kinds, c.kinds) {
			t.Errorf("%s: sizes %v, problems %v", name, sizes, problems)
		}
	}
}

func TestVerifierRefuses(t *testing.T) {
	for _, public := range []string{"", "fashen", "fashen+00000000+AAAA", newKey(t).Public()[1:]} {
		if _, err := Verifier(public); err == nil {
			t.Errorf("%q passed", public)
		}
	}
	if _, err := Verifier(newKey(t).Public()); err != nil {
		t.Error(err)
	}
}

// Nothing is lost or made up when a file is cut into notes, and what opens is what
// was signed.
func FuzzReadFile(f *testing.F) {
	key := newKey(f)
	m := newMemory(3)
	good := signed(f, signer(f, m, key, f.TempDir())).Note
	f.Add([]byte(good))
	f.Add([]byte(good + "\n" + good))
	f.Add([]byte("\n\n— fashen AAAA\n— \n\nx\n"))
	f.Fuzz(func(t *testing.T, file []byte) {
		notes := Split(file)
		if got, want := strings.ReplaceAll(strings.Join(notes, ""), "\n", ""), strings.ReplaceAll(string(file), "\n", ""); got != want {
			t.Errorf("%q became %q", want, got)
		}
		for _, signed := range notes {
			c, err := Open(signed, key)
			switch {
			case err == nil && (c.Size != 3 || c.Origin() != "fashen/filing/regions/120105" || string(c.Root) != string(m.wanted(3))):
				t.Errorf("%q opened as %+v", signed, c)
			case err != nil && !errors.Is(err, ErrChanged) && !errors.Is(err, ErrOtherKey):
				t.Errorf("%q: %v", signed, err)
			}
		}
	})
}
