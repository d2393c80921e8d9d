package directory

import (
	datepb "google.golang.org/genproto/googleapis/type/date"

	directoryv1 "fashen/gen/fashen/directory/v1"
	"fashen/internal/calendar"
	"fashen/internal/rpc"
)

// checkRegion checks what the protos cannot: dates that exist, in order.
func checkRegion(r *directoryv1.Region) error {
	from, err := optionalDate("region.valid_from", r.GetValidFrom())
	if err != nil {
		return err
	}
	until, err := optionalDate("region.valid_until", r.GetValidUntil())
	if err != nil {
		return err
	}
	if !from.IsZero() && !until.IsZero() && until.Before(from) {
		return rpc.Field("region.valid_until", "DATES_OUT_OF_ORDER", "失效日期不得早于生效日期")
	}
	return nil
}

// checkRegionValid refuses new entries under a code that is not valid on a day
// (codes of merged districts stay readable).
func checkRegionValid(r *directoryv1.Region, day calendar.Date) error {
	// Stored dates were checked, so that reading them again cannot fail.
	from, fromErr := calendar.FromProto(r.GetValidFrom())
	until, untilErr := calendar.FromProto(r.GetValidUntil())
	if fromErr == nil && day.Before(from) || untilErr == nil && day.After(until) {
		return rpc.Refused(rpc.Refusal{
			Code: "REGION_NOT_VALID", Law: "GB/T 2260",
			Message:  r.GetDisplayName() + "的行政区划代码当前无效，不能新增单位或人员",
			Metadata: map[string]string{"region": r.GetName()},
		})
	}
	return nil
}

// optionalDate reads a date that may be unset: the zero Date then.
func optionalDate(field string, p *datepb.Date) (calendar.Date, error) {
	if p == nil {
		return calendar.Date{}, nil
	}
	return requiredDate(field, p)
}

// requiredDate reads a full date between 1949 and 2199.
func requiredDate(field string, p *datepb.Date) (calendar.Date, error) {
	d, err := calendar.FromProto(p)
	if err != nil || d.Year < 1949 || d.Year > 2199 {
		return calendar.Date{}, rpc.Field(field, "DATE_INVALID", "日期不存在或超出范围，应为1949年至2199年之间的完整日期")
	}
	return d, nil
}
