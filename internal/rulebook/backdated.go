package rulebook

import (
	"regexp"
	"strings"
	"time"

	"fashen/internal/policytext"
)

var (
	// since is a day from which on something holds.
	since = regexp.MustCompile(`([12][\d〇○零一二三四五六七八九]{3}|[一二][\d〇○零一二三四五六七八九]{3})年([\d一二三四五六七八九十]{1,3})月(?:([\d一二三四五六七八九十]{1,3})日)?(?:之日|当日)?起`)
	// burden is what takes from whom it is asked of, or adds to what they owe.
	burden = regexp.MustCompile(`[补加追计征收缴交扣罚退][^，。；不]{0,8}(?:费|款|金|税|租|价|差额|差价|利息|标准|额|分|积分|处罚)|补[缴交足收办]|[缴交]纳|[缴交]清|追[缴回收偿]|扣[回减除发]|[收退][回缴]|退还|返还|罚款|处罚|滞纳金|违约金|保证金|押金|费用|` +
		`取消|撤销|失效|作废|停止(?:享受|发放|经营|使用|营业)|责令|整改|拆除|停业|关闭|不得|不予|一律|应当[^，。；]{0,20}(?:办理|申报|登记|备案|建立|安装|配备|更换|申请|承担|提交|报送|参加|完成)|必须|须|重新|从重|列入`)
	// favour is what may well hold for the past.
	favour = regexp.MustCompile(`发放|补发|给予[^，。；]{0,8}(?:补|奖|优惠)|享受|减免|免收|免征|免除|免缴|停止(?:收取|征收|执行)|不再(?:收取|征收|执行|要求)|取消[^，。；]{0,10}(?:收费|费用|证明|审批|许可|限制|材料|罚款)|降低|降为|减半|下调|有利于|追加(?:补|奖)|继续有效|同时废止|不得(?:收取|再|要求)|退还[^，。；]{0,10}(?:保证金|押金|多收|已收|已缴)`)
	// ofOther is what stands between a title and the day from which it holds, or between
	// that day and the title.
	ofOther = regexp.MustCompile(`》[^。；]{0,20}$`)
	toOther = regexp.MustCompile(`^(?:施行|实施|执行|生效|试行)的`)
)

// checkBackdated finds burdens that begin before the day of the document (FACTS ND-P12).
func checkBackdated(in *checkInput) []checkHit {
	days := since.FindAllStringSubmatchIndex(in.text, -1)
	if len(days) == 0 || favour.MatchString(in.text) || !burden.MatchString(in.text) {
		return nil
	}
	for _, at := range days {
		day, ok := dayWritten(in.text, at)
		if !ok || !day.Before(in.facts.Date) || ofOther.MatchString(in.text[:at[0]]) || toOther.MatchString(in.text[at[1]:]) {
			continue
		}
		rest := in.text[:at[0]] + "，" + strings.TrimLeft(in.text[at[1]:], "施行实试执生效")
		if !burden.MatchString(rest) {
			continue
		}
		return []checkHit{{start: at[0], end: at[1], words: []string{"{day}", day.Format(dateLayout), "{date}", in.facts.Date.Format(dateLayout)}}}
	}
	return nil
}

// dayWritten reads a day, the first of a month where none is said.
func dayWritten(s string, at []int) (time.Time, bool) {
	n := [3]int{2: 1}
	for i := range n {
		from, to := at[2*i+2], at[2*i+3]
		if from < 0 {
			continue
		}
		v, ok := policytext.ParseNumeral(s[from:to])
		if !ok {
			return time.Time{}, false
		}
		n[i] = v
	}
	d := time.Date(n[0], time.Month(n[1]), n[2], 0, 0, 0, 0, time.UTC)
	return d, d.Month() == time.Month(n[1]) && d.Day() == n[2]
}
