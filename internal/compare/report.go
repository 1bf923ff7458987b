package compare

// Version is that of the shape of Report. It changes when a field changes its meaning
// or goes away, not when one is added.
const Version = 1

// Report is what a run has measured. It holds nothing that differs between two runs
// over the same files with the same tools.
type Report struct {
	Version int    `json:"version"`
	Tool    string `json:"tool"` // name and version of what made the report

	// Base is the kernel that the forms split and distilled are made against; nil if
	// none was given, and NoBase then says that these forms are left out and why.
	Base   *Kernel `json:"base,omitempty"`
	NoBase string  `json:"no_base,omitempty"`
	// Kernels are those that every form was checked against, the base first.
	Kernels []Kernel `json:"kernels"`

	Compression Compression `json:"compression"`
	Dictionary  *Dictionary `json:"dictionary,omitempty"` // nil: not asked for

	// Forms has the totals over the modules of Modules with DWARF, in the order in which
	// a table shows them: by what they cost, none first. A form that was not measured is
	// not there.
	Forms []FormTotals `json:"forms"`
	// NoDWARF has the totals over the modules without DWARF: of them only FormNone and
	// FormFound can be measured. Empty if there are none.
	NoDWARF []FormTotals `json:"no_dwarf,omitempty"`

	// Modules are all that were measured, in the order of their paths.
	Modules []Module `json:"modules"`
	// Failed are those that could not be measured; no total counts them.
	Failed []Failure `json:"failed,omitempty"`
}

// Kernel is one that modules were checked against.
type Kernel struct {
	Name    string `json:"name"`              // release if it is known, else the path
	Release string `json:"release,omitempty"` // "" if the file does not tell
	Path    string `json:"path"`
	Bytes   int64  `json:"bytes"` // of its BTF
	Base    bool   `json:"base"`  // the base is this very kernel
}

// Compression is how files were compressed, each by itself.
type Compression struct {
	Method string `json:"method"` // "zstd", "xz" or "none"
	// Encoder says what did it, with version and level, as a reader should see it:
	// "zstd 1.5.4 -19", "github.com/klauspost/compress best". "" for none.
	Encoder string `json:"encoder,omitempty"`
}

// Dictionary says how the dictionaries were made. The modules are split in two halves by
// a hash of their paths' last elements; each half is compressed with a dictionary that
// was trained on the other, per form.
type Dictionary struct {
	Trainer string `json:"trainer"` // what made it, with version
	Encoder string `json:"encoder"` // what compressed with it, as in Compression
	Limit   int64  `json:"limit"`   // largest size of a dictionary in bytes
}

// FormID names a form.
type FormID string

// The forms, in the order of Report.Forms.
const (
	FormNone      FormID = "none"      // without BTF
	FormSplit     FormID = "split"     // over exactly the base
	FormDistilled FormID = "distilled" // over a .BTF.base that kernels map by name
	FormOwn       FormID = "own"       // self-contained, --keep own
	FormReachable FormID = "reachable" // self-contained, --keep reachable
	FormAll       FormID = "all"       // self-contained, --keep all
	FormFound     FormID = "found"     // with the BTF that the file came with
)

