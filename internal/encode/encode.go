package encode

import (
	"errors"
	"fmt"
	"slices"

	"mkbtf/btf"
	"mkbtf/dwarf2btf"
	"mkbtf/emit"
	"mkbtf/internal/btfids"
	"mkbtf/internal/object"
)

// Encoder encodes files with one set of options and one base.
type Encoder struct {
	opts     Options
	features Features
	form     Form
	base     *Base // nil if the form needs none
	// kernels are those of Options.AcceptOn.
	kernels []kernel
	// nestArrays: write arrays of several dimensions as ARRAYs of ARRAYs.
	nestArrays bool
	// crew is for all files of a batch; nil: each file has one of its own.
	crew *crew
}

// New loads the base and settles the form. ErrNoBase if the form needs a base and
// there is none.
func New(opts Options) (*Encoder, error) {
	base, err := opts.findBase()
	if err != nil {
		return nil, err
	}
	return newEncoder(opts, base)
}

// newMapped is New for a caller who uses File alone, and then calls close.
func newMapped(opts Options) (e *Encoder, err error) {
	base, err := opts.findBase()
	if err != nil {
		return nil, err
	}
	if base == nil && opts.Base != "" && opts.needsBase() {
		if base, err = mapBase(opts.Base); err != nil {
			return nil, err
		}
	}
	err = base.guard(func() error {
		e, err = newEncoder(opts, base)
		return err
	})
	if err != nil {
		base.close()
	}
	return e, err
}

func (e *Encoder) close() { e.base.close() }

// needsBase reports whether the options ask for something that takes a base.
func (o *Options) needsBase() bool { return o.Form != SelfContained || o.Keep == KeepOwn }

// newEncoder is New with the base of opts.Base, if that is loaded already.
func newEncoder(opts Options, base *Base) (e *Encoder, err error) {
	e = &Encoder{opts: opts, form: opts.Form, features: DefaultFeatures(), nestArrays: true}
	if opts.Features != nil {
		e.features = *opts.Features
	}
	e.settleFeatures()
	if !opts.needsBase() || e.form == SelfContained && opts.Base == "" {
		if opts.Base != "" {
			opts.note("", "form %s with --keep %s needs no base: %s is not read", e.form, opts.Keep, opts.Base)
		}
		return e, nil
	}
	if opts.Base == "" {
		return nil, fmt.Errorf("form %s: %w: give one with --base or --kernel, or use --form self-contained, which needs none", e.form, ErrNoBase)
	}
	if base == nil {
		if base, err = LoadBase(opts.Base); err != nil {
			return nil, err
		}
	}
	e.base, e.nestArrays = base, base.Index.NestsArrays()
	if e.form == Auto {
		e.form = Split
		if base.Relocates() {
			e.form = Distilled
		}
		opts.note("", "form %s: the kernel of %s %s", e.form, opts.Base, map[bool]string{true: "can relocate module BTF", false: "cannot relocate module BTF"}[e.form == Distilled])
	}
	if len(opts.AcceptOn) == 0 {
		return e, nil
	}
	if e.form != Distilled {
		return nil, fmt.Errorf("form %s: it is for exactly one kernel: accepting it on others takes --form distilled or self-contained", e.form)
	}
	e.kernels, err = loadKernels(opts.AcceptOn)
	return e, err
}

// Form is the form that is written.
func (e *Encoder) Form() Form { return e.form }

// Bytes encodes a module that is in memory and returns its BTF without writing
// anything. detached asks for what --detached writes.
func (e *Encoder) Bytes(name string, data []byte, detached bool) (*emit.Output, error) {
	f, err := object.OpenBytes(name, data)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	out, _, err := e.encode(f, detached, detached)
	return out, err
}

// Open encodes a module and returns its BTF without writing anything.
func (e *Encoder) Open(path string, detached bool) (*emit.Output, error) {
	f, err := object.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	var out *emit.Output
	err = f.Guard(func() (err error) {
		out, _, err = e.encode(f, detached, detached)
		return err
	})
	return out, err
}

