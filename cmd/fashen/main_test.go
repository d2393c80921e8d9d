package main

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	_ "modernc.org/sqlite"

	"fashen/internal/app"
	"fashen/internal/config"
	"fashen/internal/officialdoc"
	"fashen/internal/policytext"
)

// run runs a command line with an input, and answers its output.
func command(t *testing.T, stdin string, args ...string) (string, error) {
	t.Helper()
	var out bytes.Buffer
	root := newRoot()
	root.SetArgs(args)
	root.SetIn(strings.NewReader(stdin))
	root.SetOut(&out)
	root.SetErr(io.Discard)
	err := root.ExecuteContext(t.Context())
	return out.String(), err
}

func TestScreenLines(t *testing.T) {
	in := `{"id":"a","text":"外地企业不得参加本县工程项目投标。"}` + "\n" + `{"id":"b","text":"任何单位不得限制外地企业参加投标。"}` + "\n"
	out, err := command(t, in, "screen", "--format", "jsonl", "--date", "2026-06-01", "-")
	if err != nil {
		t.Fatal(err)
	}
	var lines []struct {
		ID       string
		Flagged  bool
		Articles []string
		Findings []struct{ Rule, Law string }
	}
	for _, line := range strings.Split(strings.TrimSpace(out), "\n") {
		lines = append(lines, struct {
			ID       string
			Flagged  bool
			Articles []string
			Findings []struct{ Rule, Law string }
		}{})
		if err := json.Unmarshal([]byte(line), &lines[len(lines)-1]); err != nil {
			t.Fatal(err)
		}
	}
	if len(lines) != 2 || !lines[0].Flagged || lines[0].Articles[0] != "REG-9-3" || lines[0].Findings[0].Law == "" {
		t.Errorf("the violation: %+v", lines)
	}
	if lines[1].ID != "b" || lines[1].Flagged {
		t.Errorf("the prohibition of it: %+v", lines[1])
	}
}

