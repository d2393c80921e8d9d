package competition

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"

	competitionv1 "fashen/gen/fashen/competition/v1"
	corev1 "fashen/gen/fashen/core/v1"
	"fashen/internal/auth"
	"fashen/internal/docstore"
	"fashen/internal/rpc"
	"fashen/internal/rulebook"
)

// maxMistakes bounds how many mistakes in rule files one answer names.
const maxMistakes = 100

// mistakes tells the author of rule files what is wrong with them, file and line
// first; an error about anything else stays as it is.
func mistakes(err error) error {
	problems := rulebook.Problems(err)
	if len(problems) == 0 {
		return err
	}
	var bad []rpc.FieldViolation
	for _, p := range problems[:min(len(problems), maxMistakes)] {
		where := p.File
		if p.Line > 0 {
			where = fmt.Sprintf("%s第%d行", p.File, p.Line)
		}
		bad = append(bad, rpc.FieldViolation{Field: "content", Reason: "RULE_FILE_INVALID", Message: fmt.Sprintf("规则文件有误：%s：%v", where, p.Err)})
	}
	return rpc.Fields(bad...)
}

// candidateOf is the record of a library that compiled.
func candidateOf(in *competitionv1.ImportRuleSetCandidateRequest, files rulebook.Files, lib *rulebook.Library, who auth.Caller) *competitionv1.RuleSetCandidate {
	sum := sha256.Sum256(in.GetContent())
	c := &competitionv1.RuleSetCandidate{
		DisplayName: in.GetRuleSetCandidate().GetDisplayName(), Filename: in.GetFilename(),
		SizeBytes: int64(len(in.GetContent())), Sha256: hex.EncodeToString(sum[:]),
		Paths: slices.Sorted(maps.Keys(files)), Author: who.Actor(),
	}
	for _, r := range lib.Describe() {
		c.Labels = append(c.Labels, r.GetLabel())
		c.RuleCount += r.GetRuleCount()
	}
	return c
}

// imported is what the journal says of a new candidate. The officers who keep rules
// in a region see all its candidates.
func imported(c *competitionv1.RuleSetCandidate, region string) docstore.Change {
	return docstore.Change{
		Grant: []string{
			auth.RoleViewer(region, corev1.Role_ROLE_REVIEWER),
			auth.RoleViewer(region, corev1.Role_ROLE_MARKET_REGULATOR),
		},
		Details: []*corev1.Detail{
			docstore.Detail("filename", c.GetFilename()),
			docstore.Detail("file_sha256", c.GetSha256()),
			docstore.Detail("rules", c.GetRuleCount()),
		},
	}
}

// outdated refuses a candidate that compiled when it was taken in and no longer does
// beside the packs of a later release.
func outdated(err error) error {
	problems := rulebook.Problems(err)
	if len(problems) == 0 {
		return err
	}
	return rpc.Refused(rpc.Refusal{
		Code: "RULE_FILE_OUTDATED", Message: fmt.Sprintf("候选规则与现行规则包不再相容，请修改后重新导入：%v", problems[0]),
	})
}
