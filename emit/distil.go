package emit

import (
	"mkbtf/btf"
)

// distiller moves a table from one base to another, small one.
type distiller struct {
	from  *btf.Table
	base  *btf.Blob  // what from lies over; nil: nothing
	small *btf.Table // the new base, starting with int
	own   *btf.Table // the new split types; ids as if the new base had none but void
	// moved translates ids of the old base: into the new base (below ownBit) or
	// into own.
	moved    map[btf.ID]btf.ID
	shells   map[btf.ID]bool // ids of the old base that have moved without their members
	queue    []btf.ID        // structs of the old base that are copied and lack their members
	opts     DistilOptions
	embedded map[btf.ID]bool // ids of small that an own type holds by value
}

// ownBit marks an id of own while the size of the new base is not known.
const ownBit btf.ID = 1 << 31

const intData = btf.IntSigned<<24 | 32

func newDistiller(t *btf.Table, base *btf.Blob) *distiller {
	d := &distiller{
		from: t, base: base,
		small: btf.NewTable(1, nil), own: btf.NewTable(0, t.Strings),
		moved: map[btf.ID]btf.ID{}, shells: map[btf.ID]bool{}, embedded: map[btf.ID]bool{},
	}
	d.small.Add(btf.Type{Kind: btf.Int, Name: d.small.Strings.InternString("int"), Size: 4, Extra: intData})
	return d
}

func isInt(t *btf.Type, name []byte) bool {
	return t.Kind == btf.Int && t.Size == 4 && t.Extra == intData && string(name) == "int"
}

// takeFromBase brings in what the own types need of the base.
func (d *distiller) takeFromBase() {
	for i := range d.from.Types {
		t := &d.from.Types[i]
		byValue := t.Kind.HasMemberTypes() || t.Kind == btf.Var
		d.from.Refs(t, func(ref *btf.ID) {
			if byValue {
				d.hold(*ref)
			} else {
				d.take(*ref)
			}
		})
	}
	for _, id := range d.opts.Need {
		d.take(id)
	}
	for len(d.queue) > 0 {
		id := d.queue[0]
		d.queue = d.queue[1:]
		d.copyMembers(id)
	}
}

// hold is take for what something else contains: a struct is then needed with its
// members.
func (d *distiller) hold(id btf.ID) {
	d.take(id)
	for range maxChain {
		if id >= d.from.Start {
			t := d.from.At(id)
			if !t.Kind.IsModifier() && t.Kind != btf.Array {
				return
			}
			id = t.Ref
			continue
		}
		r := d.base.Record(id)
		switch k := r.Kind(); {
		case k.IsModifier():
			id = btf.ID(r.SizeType)
		case k == btf.Array:
			t, _ := d.base.Decode(id, nil, func(uint32) btf.Str { return 0 })
			id = t.Ref
		default:
			if d.shells[id] {
				delete(d.shells, id)
				d.queue = append(d.queue, id)
			}
			return
		}
	}
}

// maxChain bounds modifiers and arrays on the way to something else. The kernel
// takes 32 modifiers; in crafted BTF they may go round in circles.
const maxChain = 1000

// take brings one type of the base in and returns its new id; 0 if it is void or no
// type of the base.
func (d *distiller) take(id btf.ID) btf.ID {
	if id == 0 || id >= d.from.Start {
		return 0
	}
	if to, ok := d.moved[id]; ok {
		return to
	}
	r := d.base.Record(id)
	name := d.base.StringAt(r.NameOff)
	t, ms := d.base.Decode(id, nil, func(off uint32) btf.Str { return d.own.Strings.Intern(d.base.StringAt(off)) })
	t.First, t.Len = 0, 0
	switch t.Kind {
	case btf.Int:
		if isInt(&t, name) {
			d.moved[id] = 1
			return 1
		}
	case btf.Fwd: // a FWD maps only by luck (it compares the wrong flag); without members this says as much
		t.Kind = btf.Struct
		if t.Flag {
			t.Kind, t.Flag = btf.Union, false
		}
	case btf.Struct, btf.Union:
		carry := d.opts.carry(t.Kind, name)
		if carry == carryNot {
			to := d.small.Add(btf.Type{Kind: t.Kind, Name: d.small.Strings.Intern(name), Size: t.Size})
			d.moved[id] = to
			return to
		}
		to := d.addOwn(t)
		d.moved[id] = to
		if carry == CarryShell {
			d.shells[id] = true
		} else {
			d.queue = append(d.queue, id)
		}
		return to
	}
	// The id comes first: what a type refers to can lead back to it only through a
	// struct, but crafted BTF may do it otherwise.
	to := d.addOwn(t)
	d.moved[id] = to
	if t.Kind.HasRef() {
		ref := d.take(t.Ref)
		d.own.At(to &^ ownBit).Ref = ref
	}
	if t.Kind == btf.Array {
		extra := d.take(btf.ID(t.Extra))
		d.own.At(to &^ ownBit).Extra = uint32(extra)
	}
	if len(ms) > 0 {
		d.setMembers(to, t.Kind, ms)
	}
	return to
}