// FormTotals is one line of the table.
type FormTotals struct {
	ID    FormID `json:"id"`
	Label string `json:"label"` // for people: "self-contained, own"
	// Reach says in a few words which kernels take the form, Programs what BPF programs can
	// do with it.
	Reach    string `json:"reach"`
	Programs string `json:"programs"`

	Modules int  `json:"modules"`  // measured
	WithBTF int  `json:"with_btf"` // of them have BTF in this form; others have no types of their own
	File    Stat `json:"file"`     // bytes of the modules, stripped of debug information
	BTF     Stat `json:"btf"`      // bytes of .BTF and .BTF.base
	// Base is what of BTF is .BTF.base.
	Base int64 `json:"base"`
	// Packed is bytes of the modules after compression; nil if there was none.
	Packed *Stat `json:"packed,omitempty"`
	// WithDictionary is the same with a trained dictionary; nil if there was none.
	WithDictionary *DictionaryStat `json:"with_dictionary,omitempty"`
	Memory         Stat            `json:"memory"` // bytes that a kernel keeps when all modules are loaded

	// The ratios compare totals: 1.09 is 9 per cent more. 0 where there is nothing to
	// compare with.
	FileOverNone    float64 `json:"file_over_none"`
	FileOverSplit   float64 `json:"file_over_split"`
	BTFOverSplit    float64 `json:"btf_over_split"`
	PackedOverNone  float64 `json:"packed_over_none,omitempty"`
	PackedOverSplit float64 `json:"packed_over_split,omitempty"`

	// Accepted counts for each of Report.Kernels the modules whose BTF it takes. Empty
	// for FormNone.
	Accepted []int `json:"accepted,omitempty"`
	// Portability is the share, 0 to 1, of WithBTF that a kernel other than the base
	// takes, on average over Report.Kernels; nil if only the base was given, or nothing.
	Portability *float64 `json:"portability,omitempty"`
}

// Stat is how a number of bytes is spread over modules. Median and P90 are by nearest
// rank: the smallest value that half, or nine tenths, of the modules do not exceed.
type Stat struct {
	Total   int64 `json:"total"`
	Median  int64 `json:"median"`
	P90     int64 `json:"p90"`
	Largest int64 `json:"largest"`
	// LargestModule is the Path of the module with it, the first of several; "" if all
	// are 0.
	LargestModule string `json:"largest_module,omitempty"`
}

// DictionaryStat is Stat for files that were compressed with a dictionary.
type DictionaryStat struct {
	Stat       // without the dictionary
	Size int64 `json:"size"` // bytes of the dictionary, the larger one of the two
	// TotalWithSize is Total and one dictionary, and OverNone and OverSplit compare it.
	TotalWithSize int64   `json:"total_with_size"`
	OverNone      float64 `json:"over_none,omitempty"`
	OverSplit     float64 `json:"over_split,omitempty"`
	// Error says why there is no dictionary, such as too few modules; the rest is then 0.
	Error string `json:"error,omitempty"`
}

// Module is what was measured of one module.
type Module struct {
	Path string `json:"path"` // as found
	Name string `json:"name"` // as the kernel calls it
	// DWARF is whether the file, or its debug file, has debug information. Without, only
	// FormNone and FormFound are in Sizes.
	DWARF bool `json:"dwarf"`
	// Found is the form of the BTF that the file came with: none, split, distilled or
	// self-contained.
	Found string `json:"found"`
	// Sizes are in the order of Report.Forms.
	Sizes []Size `json:"sizes"`
}

// Size is one module in one form.
type Size struct {
	Form FormID `json:"form"`
	File int64  `json:"file"` // bytes of the module, stripped of debug information
	BTF  int64  `json:"btf"`  // bytes of .BTF and .BTF.base
	Base int64  `json:"base"` // what of BTF is .BTF.base
	// Packed and WithDictionary are bytes of the compressed module, 0 if not measured.
	Packed         int64 `json:"packed,omitempty"`
	WithDictionary int64 `json:"with_dictionary,omitempty"`
	Memory         int64 `json:"memory"` // bytes that a kernel keeps of the BTF
	// Loads says for each of Report.Kernels whether it takes the BTF. Empty without BTF.
	Loads []bool `json:"loads,omitempty"`
}

// Failure is a module that could not be measured.
type Failure struct {
	Path  string `json:"path"`
	Error string `json:"error"`
}

// Form returns the totals of a form over the modules with DWARF, nil if it was not
// measured.
func (r *Report) Form(id FormID) *FormTotals {
	for i := range r.Forms {
		if r.Forms[i].ID == id {
			return &r.Forms[i]
		}
	}
	return nil
}

// Size returns what was measured of the module in a form, nil if nothing was.
func (m *Module) Size(id FormID) *Size {
	for i := range m.Sizes {
		if m.Sizes[i].Form == id {
			return &m.Sizes[i]
		}
	}
	return nil
}
