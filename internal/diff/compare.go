package diff

import (
	"mkbtf/btf"
)

// Options say which differences count.
type Options struct {
	// Kinds, if not empty, are the only kinds that are reported.
	Kinds []btf.Kind
	// IgnoreKinds are kinds that are not reported. Types without a name that only
	// types of these kinds lead to are left out too: without FUNC, so are the
	// FUNC_PROTO that no other type needs, and the pointers in them. What a type that
	// counts holds is compared in full, whatever its kind.
	IgnoreKinds []btf.Kind
	// NamedOnly leaves out the types without a name. They still count in place, as
	// part of the named types that hold them.
	NamedOnly bool
	// Details limits the differences that are listed for one type, 0: 100.
	Details int
}

const defaultDetails = 100

// Compare compares the own types of two blobs, each over its base if it has one.
func Compare(a, b *btf.Blob, opts Options) *Report {
	return NewComparer(opts).Compare(a, b)
}

// Comparer compares any number of pairs and reads each base only once. It is not
// safe for concurrent use.
type Comparer struct {
	opts  Options
	pool  *btf.Strings
	bases map[*btf.Blob]*base
}

// NewComparer returns a Comparer that has no base yet.
func NewComparer(opts Options) *Comparer {
	if opts.Details <= 0 {
		opts.Details = defaultDetails
	}
	return &Comparer{opts: opts, pool: btf.NewStrings(), bases: make(map[*btf.Blob]*base)}
}

// Compare compares the own types of two blobs. Bases are recognised by their
// address.
func (c *Comparer) Compare(a, b *btf.Blob) *Report {
	r := &run{opts: c.opts, pool: c.pool, report: &Report{}}
	r.sides[0], r.sides[1] = c.side(a), c.side(b)
	r.findAmbiguous()
	r.refine()
	r.pairNames()
	r.compareNames()
	if !c.opts.NamedOnly {
		r.compareUnnamed()
	}
	r.originsOf()
	r.countRepeats()
	for k := range r.report.byKind {
		if !c.opts.counts(btf.Kind(k)) {
			r.report.byKind[k] = KindCount{}
		}
	}
	r.report.finish()
	return r.report
}

// run is one comparison. Arrays of two hold A's part and B's.
type run struct {
	opts      Options
	pool      *btf.Strings
	report    *Report
	sides     [2]*side
	ambiguous []bool     // by Str: a name with several definitions of a kind in one scope
	plain     [2]*hasher // references by kind and name only
	refined   [2]*hasher // references to ambiguous names by content too
	final     [2]*hasher // like refined, and paired definitions count as one
	strict    [2]*hasher // like final, and own, base and forward differ
	pairs     []pair
	singles   [2][]single // definitions that the other side has not
	origins   worklist
}

// counts reports whether differences of a kind are reported.
func (o *Options) counts(k btf.Kind) bool {
	for _, ignored := range o.IgnoreKinds {
		if k == ignored {
			return false
		}
	}
	for _, wanted := range o.Kinds {
		if k == wanted {
			return true
		}
	}
	return len(o.Kinds) == 0
}