func TestScreenAndInspectADraft(t *testing.T) {
	file := filepath.Join(t.TempDir(), "draft.docx")
	if err := os.WriteFile(file, sampleDraft, 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := command(t, "", "screen", file)
	if err != nil || !strings.Contains(out, "FCR-19-3") || !strings.Contains(out, "公平竞争审查条例") {
		t.Errorf("screen: %v\n%s", err, out)
	}
	if out, err = command(t, "", "screen", "--format", "json", file); err != nil || !json.Valid([]byte(out)) {
		t.Errorf("screen --format json: %v\n%s", err, out)
	}
	out, err = command(t, "", "inspect", file)
	if err != nil {
		t.Fatal(err)
	}
	var got struct {
		Title  string
		Counts struct{ Chapters, Articles, Items int }
	}
	if err := json.Unmarshal([]byte(out), &got); err != nil {
		t.Fatal(err)
	}
	if got.Counts.Chapters != 4 || got.Counts.Articles != 10 || got.Counts.Items != 2 {
		t.Errorf("inspect: %+v", got)
	}
}

func TestBadCommandLines(t *testing.T) {
	for _, args := range [][]string{
		{"screen", "--date", "yesterday", "-"}, {"screen", "--rules", "astrology", "-"}, {"screen", "--date", "2001-01-01", "-"},
		{"screen", "--format", "morse", "-"}, {"inspect"}, {"inspect", "/does/not/exist"}, {"serve", "--store", "paper"}, {"verify", "--data", "x", "astrology"},
	} {
		if out, err := command(t, "第一条 内容。", args...); err == nil {
			t.Errorf("%v passed: %s", args, out)
		}
	}
}

// verify finds that somebody changed a line of the record with another tool.
func TestVerifyFindsTampering(t *testing.T) {
	c := config.Config{Store: config.StoreSQLite, DataDir: t.TempDir(), GRPCAddr: "127.0.0.1:0", HTTPAddr: "127.0.0.1:0", Sample: true}
	a, err := app.Start(t.Context(), c, app.Options{Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	if err := a.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	out, err := command(t, "", "verify", "--data", c.DataDir)
	if err != nil || !strings.Contains(out, "directory:") {
		t.Fatalf("an untouched store: %v\n%s", err, out)
	}
	db, err := sql.Open("sqlite", filepath.Join(c.DataDir, "directory.db"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := db.ExecContext(t.Context(), "DELETE FROM journal WHERE sequence = 1 AND resource IN (SELECT resource FROM journal LIMIT 1)"); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	if out, err = command(t, "", "verify", "--data", c.DataDir); err == nil || !strings.Contains(out, "1 problems") {
		t.Errorf("a removed entry: %v\n%s", err, out)
	}
}

func TestCompareDrafts(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	older := write("a.txt", "示例办法\n第一条　标准为每人每月1200元。\n第二条　自发布之日起施行。\n")
	newer := write("b.txt", "示例办法\n第一条　标准为每人每月1500元。\n第二条　由主管部门负责解释。\n第三条　自发布之日起施行。\n")
	out, err := command(t, "", "compare", older, newer)
	want := "修改\tart-1.para-1 → art-1.para-1\t标准为每人每月[-1200-]{+1500+}元。\n" +
		"新增\t（无） → art-2.para-1\t{+由主管部门负责解释。+}\n序号变更\tart-2.para-1 → art-3.para-1\t第三条　自发布之日起施行。\n"
	if err != nil || out != want {
		t.Errorf("%v\n%s", err, out)
	}
	out, err = command(t, "", "compare", "--format", "json", older, newer)
	var c struct{ Changes []struct{ Kind string } }
	if err != nil || json.Unmarshal([]byte(out), &c) != nil || len(c.Changes) != 3 || c.Changes[1].Kind != "ADDED" {
		t.Errorf("%v\n%s", err, out)
	}
	if _, err := command(t, "", "compare", older, filepath.Join(dir, "none")); err == nil || !strings.Contains(err.Error(), "none") {
		t.Errorf("a file that is not there: %v", err)
	}
}

func TestWordFiles(t *testing.T) {
	dir := t.TempDir()
	older, newer, out := filepath.Join(dir, "a.txt"), filepath.Join(dir, "b.txt"), filepath.Join(dir, "out.docx")
	for name, text := range map[string]string{
		older: "示例办法\n第一条　标准为每人每月1200元。\n第二条　外地企业不得参加本县工程项目投标。\n",
		newer: "示例办法\n第一条　标准为每人每月1500元。\n第二条　外地企业不得参加本县工程项目投标。\n",
	} {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, args := range [][]string{
		{"compare", "--docx", out, older, newer},
		{"screen", "--docx", out, "--date", "2026-06-01", newer},
	} {
		if printed, err := command(t, "", args...); err != nil || printed != "" {
			t.Fatalf("%v: %v\n%s", args, err, printed)
		}
		// The file has the newer text, whatever is marked in it.
		printed, err := command(t, "", "compare", out, newer)
		if err != nil || printed != "" {
			t.Errorf("%v: %v\n%s", args, err, printed)
		}
	}
	for _, args := range [][]string{
		{"screen", "--docx", out, older, newer}, {"screen", "--docx", out, filepath.Join(dir, "none")},
		{"screen", "--docx", filepath.Join(dir, "none", "out.docx"), older}, {"compare", "--docx", filepath.Join(dir, "none", "out.docx"), older, newer},
	} {
		if _, err := command(t, "", args...); err == nil {
			t.Errorf("%v: no error", args)
		}
	}
}

func TestInspectReadsTrackedChanges(t *testing.T) {
	older, err := policytext.Read(t.Context(), []byte("示例办法\n第一条　甲。\n第二条　乙。\n"), policytext.DefaultLimits())
	if err != nil {
		t.Fatal(err)
	}
	newer, err := policytext.Read(t.Context(), []byte("示例办法\n第一条　甲丙。\n第二条　乙。\n"), policytext.DefaultLimits())
	if err != nil {
		t.Fatal(err)
	}
	comparison, err := policytext.Compare(t.Context(), older.Text, newer.Text)
	if err != nil {
		t.Fatal(err)
	}
	data, err := officialdoc.Redline(older.Text, newer.Text, comparison, officialdoc.Edit{Author: "示例甲"})
	if err != nil {
		t.Fatal(err)
	}
	for mode, want := range map[string]string{"accepted": newer.Text.Text, "original": older.Text.Text} {
		out, err := command(t, string(data), "inspect", "--text", "--changes", mode, "-")
		if err != nil {
			t.Fatal(err)
		}
		var got struct {
			Text    string
			Changes []struct{ Kind, Author, Text string }
		}
		if err := json.Unmarshal([]byte(out), &got); err != nil {
			t.Fatal(err)
		}
		if got.Text != want || len(got.Changes) == 0 || got.Changes[0].Author != "示例甲" {
			t.Errorf("--changes %s: %+v", mode, got)
		}
	}
	if out, err := command(t, string(data), "inspect", "--paragraphs", "-"); err != nil || strings.Count(out, "\n") != 3 {
		t.Errorf("--paragraphs: %v\n%s", err, out)
	}
	if _, err := command(t, "", "inspect", "--changes", "burnt", "-"); err == nil {
		t.Error("an unknown mode passes")
	}
}

// A folder is told as a table or written as a workbook; a file that cannot be read does
// not stop the sweep, and the exit code tells.
func TestScreenAFolder(t *testing.T) {
	folder := t.TempDir()
	for name, data := range map[string][]byte{"a/draft.docx": sampleDraft, "b.txt": []byte("示例通知\n\n第一条 为了示例，制定本办法。\n")} {
		if err := os.MkdirAll(filepath.Dir(filepath.Join(folder, name)), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(folder, name), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	out, err := command(t, "", "screen", folder)
	if err != nil || !strings.Contains(out, "a/draft.docx") || !strings.Contains(out, "共2个文件：1个有疑似问题，1个未发现，0个未能筛查。") {
		t.Errorf("sweep: %v\n%s", err, out)
	}
	if err := os.WriteFile(filepath.Join(folder, "broken.docx"), []byte("PK\x03\x04 broken"), 0o600); err != nil {
		t.Fatal(err)
	}
	xlsx := filepath.Join(t.TempDir(), "stock.xlsx")
	out, err = command(t, "", "screen", "--xlsx", xlsx, folder)
	if exitCode(err) != 2 || !strings.Contains(out, "1个未能筛查") || strings.Contains(out, "a/draft.docx") {
		t.Errorf("sweep into a workbook: %v\n%s", err, out)
	}
	if data, err := os.ReadFile(xlsx); err != nil || !bytes.HasPrefix(data, []byte("PK")) {
		t.Errorf("workbook: %v", err)
	}
	for _, args := range [][]string{
		{"screen", "--docx", "x.docx", folder}, {"screen", "--format", "jsonl", folder}, {"screen", "--xlsx", xlsx, filepath.Join(folder, "b.txt")},
		{"screen", "--xlsx", filepath.Join(folder, "absent", "x.xlsx"), folder},
	} {
		if _, err := command(t, "", args...); err == nil || exitCode(err) != 1 {
			t.Errorf("%q: %v", args, err)
		}
	}
}

// Ctrl-C ends a sweep without a workbook.
func TestSweepInterrupted(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	folder, xlsx := t.TempDir(), filepath.Join(t.TempDir(), "stock.xlsx")
	if err := os.WriteFile(filepath.Join(folder, "draft.docx"), sampleDraft, 0o600); err != nil {
		t.Fatal(err)
	}
	root := newRoot()
	root.SetArgs([]string{"screen", "--xlsx", xlsx, folder})
	root.SetOut(io.Discard)
	root.SetErr(io.Discard)
	if err := root.ExecuteContext(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("interrupted: %v", err)
	}
	left, err := os.ReadDir(filepath.Dir(xlsx))
	if err != nil || len(left) != 0 {
		t.Errorf("left behind: %v %v", left, err)
	}
}
