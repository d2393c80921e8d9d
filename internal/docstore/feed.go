package docstore

import "strings"

// GlobalFeed is the feed of resources that lie in no region, such as calendars.
const GlobalFeed = "global"

// FeedOf names the feed a resource's entries belong to: its region,
// `regions/120105`, or [GlobalFeed].
func FeedOf(resource string) string {
	const prefix = "regions/"
	rest, ok := strings.CutPrefix(resource, prefix)
	if !ok {
		return GlobalFeed
	}
	region, _, _ := strings.Cut(rest, "/")
	if region == "" {
		return GlobalFeed
	}
	return prefix + region
}
