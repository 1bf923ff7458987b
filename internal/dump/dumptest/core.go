package dumptest

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	ebtf "github.com/cilium/ebpf/btf"

	"mkbtf/btf"
)

// Access is a member of a struct or union that a BPF program reads.
type Access struct {
	Record, Member string // the record with its kind, "struct page"
	Bit            uint32 // where it is
	Bits           uint32 // width of a bit-field, else 0
	Load           bool   // one load of at most 8 bytes gets it
}

// Accesses lists the members that records of a blob, not of its base, have under a name:
// those of records whose names nothing else has, so that a header keeps them.
func Accesses(b *btf.Blob) []Access {
	d := decoded{b: b, types: make([]btf.Type, 1)}
	count := map[string]int{}
	for id := btf.ID(1); id < b.End(); id++ {
		var t btf.Type
		t, d.members = b.Decode(id, d.members, func(off uint32) btf.Str { return btf.Str(off) })
		d.types = append(d.types, t)
		if t.Kind.IsComposite() || t.Kind.IsEnum() || t.Kind == btf.Fwd {
			count[d.name(t.Name)]++
		}
	}
	var list []Access
	for id := b.Start(); id < b.End(); id++ {
		if t := &d.types[id]; t.Kind.IsComposite() && d.name(t.Name) != "" && count[d.name(t.Name)] == 1 {
			word := "struct "
			if t.Kind == btf.Union {
				word = "union "
			}
			list = d.accesses(list, t, word+d.name(t.Name), 0, d.aligned(t))
		}
	}
	return list
}

type decoded struct {
	b       *btf.Blob
	types   []btf.Type
	members []btf.Member
}

func (d *decoded) name(s btf.Str) string { return string(d.b.StringAt(uint32(s))) }

func (d *decoded) accesses(list []Access, t *btf.Type, record string, at uint32, aligned bool) []Access {
	for _, m := range d.members[t.First : t.First+t.Len] {
		target := d.target(m.Type)
		switch name := d.name(m.Name); {
		case name == "":
			if target.Kind.IsComposite() && target.Name == 0 {
				list = d.accesses(list, target, record, at+m.Off, aligned && d.aligned(target))
			}
		case target.Kind == btf.Array, target.Kind == btf.Void:
		case m.Bits > 0 && !aligned: // which clang refuses
		default:
			size := scalarSize(target)
			list = append(list, Access{record, name, at + m.Off, m.Bits, m.Bits == 0 && aligned && size > 0 && size <= 8})
		}
	}
	return list
}

func (d *decoded) target(id btf.ID) *btf.Type {
	t := &d.types[id]
	for t.Kind.IsModifier() {
		t = &d.types[t.Ref]
	}
	return t
}

// aligned reports whether a record's scalars are aligned, so that it need not be packed:
// compilers read members of packed records byte by byte. A bit-field lies in one unit of
// its type then.
func (d *decoded) aligned(t *btf.Type) bool {
	most := uint32(1)
	for _, m := range d.members[t.First : t.First+t.Len] {
		size := max(1, scalarSize(d.target(m.Type)))
		if m.Bits == 0 && m.Off%(8*size) != 0 || m.Off%(8*size)+m.Bits > 8*size {
			return false
		}
		most = max(most, size)
	}
	return t.Size%most == 0
}

// scalarSize is the size of a number or pointer, 0 for other types.
func scalarSize(t *btf.Type) uint32 {
	switch {
	case t.Kind == btf.Ptr:
		return 8
	case t.Kind == btf.Int, t.Kind.IsEnum():
		return t.Size
	}
	return 0
}

// Values of the second argument of __builtin_preserve_field_info.
const (
	infoOffset     = 0
	infoLeftShift  = 4
	infoRightShift = 5
)

