package diff

import (
	"slices"
	"strings"

	"mkbtf/btf"
)

// Class is what is different about a type.
type Class string

// The classes, in the order of a report.
const (
	Changed  Class = "changed"    // defined in both, with other content
	OnlyA    Class = "only-a"     // a definition that B has nowhere
	OnlyB    Class = "only-b"     // a definition that A has nowhere
	Count    Class = "count"      // alike, but not defined equally often
	CopyA    Class = "own-copy-a" // A has an own copy of what B takes from its base
	CopyB    Class = "own-copy-b" // B has an own copy of what A takes from its base
	Origin   Class = "origin"     // both have it, references lead to the base in one only
	ForwardA Class = "forward-a"  // only declared in A where B has or uses the definition
	ForwardB Class = "forward-b"  // only declared in B where A has or uses the definition
)

var classOrder = []Class{Changed, OnlyA, OnlyB, Count, CopyA, CopyB, Origin, ForwardA, ForwardB}

// Report is the outcome of a comparison.
type Report struct {
	NameA   string      `json:"a,omitempty"` // for Write: what A is called
	NameB   string      `json:"b,omitempty"`
	Kinds   []KindCount `json:"kinds"`       // of kinds that occur, in the order of their numbers
	Entries []Entry     `json:"differences"` // named types first, then by kind, class, name and text
	byKind  [btf.NumKinds]KindCount
}

// KindCount sums up one kind. Ignored types are not in it.
type KindCount struct {
	Kind    string `json:"kind"`
	A       int    `json:"a"` // own types of A
	B       int    `json:"b"`
	Same    int    `json:"same"` // pairs of types that do not differ
	Changed int    `json:"changed"`
	OnlyA   int    `json:"only_a"`
	OnlyB   int    `json:"only_b"`
	CopyA   int    `json:"own_copy_a"`
	CopyB   int    `json:"own_copy_b"`
	// Own types that repeat one of their own base: what dedup should not leave. FUNC,
	// VAR and DATASEC are what a module has itself whatever its base has, and do not
	// count.
	RepeatA int `json:"repeat_a"`
	RepeatB int `json:"repeat_b"`
}

// Entry is one difference.
type Entry struct {
	Class   Class    `json:"class"`
	Kind    string   `json:"kind"`
	Name    string   `json:"name,omitempty"`
	Text    string   `json:"text,omitempty"` // the type in C, or what else there is to say
	A       int      `json:"a"`              // number of definitions, of unnamed types: of such types
	B       int      `json:"b"`
	IDA     btf.ID   `json:"id_a,omitempty"` // an example
	IDB     btf.ID   `json:"id_b,omitempty"`
	Details []Detail `json:"details,omitempty"`
	kind    btf.Kind
}

// Detail is one thing in which two definitions differ. A or B is empty where that
// side has nothing.
type Detail struct {
	Where string `json:"where,omitempty"` // ".member.inner" or "(parameter 2)"; empty: the type itself
	What  string `json:"what"`            // "size", "type", "bit offset", "value", ...
	A     string `json:"a,omitempty"`
	B     string `json:"b,omitempty"`
}

// Different reports whether there is any difference.
func (r *Report) Different() bool { return len(r.Entries) > 0 }

// Count returns the number of differences of a class.
func (r *Report) Count(c Class) int {
	n := 0
	for i := range r.Entries {
		if r.Entries[i].Class == c {
			n++
		}
	}
	return n
}

func (r *Report) add(e Entry) {
	e.Kind = e.kind.String()
	r.Entries = append(r.Entries, e)
}

// finish brings the report into its order.
func (r *Report) finish() {
	if r.Entries == nil {
		r.Entries = []Entry{} // [] in JSON
	}
	for k := range r.byKind {
		if c := r.byKind[k]; c.A != 0 || c.B != 0 {
			c.Kind = btf.Kind(k).String()
			r.Kinds = append(r.Kinds, c)
		}
	}
	slices.SortStableFunc(r.Entries, func(x, y Entry) int {
		switch {
		case (x.Name == "") != (y.Name == ""):
			return bySide(len(x.Name), 1, -1)
		case x.kind != y.kind:
			return int(x.kind) - int(y.kind)
		case x.Class != y.Class:
			return slices.Index(classOrder, x.Class) - slices.Index(classOrder, y.Class)
		case x.Name != y.Name:
			return strings.Compare(x.Name, y.Name)
		}
		return strings.Compare(x.Text, y.Text)
	})
}
