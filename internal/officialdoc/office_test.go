//go:build office

package officialdoc

import (
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// TestOfficeRoundTrip has LibreOffice open and save what is written here: words,
// places of comments and tracked changes stay.
func TestOfficeRoundTrip(t *testing.T) {
	letter, err := sample().DOCX()
	if err != nil {
		t.Fatal(err)
	}
	older, newer := policyText(t, draftText), policyText(t, strings.ReplaceAll(
		strings.Replace(draftText, "第二条　本办法适用于本区。\n", "", 1), "（一）甲", "第二条　本办法适用于本区。\n（一）丙"))
	at := time.Date(2026, 3, 5, 9, 30, 0, 0, time.UTC)
	redlined, err := Redline(older, newer, compared(t, older, newer), Edit{Author: "审核员", Time: at})
	if err != nil {
		t.Fatal(err)
	}
	annotated, err := Annotate(older, []Comment{{Start: 0, End: 3, Author: "甲", Text: "一"}, {Start: 2, End: 40, Author: "乙", Time: at, Text: "二"}})
	if err != nil {
		t.Fatal(err)
	}
	files := map[string][]byte{"letter.docx": letter, "redlined.docx": redlined, "annotated.docx": annotated}
	saved := office(t, files)
	for name, data := range files {
		if got, want := squeezed(read(t, saved[name]).Text.Text), squeezed(read(t, data).Text.Text); got != want {
			t.Errorf("%s\n got %s\nwant %s", name, got, want)
		}
	}
	places := func(data []byte) []string { return slices.Sorted(maps.Values(anchoredText(t, data))) }
	if got, want := places(saved["annotated.docx"]), places(annotated); !slices.Equal(got, want) {
		t.Errorf("comments on %q, not on %q", got, want)
	}
	document := partOf(t, saved["redlined.docx"], "word/document.xml")
	for _, change := range []string{"ins", "del", "moveFrom", "moveTo"} {
		if !strings.Contains(document, "<w:"+change+" ") {
			t.Errorf("no w:%s in\n%s", change, document)
		}
	}
	if !strings.Contains(document, `w:author="审核员" w:date="2026-03-05T09:30:00Z"`) {
		t.Error("no author and time")
	}
}

// office opens files in LibreOffice and saves them again.
func office(t *testing.T, files map[string][]byte) map[string][]byte {
	t.Helper()
	dir := t.TempDir()
	out := filepath.Join(dir, "out")
	args := []string{"-env:UserInstallation=file://" + filepath.Join(dir, "profile"), "--headless", "--convert-to", "docx", "--outdir", out}
	for name, data := range files {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		args = append(args, path)
	}
	if said, err := exec.CommandContext(t.Context(), "soffice", args...).CombinedOutput(); err != nil {
		t.Fatalf("soffice: %v\n%s", err, said)
	}
	saved := map[string][]byte{}
	for name := range files {
		data, err := os.ReadFile(filepath.Join(out, name))
		if err != nil {
			t.Fatal(err)
		}
		saved[name] = data
	}
	return saved
}