func (d *distiller) addOwn(t btf.Type) btf.ID { return d.own.Add(t) | ownBit }

// copyMembers fills in a struct or union that was copied.
func (d *distiller) copyMembers(id btf.ID) {
	t, ms := d.base.Decode(id, nil, func(off uint32) btf.Str { return d.own.Strings.Intern(d.base.StringAt(off)) })
	d.setMembers(d.moved[id], t.Kind, ms)
}

func (d *distiller) setMembers(to btf.ID, k btf.Kind, ms []btf.Member) {
	if k.HasMemberTypes() {
		for i := range ms {
			d.hold(ms[i].Type)
			ms[i].Type = d.take(ms[i].Type)
		}
	}
	t := d.own.At(to &^ ownBit)
	t.First, t.Len = uint32(len(d.own.Members)), uint32(len(ms))
	d.own.Members = append(d.own.Members, ms...)
}

// write numbers everything anew and encodes it.
func (d *distiller) write(order btf.Order) (*Output, error) {
	copied := len(d.own.Types)
	fromNew := make([]btf.ID, len(d.from.Types)) // new ids of the old own types
	for i := range d.from.Types {
		t := d.from.Types[i]
		if isInt(&t, d.from.Strings.Bytes(t.Name)) {
			fromNew[i] = 1
			continue
		}
		ms := d.from.MembersOf(&t)
		fromNew[i] = d.own.AddWith(t, ms) | ownBit
	}
	resolve := func(id btf.ID) btf.ID { // of the old numbering, to the new one with ownBit
		switch {
		case id == 0:
			return 0
		case id < d.from.Start:
			return d.moved[id]
		}
		return fromNew[id-d.from.Start]
	}
	for i := copied; i < len(d.own.Types); i++ {
		d.own.Refs(&d.own.Types[i], func(ref *btf.ID) { *ref = resolve(*ref) })
	}
	smallID := SortByName(d.small)
	start := d.small.End()
	final := func(id btf.ID) btf.ID {
		if id&ownBit != 0 {
			return id&^ownBit + start
		}
		return smallID(id)
	}
	d.own.Start = start
	for i := range d.own.Types {
		d.own.Refs(&d.own.Types[i], func(ref *btf.ID) { *ref = final(*ref) })
	}
	sorted := SortByName(d.own)
	d.markEmbedded()
	out := &Output{NewID: func(id btf.ID) btf.ID { return sorted(final(resolve(id))) }}
	for i := range d.small.Types {
		t := &d.small.Types[i]
		out.Entries = append(out.Entries, Entry{t.Kind, d.small.Name(t.Name), t.Size, d.embedded[d.small.Start+btf.ID(i)]})
	}
	var err error
	if out.Base, err = btf.Encode(d.small, order, nil, false); err != nil {
		return nil, err
	}
	blob, err := btf.Parse(out.Base, nil)
	if err != nil {
		return nil, err
	}
	out.BTF, err = btf.Encode(d.own, order, blob, false)
	return out, err
}

// markEmbedded finds the entries that own structs hold by value, as the kernel
// does (btf_mark_embedded_composite_type_ids).
func (d *distiller) markEmbedded() {
	for i := range d.own.Types {
		t := &d.own.Types[i]
		if !t.Kind.IsComposite() {
			continue
		}
		for _, m := range d.own.MembersOf(t) {
			id := m.Type
			for range maxChain {
				if !d.own.Own(id) {
					break
				}
				t := d.own.At(id)
				if !t.Kind.IsModifier() && t.Kind != btf.Array {
					break
				}
				id = t.Ref
			}
			if id != 0 && id < d.own.Start && d.small.At(id).Kind.IsComposite() {
				d.embedded[id] = true
			}
		}
	}
}
