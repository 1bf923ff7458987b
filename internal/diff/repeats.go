package diff

import "mkbtf/btf"

// countRepeats counts the own types of either side that its base has as well.
func (r *run) countRepeats() {
	for i, s := range r.sides {
		if s.base == nil {
			continue
		}
		var ids []btf.ID
		for j := range s.own.Types {
			t, id := &s.own.Types[j], s.own.Start+btf.ID(j)
			if !r.opts.counts(t.Kind) || t.Kind == btf.Func || t.Kind == btf.Var || t.Kind == btf.DataSec {
				continue
			}
			found := false
			if isNamed(t) {
				ids = s.base.names.all(keyOf(t.Kind, t.Name), ids[:0])
				for _, b := range ids {
					found = found || r.refined[i].of(b) == r.refined[i].of(id)
				}
			} else if !r.opts.NamedOnly {
				found = r.baseHas(i, i, id)
			}
			if found {
				c := &r.report.byKind[t.Kind]
				*bySide(i, &c.RepeatA, &c.RepeatB)++
			}
		}
	}
}
