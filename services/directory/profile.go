package directory

import (
	"errors"
	"fmt"

	directoryv1 "fashen/gen/fashen/directory/v1"
	"fashen/internal/officialdoc"
	"fashen/internal/rpc"
)

// checkProfile checks what the protos cannot: a date that exists, numbers that
// make sense together.
func checkProfile(p *directoryv1.JurisdictionProfile) error {
	if _, err := requiredDate("jurisdiction_profile.effective_date", p.GetEffectiveDate()); err != nil {
		return err
	}
	var bad []rpc.FieldViolation
	within := func(field string, n *directoryv1.NumberSetting, least, most int32) {
		if n.GetValue() < least || n.GetValue() > most {
			bad = append(bad, rpc.FieldViolation{
				Field: "jurisdiction_profile." + field + ".value", Reason: "SETTING_OUT_OF_RANGE", Message: rangeMessage(least, most),
			})
		}
	}
	within("filing_deadline_days", p.GetFilingDeadlineDays(), 1, 365)
	within("consultation_days", p.GetConsultationDays(), 1, 365)
	within("consultation_shortened_days", p.GetConsultationShortenedDays(), 0, p.GetConsultationDays().GetValue())
	within("validity_years", p.GetValidityYears(), 1, 50)
	within("provisional_validity_years", p.GetProvisionalValidityYears(), 1, p.GetValidityYears().GetValue())
	if p.GetReviewExtensionDays() != nil {
		within("review_extension_days", p.GetReviewExtensionDays(), 0, 30)
	}
	if p.GetCounselPracticeYears() != nil {
		within("counsel_practice_years", p.GetCounselPracticeYears(), 0, 30)
	}
	within("expiring_days", p.GetExpiringDays(), 0, 365)
	if err := rpc.Fields(bad...); err != nil {
		return err
	}
	return checkLetterTemplate(p.GetLetterTemplate())
}

// checkLetterTemplate refuses what no letter could be written with.
func checkLetterTemplate(t *directoryv1.LetterTemplate) error {
	var refused *officialdoc.Error
	if errors.As(officialdoc.TemplateOf(t, "").Check(), &refused) {
		return rpc.Field("jurisdiction_profile.letter_template."+refused.Field, "LETTER_TEMPLATE_INVALID", refused.Message)
	}
	return nil
}

func rangeMessage(least, most int32) string {
	return fmt.Sprintf("应在%d至%d之间", least, most)
}
