//go:build unix

package main

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"strings"

	ebtf "github.com/cilium/ebpf/btf"

	"mkbtf/btf"
	"mkbtf/internal/object"
	"mkbtf/internal/verify"
)

// judgeAlone looks at a module with self-contained BTF.
func judgeAlone(c *mutationCase, file string) error {
	data, err := loadModule(file)
	if err != nil || data == nil {
		return err
	}
	if data.Base == nil && relocatable(file) {
		return errors.New("no .BTF.base")
	}
	return judge(data, c.pointerSize())
}

// judgeLoads looks at a module with types of any language, about whose sizes nothing is
// promised: the kernel must load it.
func judgeLoads(c *mutationCase, file string) error {
	if !relocatable(file) {
		return nil
	}
	err := judgeAlone(c, file)
	var p *problems
	if errors.As(err, &p) && p.res.Outcome != verify.Refused {
		return nil
	}
	return err
}

// problems are those of BTF in a kernel.
type problems struct{ res *verify.Result }

func (p *problems) Error() string {
	return fmt.Sprintf("in a kernel: %v, %v, %v", p.res.Outcome, p.res.Err, p.res.Problems)
}

// judgeDWARF looks at what pahole's place has written: like pahole it leaves a file
// without DWARF alone, in which there may be damaged BTF.
func judgeDWARF(c *mutationCase, file string) error {
	if now, err := os.ReadFile(file); err != nil || bytes.Equal(now, c.data) {
		return err
	}
	return judgeAlone(c, file)
}

// judgeOver looks at a module whose BTF lies over that of its base.
func judgeOver(c *mutationCase, file string) error {
	data, err := loadModule(file)
	if err != nil || data == nil {
		return err
	}
	if c.kernels[c.base] == nil {
		base, err := os.ReadFile(c.base)
		if err != nil {
			return err
		}
		if c.kernels[c.base], err = newJudge(base, c.pointerSize()); err != nil {
			return err
		}
	}
	return c.kernels[c.base].judge(data)
}

// judgeRaw looks at BTF that stands alone.
func judgeRaw(c *mutationCase, file string) error {
	raw, err := os.ReadFile(file)
	if errors.Is(err, os.ErrNotExist) {
		return nil // no types, as a warning says
	}
	if err != nil {
		return err
	}
	return standalone(raw, c.pointerSize())
}

// standalone gives BTF to a kernel as BPF_BTF_LOAD does.
func standalone(raw []byte, pointerSize int) error {
	ab := verify.Release(6, 12)
	ab.PointerSize = pointerSize
	if err := verify.Load(raw, &ab); err != nil && !legalC(err) {
		return err
	}
	return byCilium(raw, nil)
}

// pointerSize is that of the damaged module's machine, if the damage has spared it.
func (c *mutationCase) pointerSize() int {
	if f, err := object.OpenBytes(c.path, c.data); err == nil {
		return f.AddrSize()
	}
	return 8
}

// loadModule reads the BTF of a module; nil if it has none.
func loadModule(file string) (*object.BTFData, error) {
	f, err := object.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := f.BTF()
	if errors.Is(err, object.ErrNoBTF) {
		return nil, nil
	}
	return data, err
}

func relocatable(file string) bool {
	f, err := object.Open(file)
	if err != nil {
		return false
	}
	defer f.Close()
	return f.Type == elf.ET_REL
}

// judge shows BTF of a module to all its readers, in a kernel that has nothing but int.
func judge(data *object.BTFData, pointerSize int) error {
	if data.Base == nil { // of a vmlinux, over nothing
		return standalone(data.BTF, pointerSize)
	}
	var order btf.Order = binary.LittleEndian
	if len(data.BTF) > 2 && data.BTF[0] == 0xeb {
		order = binary.BigEndian
	}
	t := btf.NewTable(1, nil)
	t.Add(btf.Type{Kind: btf.Int, Name: t.Strings.InternString("int"), Size: 4, Extra: btf.IntData(btf.IntSigned, 0, 32)})
	kernel, err := btf.Encode(t, order, nil, false)
	if err != nil {
		return err
	}
	k, err := newJudge(kernel, pointerSize)
	if err != nil {
		return err
	}
	return k.judge(data)
}

// kernelJudge is a kernel that takes modules.
type kernelJudge struct {
	target *verify.Target
	spec   *ebtf.Spec
}

func newJudge(kernel []byte, pointerSize int) (*kernelJudge, error) {
	target, err := verify.NewTarget(kernel)
	if err != nil {
		return nil, err
	}
	blob, err := btf.Parse(kernel, nil)
	if err != nil {
		return nil, err
	}
	target.Abilities = verify.Release(6, 12)
	target.Abilities.Order, target.Abilities.PointerSize = blob.Order, pointerSize
	spec, err := ebtf.LoadSpecFromReader(bytes.NewReader(kernel))
	return &kernelJudge{target, spec}, err
}

// judge asks the kernel's checks and cilium/ebpf.
func (k *kernelJudge) judge(data *object.BTFData) error {
	if res := k.target.Module(data.BTF, data.Base); res.Outcome != verify.Loads || len(res.Problems) > 0 {
		return &problems{res}
	}
	base := k.spec
	if data.Base != nil {
		var err error
		if base, err = ebtf.LoadSpecFromReader(bytes.NewReader(data.Base)); err != nil {
			return fmt.Errorf("cilium/ebpf: .BTF.base: %w", err)
		}
	}
	return byCilium(data.BTF, base)
}

// legalC reports whether the kernel refuses what is legal in C and in a module: long
// bit-fields of an enum type (btf_enum_check_kflag_member).
func legalC(err error) bool {
	var e *verify.Error
	return errors.As(err, &e) && strings.Contains(e.Msg, "bitfield_size=") && strings.HasSuffix(e.Msg, "Invalid member bitfield_size")
}

// byCilium reads all own types with cilium/ebpf.
func byCilium(raw []byte, base *ebtf.Spec) error {
	var spec *ebtf.Spec
	var err error
	if base == nil {
		spec, err = ebtf.LoadSpecFromReader(bytes.NewReader(raw))
	} else {
		spec, err = ebtf.LoadSplitSpecFromReader(bytes.NewReader(raw), base)
	}
	if err != nil {
		return fmt.Errorf("cilium/ebpf: %w", err)
	}
	for _, err := range spec.All() {
		if err != nil {
			return fmt.Errorf("cilium/ebpf: %w", err)
		}
	}
	return nil
}
