package officialdoc

import (
	"math"
	"strings"
	"unicode"
)

// titleLines breaks a title that is too long for a line: evenly, and rather at
// a mark than inside a word.
func titleLines(title string) string {
	const most = 2 * textWidth / 440 // in half characters of 2号
	title = strings.ReplaceAll(strings.TrimSpace(title), "\r\n", "\n")
	runes := []rune(title)
	if strings.ContainsRune(title, '\n') || halves(runes) <= most {
		return title
	}
	// What is half-width can leave no way to fill the fewest lines.
	for count := (halves(runes) + most - 1) / most; ; count++ {
		if lines := titleParts(runes, count, most); lines != nil {
			return strings.Join(lines, "\n")
		}
	}
}

// titleParts parts a title into so many lines at the least cost; nil if it cannot.
func titleParts(runes []rune, count, most int) []string {
	n := len(runes)
	from := make([]int, n+1) // how wide the title is up to a character
	breaks := make([]int, n+1)
	for at := 1; at <= n; at++ {
		from[at] = from[at-1] + halves(runes[at-1:at])
		if at < n {
			breaks[at] = breakCost(runes, at)
		}
	}
	even := (from[n] + count - 1) / count
	// cost and end are of the lines from a character on, by how many lines they are.
	cost, end := make([][]int, count+1), make([][]int, count+1)
	for lines := range count + 1 {
		cost[lines], end[lines] = make([]int, n+1), make([]int, n+1)
		for i := range n + 1 {
			cost[lines][i] = math.MaxInt32
			for at := i + 1; lines > 0 && at <= n && from[at]-from[i] <= most; at++ {
				wide := from[at] - from[i]
				c := max(wide-even, even-wide) + breaks[at] + cost[lines-1][at]
				if c <= cost[lines][i] {
					cost[lines][i], end[lines][i] = c, at
				}
			}
		}
		if lines == 0 {
			cost[0][n] = 0
		}
	}
	if cost[count][0] >= math.MaxInt32 {
		return nil
	}
	var out []string
	for i, lines := 0, count; lines > 0; lines-- {
		out = append(out, string(runes[i:end[lines][i]]))
		i = end[lines][i]
	}
	return out
}

// halves is how wide characters are, in half characters.
func halves(runes []rune) (n int) {
	for _, r := range runes {
		if n++; r >= 0x2000 {
			n++
		}
	}
	return n
}

// titleWords are words of titles that no line should end inside of.
var titleWords = strings.Fields("关于 行政规范性文件 重大行政决策 重大决策 公平竞争 合法性 法制 人民政府 备案 目录 报告 通知 意见 意见书 " +
	"审核 审查 结论 管理 办法 规定 细则 实施 方案 措施 政策 印发 报送 送审 材料 退回 补充 试行 暂行 季度 发展 高质量 经济 民营 企业 建设 工作 若干 " +
	"优化 营商环境 支持 促进 服务 监督 项目 资金 补贴 社会 行政 规范 文件")

// breakCost is how little a title should be broken before a character, measured in
// half characters by which its lines may differ instead.
func breakCost(runes []rune, at int) int {
	last, next := runes[at-1], runes[at]
	narrow := func(r rune) bool { return r < 0x2000 && (unicode.IsLetter(r) || unicode.IsDigit(r)) }
	number := func(r rune) bool { return narrow(r) || strings.ContainsRune("〇一二三四五六七八九十", r) }
	switch {
	case strings.ContainsRune("《〈（“‘〔—", last), strings.ContainsRune("》〉）”’〕—、，。的", next), narrow(last) && narrow(next):
		return 400
	case strings.ContainsRune("《〈（", next), strings.ContainsRune("》〉）、的", last):
		return 0
	case last == '第' && number(next), number(last) && strings.ContainsRune("年月日号件期季届次", next), insideWord(runes, at):
		return 80
	}
	return 32
}

// insideWord reports whether one of the words reaches over a place.
func insideWord(runes []rune, at int) bool {
	for _, word := range titleWords {
		w := []rune(word)
		for before := 1; before < len(w); before++ {
			from, to := at-before, at-before+len(w)
			if from >= 0 && to <= len(runes) && string(runes[from:to]) == word {
				return true
			}
		}
	}
	return false
}