// Relocate compiles a BPF program with the header, which reads each member, and
// relocates it to the targets as a loader does. It returns the accesses with the places
// that the program then reads; those that the targets do not have are left out.
func Relocate(clang, dir string, header []byte, list []Access, order binary.ByteOrder, targets ...*ebtf.Spec) ([]Access, error) {
	source, object := filepath.Join(dir, "core.c"), filepath.Join(dir, "core.o")
	text := bytes.NewBuffer(bytes.Clone(header))
	for i, a := range list {
		function := func(name, result string) {
			fmt.Fprintf(text, "__attribute__((section(\"raw_tp\"), used)) unsigned long %s_%d(%s *p) { return %s; }\n", name, i, a.Record, result)
		}
		info := func(kind int) string { return fmt.Sprintf("__builtin_preserve_field_info(p->%s, %d)", a.Member, kind) }
		function("offset", info(infoOffset))
		if a.Load {
			function("load", "(unsigned long)p->"+a.Member)
		}
		if a.Bits > 0 {
			function("left", info(infoLeftShift))
			function("right", info(infoRightShift))
		}
	}
	if err := os.WriteFile(source, text.Bytes(), 0o644); err != nil {
		return nil, err
	}
	machine := "bpfel"
	if order == binary.BigEndian {
		machine = "bpfeb"
	}
	if out, err := exec.Command(clang, "-target", machine, "-g", "-O2", "-Wall", "-Werror", "-c", "-o", object, source).CombinedOutput(); err != nil {
		return nil, fmt.Errorf("%s: %w\n%.3000s", clang, err, out)
	}
	file, err := os.Open(object)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	spec, err := ebpf.LoadCollectionSpecFromReader(file)
	if err != nil {
		return nil, err
	}
	r := relocated{order: order, targets: targets, spec: spec}
	var out []Access
	for i, a := range list {
		var err error
		get := func(name string) uint32 {
			n, e := r.number(fmt.Sprintf("%s_%d", name, i))
			err = errors.Join(err, e)
			return n
		}
		a.Bit = 8 * get("offset")
		if a.Load {
			if load := get("load"); err == nil && 8*load != a.Bit {
				err = fmt.Errorf("a load at %d, but the offset is %d", load, a.Bit/8)
			}
		}
		if a.Bits > 0 {
			left, right := get("left"), get("right")
			a.Bits = 64 - right
			if a.Bit += 64 - left - a.Bits; order == binary.BigEndian {
				return nil, errors.New("bit-fields of big endian machines are not handled here")
			}
		}
		switch {
		case errors.Is(err, errPoisoned):
		case err != nil:
			return nil, fmt.Errorf("%s: %s: %w", a.Record, a.Member, err)
		default:
			out = append(out, a)
		}
	}
	return out, nil
}

var errPoisoned = errors.New("the target has no such member")

type relocated struct {
	order   binary.ByteOrder
	targets []*ebtf.Spec
	spec    *ebpf.CollectionSpec
}

// number relocates the one instruction of a function that can be, and returns the number in it.
func (r *relocated) number(function string) (uint32, error) {
	program := r.spec.Programs[function]
	if program == nil {
		return 0, fmt.Errorf("no function %s", function)
	}
	var ins *asm.Instruction
	for i := range program.Instructions {
		if ebtf.CORERelocationMetadata(&program.Instructions[i]) != nil {
			if ins != nil {
				return 0, errors.New("several relocations")
			}
			ins = &program.Instructions[i]
		}
	}
	if ins == nil {
		return 0, errors.New("no CO-RE relocation")
	}
	fixups, err := ebtf.CORERelocate([]*ebtf.CORERelocation{ebtf.CORERelocationMetadata(ins)}, r.targets, r.order,
		func(ebtf.Type) (ebtf.TypeID, error) { return 0, errors.New("no local type ids") })
	if err != nil {
		return 0, err
	}
	if err := fixups[0].Apply(ins); err != nil {
		return 0, err
	}
	if ins.IsBuiltinCall() { // what the fixup makes of what the target lacks
		return 0, errPoisoned
	}
	if ins.OpCode.Class().IsLoad() {
		return uint32(uint16(ins.Offset)), nil
	}
	return uint32(ins.Constant), nil
}
