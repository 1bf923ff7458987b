package check

import (
	"fmt"

	"mkbtf/btf"
	"mkbtf/internal/verify"
)

// Outcome is what becomes of a module's BTF on a kernel.
type Outcome string

// The outcomes. Only Loads, Ignored and None are no mismatch.
const (
	Loads   Outcome = "loads"   // the kernel takes it, and it means what it says
	Refused Outcome = "refused" // the kernel refuses the module, or loads it without its BTF
	Garbage Outcome = "garbage" // the kernel takes it for something else than it is
	Ignored Outcome = "ignored" // the kernel has no BTF of modules
	None    Outcome = "none"    // the module has no BTF
)

// Verdict is what a kernel does with a module's BTF, and what to do about it.
type Verdict struct {
	File    string  `json:"file"`
	Module  string  `json:"module"`
	Form    string  `json:"form"` // split, distilled, self-contained or none
	Kernel  string  `json:"kernel"`
	Outcome Outcome `json:"outcome"`
	// Message is what the kernel logs behind "BPF: "; with
	// CONFIG_MODULE_ALLOW_BTF_MISMATCH it mostly keeps it to itself.
	Message string `json:"message,omitempty"`
	Errno   string `json:"errno,omitempty"`
	// Reasons say in words what is wrong, Advice what helps.
	Reasons []string `json:"reasons,omitempty"`
	Advice  []string `json:"advice,omitempty"`
	// Warnings are about the module, not its BTF.
	Warnings []string `json:"warnings,omitempty"`
	Misses   []Miss   `json:"misses,omitempty"`
	// Live is what the running kernel's verifier says to the BTF with the kernel's own,
	// if it was asked: "accepted", or its last words.
	Live string `json:"live,omitempty"`

	mismatch Config
	errno    verify.Errno
}

// Miss is a type that .BTF.base wants and the kernel lacks.
type Miss struct {
	Kind       string `json:"kind"`
	Name       string `json:"name"`
	Size       uint32 `json:"size"`
	Embedded   bool   `json:"embedded"` // the module holds it by value
	Reason     string `json:"reason"`
	TargetSize uint32 `json:"target_size,omitempty"`
}

// Mismatch reports whether the module's BTF does not fit the kernel.
func (v *Verdict) Mismatch() bool {
	return v.Outcome == Refused || v.Outcome == Garbage || v.Live != "" && v.Live != accepted
}

// Check says what the kernel does with the module's BTF.
func (k *Kernel) Check(m *Module) *Verdict {
	v := &Verdict{File: m.File, Module: m.Name, Form: m.Form(), Kernel: k.Name, mismatch: k.Mismatch}
	if len(m.BTF) == 0 {
		v.Outcome = None
		return v
	}
	r := k.target.Module(m.BTF, m.Base)
	for i := range r.Misses {
		x := &r.Misses[i]
		v.Misses = append(v.Misses, Miss{
			Kind: x.Kind.String(), Name: x.Name, Size: x.Size, Embedded: x.Embedded,
			Reason: x.Reason.String(), TargetSize: x.TargetSize,
		})
	}
	switch r.Outcome {
	case verify.Ignored:
		v.Outcome = Ignored
		v.Reasons = []string{"this kernel does not read the BTF of modules"}
	case verify.Refused:
		v.Outcome = Refused
		v.Message, v.Errno, v.errno = r.Err.Msg, r.Err.Errno.String(), r.Err.Errno
		k.explainRefused(v, m, r)
	case verify.Garbage:
		v.Outcome = Garbage
		k.explainGarbage(v, m, r)
	default:
		v.Outcome = Loads
		k.findForeign(v, m, r)
		if v.Outcome == Loads {
			v.Warnings = k.FindABI(m)
		}
	}
	return v
}

// splitHere reports whether the kernel takes the BTF for split BTF over its own.
func (k *Kernel) splitHere(m *Module) bool { return m.Base == nil || !k.target.Abilities.DistilledBase }

// explainRefused finds words and advice for what the kernel refuses.
func (k *Kernel) explainRefused(v *Verdict, m *Module, r *verify.Result) {
	switch {
	case len(v.Misses) > 0:
		explainMisses(v)
	case m.Base != nil && k.splitHere(m):
		v.reason("the kernel knows no .BTF.base (Linux 6.11) and takes .BTF for split BTF over its own")
		v.advise("mkbtf relocate -b %s makes split BTF for this kernel", k.Path)
	case m.Base == nil:
		k.explainSplit(v, m)
	case r.Err.Section == ".BTF.base":
		v.reason(".BTF.base is damaged or of a kind that no kernel takes")
		v.advise("encode the module anew")
	default:
		v.reason("the BTF is damaged, or written for kernels that know more than this one")
		v.advise("encode the module anew")
	}
}

