// Package calendar counts days as the law counts them: working days with the
// yearly holidays and make-up workdays of mainland China, calendar days, and
// periods of validity.
//
// The rules, with their sources:
//
//   - The day of the triggering event is not counted; day 1 is the next day
//     (民法典 art 201).
//   - A period whose last day is a rest day ends on the next working day
//     (民法典 art 203), where the region's profile says so; both dates are kept.
//   - Working days follow the yearly notice of the State Council's General
//     Office: its days off and its make-up workdays, which are Saturdays and
//     Sundays that are worked.
//   - Years of validity end the day before the same date.
//
// A year whose notice is not loaded yields no final date: the count falls back
// on weekends alone, and [Count.Final] refuses.
//
// Everything is pure: a [Calendar] is made from years once and never changes.
// All dates are days in Asia/Shanghai.
package calendar
