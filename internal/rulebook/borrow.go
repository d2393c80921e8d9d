package rulebook

import "slices"

// borrow gives the rules that name others in `frames_of` the frames of those: the
// standards of an older time look for what the items of today look for. Frames stay
// one in the lender's pack; what suppresses a lender's hits suppresses the borrower's.
func (l *loader) borrow() {
	for _, name := range l.lib.names {
		p := l.lib.packs[name]
		for _, r := range p.rules {
			own := r.frames
			for _, t := range r.doc.FramesOf {
				lender, ok := l.rules[t.s]
				switch {
				case !ok:
					l.fail(r.file, t.line, "rule %s borrows the frames of unknown rule %q", r.id, t.s)
					continue
				case len(lender.doc.FramesOf) > 0 || lender.check != nil:
					l.fail(r.file, t.line, "rule %s borrows from %s, which has no frames of its own", r.id, t.s)
					continue
				}
				for _, f := range lender.frames {
					own = append(own, &frame{rule: r, all: f.all, none: f.none, except: f.except})
				}
				for _, s := range lender.suppressors {
					if !s.general && !slices.Contains(r.suppressors, s) {
						r.suppressors = append(r.suppressors, s)
					}
				}
				if !slices.Contains(p.lenders, lender.pack) {
					p.lenders = append(p.lenders, lender.pack)
				}
			}
			r.frames = own
		}
	}
}