// explainMisses says in words what the kernel lacks. A struct of another size that
// the module holds by value is a matter of the module, not of its BTF.
func explainMisses(v *Verdict) {
	abi := false
	for i := range v.Misses {
		x := &v.Misses[i]
		what := cName(x.Kind, x.Name)
		switch {
		case x.Embedded && x.Reason == verify.MissSize.String():
			abi = true
			v.reason("embeds %s: %d bytes here, %d there; this module is not safe on that kernel, whatever its BTF", what, x.Size, x.TargetSize)
		case x.Reason == verify.MissAbsent.String():
			v.reason("the kernel has no %s", what)
		case x.Reason == verify.MissSize.String():
			v.reason("%s has %d bytes here, %d there", what, x.Size, x.TargetSize)
		case x.Reason == verify.MissAmbiguous.String():
			v.reason("the kernel has several types %s of that size", what)
		case x.Reason == verify.MissFwd.String():
			v.reason("%s is only declared here, which this kernel cannot map", what)
		default:
			v.reason("%s is another type there (%s)", what, x.Reason)
		}
	}
	if abi {
		v.advise("build the module for that kernel")
		return
	}
	v.advise("encode with --accept-on that kernel, or --form self-contained; or mkbtf relocate -b that kernel")
}

// explainSplit finds out why split BTF does not fit.
func (k *Kernel) explainSplit(v *Verdict, m *Module) {
	made := m.MadeFor()
	switch {
	case m.stripped(k):
		v.reason("its .BTF.base is gone: something has stripped one section and kept the other")
		v.advise("strip with --keep-section .BTF.base as well, or encode the module anew")
		return
	case m.Note != nil && m.Note.Base == k.Fingerprint():
		v.reason("made over this very kernel's BTF, and damaged since")
		v.advise("encode the module anew")
		return
	case made != "":
		v.reason("split BTF, made for %s; this is %s", made, k.Name)
	default:
		v.reason("split BTF of another kernel build")
	}
	v.adviseSplit()
}

func (v *Verdict) adviseSplit() {
	v.advise("encode it for this kernel, or mkbtf relocate --from-base the other kernel; --form distilled or self-contained would have lasted")
}

// explainGarbage says why BTF that the kernel takes means something else there.
func (k *Kernel) explainGarbage(v *Verdict, m *Module, r *verify.Result) {
	if m.Base == nil {
		k.explainSplit(v, m)
		if split, err := btf.Parse(m.BTF, k.blob); err == nil {
			k.findContent(v, m, split, r.Functions)
		}
	}
	for _, p := range r.Problems {
		if p.Pass == verify.PassOwn {
			v.reason("%s", p.Msg)
		}
	}
	if len(v.Reasons) == 0 && len(r.Problems) > 0 {
		v.reason("%s", r.Problems[0].Error())
	}
	if m.Base != nil && k.splitHere(m) {
		v.advise("mkbtf relocate -b %s makes split BTF for this kernel", k.Path)
	} else if len(v.Advice) == 0 {
		v.advise("encode the module anew")
	}
}

func (v *Verdict) reason(format string, args ...any) {
	v.Reasons = append(v.Reasons, fmt.Sprintf(format, args...))
}

func (v *Verdict) advise(format string, args ...any) {
	v.Advice = append(v.Advice, fmt.Sprintf(format, args...))
}

// cName is how C names a type.
func cName(kind, name string) string {
	switch kind {
	case btf.Struct.String():
		return "struct " + name
	case btf.Union.String():
		return "union " + name
	case btf.Enum.String(), btf.Enum64.String():
		return "enum " + name
	case btf.Fwd.String():
		return "struct or union " + name
	}
	return name
}

// Exposes returns what /sys/kernel/btf shows of the module if its BTF loads, whatever
// it means; nil if it does not load.
func (k *Kernel) Exposes(m *Module) []byte {
	if len(m.BTF) == 0 {
		return nil
	}
	return k.target.Module(m.BTF, m.Base).Relocated
}

// Takes reports whether the kernel takes the module's BTF and it means there what it says:
// whether the outcome of Check is Loads, without the words.
func (k *Kernel) Takes(m *Module) bool {
	if len(m.BTF) == 0 {
		return false
	}
	r := k.target.Module(m.BTF, m.Base)
	if r.Outcome != verify.Loads {
		return false
	}
	v := &Verdict{Outcome: Loads}
	k.findForeign(v, m, r)
	return v.Outcome == Loads
}
