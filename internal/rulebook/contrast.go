package rulebook

// sentence is what is remembered of the one before, for a contrast with the next: that
// outside firms pay a deposit is said in one, that local ones do not in the other.
type sentence struct {
	clause
	end   int     // code points of the document up to its end
	sides [2]bool // of a contrast, that it holds
	plain bool    // nothing was found in it
}

// contrast looks for what a clause says together with the sentence before it in the same
// line, when nothing was found in either and each holds one side. Only a hit that takes
// in words of both counts.
func (r *run) contrast(c *clause, found bool) (*clause, hit, bool) {
	sides := r.set.lib.contrast
	if sides == nil {
		return nil, hit{}, false
	}
	now := sentence{clause: *c, end: c.runeStart + c.runes, plain: !found}
	for i, p := range sides {
		now.sides[i] = r.m.has(p, r.m.text)
	}
	prior := r.prior
	r.prior = now
	opposed := prior.sides[0] && now.sides[1] || prior.sides[1] && now.sides[0]
	if found || !prior.plain || prior.end != c.runeStart || prior.text == "" || !opposed {
		return nil, hit{}, false
	}
	both := &clause{lead: prior.lead, text: prior.text + c.text, runeStart: prior.runeStart, runes: prior.runes + c.runes}
	r.pair, r.made = true, true
	hits := r.clause(both)
	r.pair, r.made = false, false
	for _, h := range hits {
		if h.start < len(prior.text) && h.end > len(prior.text) && !h.verify {
			r.prior.plain = false
			return both, h, true
		}
	}
	return nil, hit{}, false
}
