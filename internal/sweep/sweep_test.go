package sweep

import (
	"archive/zip"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"fashen/internal/policytext"
	"fashen/internal/rulebook"
)

const (
	suspect = "示例办法\n\n第一条 对在本区登记注册、纳税满三年的企业给予最高50万元奖励。\n第二条 仅限本县企业投标。\n"
	clean   = "示例通知\n\n第一条 为了示例，制定本办法。\n第二条 本办法自公布之日起施行。\n"
)

var ruleSet = sync.OnceValue(func() *rulebook.Set {
	library, err := rulebook.Builtin()
	if err != nil {
		panic(err)
	}
	set, err := library.Set(time.Date(2026, 5, 12, 0, 0, 0, 0, time.UTC), "competition", "powers")
	if err != nil {
		panic(err)
	}
	return set
})

func options(workers int) Options {
	return Options{
		Set: ruleSet(), Workers: workers, FileBytes: 1 << 20,
		Read: policytext.Reader{Limits: policytext.DefaultLimits()}.Read,
	}
}

func write(t testing.TB, folder, name, text string) string {
	t.Helper()
	file := filepath.Join(folder, filepath.FromSlash(name))
	must(t, os.MkdirAll(filepath.Dir(file), 0o700))
	must(t, os.WriteFile(file, []byte(text), 0o600))
	return file
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// lines are the results of a sweep, one a file.
func lines(t testing.TB, folder string, workers int) (out []string) {
	t.Helper()
	must(t, Folder(t.Context(), folder, options(workers), func(r Result) error {
		line := r.Path + " " + r.Code
		if r.Failure == "" {
			line = fmt.Sprintf("%s %s %v", r.Path, r.Title, len(r.Screening.Findings) > 0)
		}
		out = append(out, line)
		return nil
	}))
	return out
}

// Whatever lies in a folder, each document is a line, in the order of the paths,
// however many read; and nothing outside is read.
func TestFolder(t *testing.T) {
	folder, outside := t.TempDir(), t.TempDir()
	secret := write(t, outside, "outside.txt", suspect)
	write(t, folder, "b/办法.txt", suspect)
	write(t, folder, "a.txt", clean)
	write(t, folder, "b/notes.MD", "# 示例通知\n\n第一条 为了示例，制定本办法。\n")
	write(t, folder, "broken.docx", "PK\x03\x04 not a document")
	write(t, folder, "classified.txt", "密级：秘密\n示例办法\n第一条 示例。\n")
	write(t, folder, "empty.txt", "")
	write(t, folder, "large.txt", strings.Repeat("第一条 示例。\n", 100_000))
	write(t, folder, "picture.png", "no document")
	write(t, folder, ".hidden/x.txt", suspect)
	write(t, folder, "~$b.docx", "lock")
	for _, link := range [][2]string{
		{secret, "link-out.txt"}, {"../" + filepath.Base(outside) + "/outside.txt", "link-up.txt"}, {"b/办法.txt", "link-in.txt"},
		{"nowhere", "link-nowhere.txt"}, {outside, "out"}, {"..", "up"}, {"link-loop.txt", "link-loop.txt"}, {"b", "again"},
	} {
		must(t, os.Symlink(link[0], filepath.Join(folder, link[1])))
	}
	must(t, os.Mkdir(filepath.Join(folder, "folder.txt"), 0o700))
	want := []string{
		"a.txt 示例通知 false", "b/notes.MD 示例通知 false", "b/办法.txt 示例办法 true", "broken.docx ARCHIVE_DAMAGED", "classified.txt CLASSIFIED_MATERIAL",
		"empty.txt EMPTY_DOCUMENT", "large.txt TOO_LARGE", "link-in.txt 示例办法 true", "link-loop.txt LINK_NOT_FOLLOWED", "link-nowhere.txt UNREADABLE",
		"link-out.txt LINK_NOT_FOLLOWED", "link-up.txt LINK_NOT_FOLLOWED",
	}
	for _, workers := range []int{1, 2, 16} {
		if got := lines(t, folder, workers); !slices.Equal(got, want) {
			t.Errorf("%d workers:\n%q\nwant\n%q", workers, got, want)
		}
	}
	if err := Folder(t.Context(), filepath.Join(folder, "absent"), options(1), nil); err == nil {
		t.Error("a folder that is not there was swept")
	}
}

// One file on which a reader breaks is a line; the others are screened.
func TestPanicIsALine(t *testing.T) {
	folder := t.TempDir()
	for i := range 20 {
		write(t, folder, fmt.Sprintf("%02d.txt", i), suspect)
	}
	o := options(4)
	read := o.Read
	var once sync.Once
	o.Read = func(ctx context.Context, data []byte) (*policytext.Document, error) {
		once.Do(func() { panic("示例") })
		return read(ctx, data)
	}
	var c Count
	must(t, Folder(t.Context(), folder, o, func(r Result) error { c.add(r); return nil }))
	if c != (Count{Files: 20, Suspected: 19, Failed: 1}) {
		t.Errorf("%+v", c)
	}
}

// A sweep that is stopped, by its caller or by what takes the results, ends with why,
// and nothing of it goes on.
func TestSweepStops(t *testing.T) {
	folder := t.TempDir()
	for i := range 200 {
		write(t, folder, fmt.Sprintf("%03d.txt", i), suspect)
	}
	before := runtime.NumGoroutine()
	ctx, cancel := context.WithCancel(t.Context())
	n := 0
	err := Folder(ctx, folder, options(4), func(Result) error {
		if n++; n == 5 {
			cancel()
		}
		return nil
	})
	if !errors.Is(err, context.Canceled) || n > 6 {
		t.Errorf("cancelled: %v after %d", err, n)
	}
	full := errors.New("disk full")
	if err := Folder(t.Context(), folder, options(4), func(Result) error { return full }); !errors.Is(err, full) {
		t.Errorf("stopped by the taker: %v", err)
	}
	if now := runtime.NumGoroutine(); now > before {
		t.Errorf("%d goroutines before, %d after", before, now)
	}
}

// No more results are held than a few for each worker, whatever waits for the first.
func TestFewResultsAreHeld(t *testing.T) {
	folder := t.TempDir()
	for i := range 300 {
		write(t, folder, fmt.Sprintf("%03d.txt", i), clean)
	}
	o := options(2)
	read, release := o.Read, make(chan struct{})
	var mu sync.Mutex
	started := 0
	o.Read = func(ctx context.Context, data []byte) (*policytext.Document, error) {
		mu.Lock()
		started++
		first := started == 1
		if started == held*o.Workers { // as many as go ahead of the first
			close(release)
		}
		mu.Unlock()
		if first {
			<-release
		}
		return read(ctx, data)
	}
	most := 0
	taken := 0
	must(t, Folder(t.Context(), folder, o, func(Result) error {
		mu.Lock()
		defer mu.Unlock()
		taken++
		most = max(most, started-taken)
		return nil
	}))
	if most > (held+2)*o.Workers || taken != 300 {
		t.Errorf("%d results held at once, %d taken", most, taken)
	}
}

func docx(t testing.TB, paragraphs ...string) string {
	t.Helper()
	var b strings.Builder
	z := zip.NewWriter(&b)
	add := func(name, content string) {
		w, err := z.Create(name)
		must(t, err)
		_, err = w.Write([]byte(content))
		must(t, err)
	}
	add("[Content_Types].xml", `<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"><Override PartName="/word/document.xml" ContentType="application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml"/></Types>`)
	add("_rels/.rels", `<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="r1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument" Target="word/document.xml"/></Relationships>`)
	var body strings.Builder
	for _, p := range paragraphs {
		fmt.Fprintf(&body, "<w:p><w:r><w:t>%s</w:t></w:r></w:p>", p)
	}
	add("word/document.xml", `<w:document xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"><w:body>`+body.String()+`</w:body></w:document>`)
	must(t, z.Close())
	return b.String()
}