// encode returns the BTF and, unless detached, the content of .BTF_ids for it; nil if
// there is none. raw is that of write.
func (e *Encoder) encode(f *object.File, detached, raw bool) (out *emit.Output, idData []byte, err error) {
	src, err := e.source(f)
	if err != nil {
		return nil, nil, err
	}
	ids, err := e.readIDs(f, src, detached || e.opts.LeaveIDs)
	if err != nil {
		return nil, nil, err
	}
	c, err := e.convert(f, src, ids, need{e.picks(), e.base != nil, e.nestArrays, e.opts.byDeclaration()})
	if err != nil {
		return nil, nil, err
	}
	if e.crew != nil {
		defer func() { e.crew.done(c.scratch) }()
	}
	t, err := e.table(c, src, ids)
	if err != nil {
		return nil, nil, err
	}
	if err := e.consistent(t, f, src.AddrSize); err != nil {
		return nil, nil, err
	}
	if len(t.Types) == 0 && !(detached && e.opts.WriteEmpty) {
		return &emit.Output{NewID: func(id btf.ID) btf.ID { return id }}, nil, nil
	}
	if out, err = e.write(t, f.Name, newNamed(ids), src.Order, raw); err != nil {
		return nil, nil, err
	}
	if !detached && isEmpty(out.BTF, src.Order) {
		// All that there was is int, which has gone into .BTF.base.
		return &emit.Output{NewID: out.NewID}, nil, nil
	}
	if detached || e.opts.LeaveIDs {
		if ids != nil {
			e.opts.note(f.Name, ".BTF_ids is left as it is: mkbtf resolve_btfids fills it in")
		}
	} else if idData, err = e.resolveIDs(ids, out, f.Name); err != nil {
		return nil, nil, err
	}
	return out, idData, e.explain(f.Name, out)
}

// isEmpty reports whether BTF has no types (btf_header.type_len is 0).
func isEmpty(raw []byte, order btf.Order) bool {
	return len(raw) >= btf.HeaderLen && order.Uint32(raw[12:]) == 0
}

// need is what a conversion has to give for the tables that are built of it.
type need struct {
	picks      picker
	overBase   bool // one of them lies over a base
	nestArrays bool
	declFiles  bool
}

func (e *Encoder) convert(f *object.File, src *dwarf2btf.Source, ids *btfids.Section, n need) (*converted, error) {
	copts := e.opts.converter(f.Name)
	copts.Features, copts.Variables = e.features.Converter, e.features.Variables
	copts.Features.NestedArrays, copts.Copies, copts.DeclFiles = n.nestArrays, e.features.TrueSignature, n.declFiles
	conv, err := dwarf2btf.New(src, copts)
	if errors.Is(err, dwarf2btf.ErrNoDWARF) {
		return nil, fmt.Errorf("%w: build the module with -g (CONFIG_DEBUG_INFO), encode it before it is stripped, or name its debug file with --debug-file", err)
	}
	if err != nil {
		return nil, inDebugFile(f, err)
	}
	if e.base != nil && e.base.Blob.Order != src.Order {
		return nil, fmt.Errorf("byte order differs from that of the base %s: it belongs to another machine", e.base.Path)
	}
	crew := e.crew
	if crew == nil {
		crew = newCrew(e.opts.jobs(), 1)
		crew.once = true
	}
	c, err := convert(conv, n.overBase, crew, n.picks, newNamed(ids), f.Guard)
	if err != nil {
		return nil, inDebugFile(f, err)
	}
	return c, nil
}

// consistent reports contradictions. What other languages than C do with sizes is not
// known here: who asked for them is only told.
func (e *Encoder) consistent(t *btf.Table, f *object.File, addrSize int) error {
	var base *btf.Blob
	if e.base != nil {
		base = e.base.Blob
	}
	err := contradictions(t, base, addrSize)
	included := func(lang uint16) bool {
		return e.opts.ExcludeLanguages != nil && !slices.Contains(e.opts.ExcludeLanguages, lang)
	}
	if err != nil && slices.ContainsFunc(dwarf2btf.DefaultExcluded(), included) {
		e.opts.note(f.Name, "%v", err)
		return nil
	}
	if err != nil {
		return inDebugFile(f, err)
	}
	return nil
}

// explain tells what the conditions of the output are, if the user wants to know.
func (e *Encoder) explain(file string, out *emit.Output) error {
	if e.opts.Explain == nil {
		return nil
	}
	conditions, err := emit.Explain(out)
	if err == nil {
		e.opts.Explain(file, conditions)
	}
	return err
}
