package encode

import (
	"fmt"
	"slices"
	"strings"

	"mkbtf/btf"
	"mkbtf/emit"
	"mkbtf/internal/object"
	"mkbtf/internal/verify"
)

// kernel is one of Options.AcceptOn.
type kernel struct {
	path   string
	target *verify.Target
}

// loadKernels reads the kernels on which the output shall load.
func loadKernels(paths []string) ([]kernel, error) {
	var ks []kernel
	for _, path := range paths {
		data, err := object.LoadBTF(path)
		if err != nil {
			return nil, err
		}
		if _, err := data.ParseKernel(); err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		t, err := verify.NewTarget(data.BTF)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		if !t.Abilities.DistilledBase {
			return nil, fmt.Errorf("%s: this kernel cannot relocate module BTF (Linux 6.11 and later can): nothing but split BTF made for it loads there", path)
		}
		ks = append(ks, kernel{path, t})
	}
	return ks, nil
}

// distil writes the distilled form. What one of the kernels in AcceptOn cannot map is
// carried instead of being made a condition, until all of them can map what is left
// but for structs that the module embeds and that have another size there.
func (e *Encoder) distil(t *btf.Table, file string, named namedTypes, order btf.Order) (*emit.Output, error) {
	opts := emit.DistilOptions{Ambiguous: e.base.names(), Need: named.inBase(t, e.base), Carry: map[emit.Tag]emit.Carry{}}
	for {
		out, err := emit.Distilled(t, e.base.Blob, order, opts)
		if err != nil {
			return nil, err
		}
		changed := false
		results := make([]*verify.Result, len(e.kernels))
		for i, k := range e.kernels {
			results[i] = k.target.Module(out.BTF, out.Base)
			for _, m := range results[i].Misses {
				changed = e.carry(&opts, file, k.path, m) || changed
			}
		}
		if changed {
			continue
		}
		for i, k := range e.kernels {
			e.judge(file, k.path, results[i])
		}
		return out, nil
	}
}

// carry makes a miss one that does not happen again, and reports whether it could.
func (e *Encoder) carry(opts *emit.DistilOptions, file, kernel string, m verify.Miss) bool {
	tag := emit.Tag{Kind: m.Kind, Name: m.Name}
	want := emit.CarryShell
	if m.Embedded {
		want = emit.CarryFull
	}
	if abiBreak(m) && !e.opts.ForceABI || !m.Kind.IsComposite() || opts.Carry[tag] >= want {
		return false
	}
	opts.Carry[tag] = want
	e.opts.note(file, "%s %s: carried %s: %s in %s", strings.ToLower(m.Kind.String()), m.Name, want, m.Reason, kernel)
	return true
}

// abiBreak reports whether a miss means that the module's binary does not fit the
// kernel.
func abiBreak(m verify.Miss) bool { return m.Embedded && m.Reason == verify.MissSize }

// judge says what keeps the output from loading on one of the kernels.
func (e *Encoder) judge(file, kernel string, res *verify.Result) {
	if res.Outcome == verify.Loads {
		return
	}
	var breaks []string
	for _, m := range res.Misses {
		if abiBreak(m) {
			breaks = append(breaks, fmt.Sprintf("%s %s (%d bytes here, %d there)", strings.ToLower(m.Kind.String()), m.Name, m.Size, m.TargetSize))
		}
	}
	slices.Sort(breaks)
	if len(breaks) > 0 {
		e.opts.warn(file, "embeds %s: not safe on the kernel of %s, whatever its BTF, which will not load there; --force-abi makes it load", strings.Join(breaks, ", "), kernel)
		return
	}
	why := res.Err
	if why == nil && len(res.Problems) > 0 {
		why = res.Problems[0]
	}
	e.opts.warn(file, "will not load on the kernel of %s: %v", kernel, why)
}
