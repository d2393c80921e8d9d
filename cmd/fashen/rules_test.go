package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestRulesByDate(t *testing.T) {
	all, err := command(t, "", "rules", "list")
	if err != nil || !strings.Contains(all, "competition@") || !strings.Contains(all, "2024-08-01～\t") {
		t.Errorf("%s, %v", all, err)
	}
	then, err := command(t, "", "rules", "list", "--date", "2019-11-20")
	if err != nil || strings.Contains(then, "competition@") || !strings.Contains(then, "powers@") {
		t.Errorf("%s, %v", then, err)
	}
}

// The built-in packs are written out, one is changed, and what that changes is told
// over files of a folder; nothing changes by itself.
func TestRulesExportAndDiff(t *testing.T) {
	folder := t.TempDir()
	packs, drafts := filepath.Join(folder, "packs"), filepath.Join(folder, "drafts")
	if _, err := command(t, "", "rules", "export", packs); err != nil {
		t.Fatal(err)
	}
	if _, err := command(t, "", "rules", "export", packs); err == nil {
		t.Error("a folder that is there was written over")
	}
	write := func(path, text string) {
		t.Helper()
		if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(filepath.Join(drafts, "a", "1.txt"), "示例办法\n第一条　申请人应当提交示例材料。\n第二条　外地企业不得参加本次投标。\n")
	write(filepath.Join(drafts, "2.txt"), "示例通知\n一、请各单位遵照执行。\n")
	write(filepath.Join(drafts, "3.docx"), "PK\x03\x04 no whole file")
	write(filepath.Join(drafts, "readme.md"), "示例材料")
	diff := func(args ...string) string {
		t.Helper()
		out, err := command(t, "", append([]string{"rules", "diff", packs, drafts, "--date", "2026-04-08"}, args...)...)
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	if out := diff(); !strings.HasSuffix(out, "文件2份，新增0处，减少0处，未列出0处，未能读取1份\n") {
		t.Errorf("unchanged:\n%s", out)
	}
	write(filepath.Join(packs, "powers", "own.yaml"), `pack: powers
rules:
  - id: EX-1
    article: EX-1
    cites: [{law: licensing, at: 第十五条}]
    strength: direct
    frames:
      - all: ['示例材料']
    reason: 示例理由。
    violation: [申请人应当提交示例材料。]
    clean: [本办法施行。]
`)
	out := diff()
	if !strings.Contains(out, "＋ "+filepath.Join(drafts, "a", "1.txt")+" 第一条") || !strings.Contains(out, "EX-1\t新增1\t减少0\n文件2份，新增1处") {
		t.Errorf("a rule more:\n%s", out)
	}
	if out = diff("--limit", "0"); !strings.Contains(out, "新增1处，减少0处，未列出1处") {
		t.Errorf("nothing printed, all counted:\n%s", out)
	}
	write(filepath.Join(packs, "powers", "own.yaml"), "pack: powers\nrulez: []\n")
	if _, err := command(t, "", "rules", "diff", packs, drafts); err == nil || !strings.Contains(err.Error(), "powers/own.yaml:2: ") {
		t.Errorf("a mistake: %v", err)
	}
	for _, args := range [][]string{{packs}, {packs, drafts, "--url", "http://127.0.0.1:1", "--region", "120105"}, {drafts, drafts}, {packs, "--url", "http://127.0.0.1:1"}} {
		if _, err := command(t, "", append([]string{"rules", "diff"}, args...)...); err == nil {
			t.Errorf("%v was taken", args)
		}
	}
}
