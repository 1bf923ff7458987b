package dedup

import (
	"slices"

	"mkbtf/btf"
)

// Base is a base BTF with the indexes that finding types in it needs. It is
// immutable and serves any number of Dedups at the same time.
type Base struct {
	blob    *btf.Blob
	named   slots // INT FLOAT STRUCT UNION ENUM ENUM64 FWD TYPEDEF by name
	derived slots // all else but FUNC, VAR and DATASEC by content
	nested  bool  // see NestsArrays
}

// ReadBase parses a base and indexes it.
func ReadBase(data []byte) (*Base, error) {
	// What kernels have of each, about. If there are many more they are counted.
	end := btf.ID(len(data)/12 + 1)
	i := indexer{named: newSlots(len(data)/400, end), derived: newSlots(len(data)/100, end)}
	blob, err := btf.ParseEach(data, nil, i.enter)
	if err != nil {
		return nil, err
	}
	if i.named.full() || i.derived.full() {
		return NewBase(blob), nil
	}
	return i.base(blob), nil
}

// NewBase indexes a base. It must not be split BTF.
func NewBase(blob *btf.Blob) *Base {
	var names, contents int
	for k := btf.Int; k < btf.NumKinds; k++ {
		named, unnamed := blob.Count(k)
		switch {
		case hasTag(k), k == btf.Int, k == btf.Float, k == btf.Typedef:
			names += named
		}
		switch {
		case hasTag(k):
			contents += unnamed
		case isDerived(k):
			contents += named + unnamed
		}
	}
	i := indexer{named: newSlots(names, blob.End()), derived: newSlots(contents, blob.End())}
	blob.Each(func(id btf.ID, r btf.Record, extra []byte) { i.enter(blob, id, r, extra) })
	return i.base(blob)
}

// indexer is a Base of which not all types have come.
type indexer struct {
	named, derived slots
	elements       []btf.ID // of arrays
}

func (i *indexer) enter(blob *btf.Blob, id btf.ID, r btf.Record, extra []byte) {
	switch k := r.Kind(); k {
	case btf.Func, btf.Var, btf.DataSec:
	case btf.Int, btf.Float, btf.Struct, btf.Union, btf.Enum, btf.Enum64, btf.Fwd, btf.Typedef:
		if r.NameOff != 0 {
			i.named.insert(blob.HashAt(r.NameOff), id)
		} else if isDerived(k) {
			i.derived.insert(recordHash(blob, r, extra), id)
		}
	case btf.Array:
		i.elements = append(i.elements, btf.ID(blob.Word(extra)))
		fallthrough
	default:
		i.derived.insert(recordHash(blob, r, extra), id)
	}
}

func (i *indexer) base(blob *btf.Blob) *Base {
	nested := slices.ContainsFunc(i.elements, func(id btf.ID) bool { return blob.Record(id).Kind() == btf.Array })
	return &Base{blob, i.named, i.derived, nested}
}

// NestsArrays reports whether arrays of several dimensions are ARRAYs of ARRAYs.
func (b *Base) NestsArrays() bool { return b.nested }

// recordHash is derivedHash for a record of the base.
func recordHash(blob *btf.Blob, r btf.Record, x []byte) uint64 {
	k := r.Kind()
	head := func(ref, size uint32, n int) uint64 {
		return mix(uint64(k)<<32|uint64(ref), uint64(size)<<32|uint64(n))
	}
	switch k {
	case btf.Array:
		return head(blob.Word(x), blob.Word(x[8:]), 0)
	case btf.FuncProto:
		h := head(r.SizeType, 0, r.Vlen())
		for ; len(x) >= 8; x = x[8:] {
			h = mix(h^uint64(blob.Word(x[4:])), 0)
		}
		return h
	case btf.DeclTag:
		return mix(head(r.SizeType, 0, 0), uint64(blob.Word(x)))
	case btf.Struct, btf.Union:
		h, flag := head(0, r.SizeType, r.Vlen()), r.Flag()
		for ; len(x) >= 12; x = x[12:] {
			off, bits := blob.Word(x[8:]), uint32(0)
			if flag {
				off, bits = off&0xffffff, off>>24
			}
			h = mix(h^uint64(blob.Word(x[4:])), uint64(off)<<32|uint64(bits))
		}
		return h
	case btf.Enum:
		h := head(0, r.SizeType, r.Vlen())
		for ; len(x) >= 8; x = x[8:] {
			h = mix(h, uint64(blob.Word(x[4:]))<<32)
		}
		return h
	case btf.Enum64:
		h := head(0, r.SizeType, r.Vlen())
		for ; len(x) >= 12; x = x[12:] {
			h = mix(h, uint64(blob.Word(x[4:]))<<32|uint64(blob.Word(x[8:])))
		}
		return h
	}
	return head(r.SizeType, 0, 0)
}

// asOffset keeps the names of a decoded type as offsets in the base.
func asOffset(off uint32) btf.Str { return btf.Str(off) }

// Blob is the BTF that the index was made for.
func (b *Base) Blob() *btf.Blob { return b.blob }

// hasTag reports whether a type of a kind can have a tag.
func hasTag(k btf.Kind) bool {
	switch k {
	case btf.Struct, btf.Union, btf.Enum, btf.Enum64, btf.Fwd:
		return true
	}
	return false
}

// isDerived reports whether types of a kind are found by their content, those with a tag
// excepted.
func isDerived(k btf.Kind) bool {
	switch k {
	case btf.Ptr, btf.Array, btf.Const, btf.Volatile, btf.Restrict, btf.TypeTag, btf.FuncProto, btf.DeclTag,
		btf.Struct, btf.Union, btf.Enum, btf.Enum64:
		return true
	}
	return false
}

// derivedHash hashes the numbers of a type without a name: not the names of
// members, which have other numbers in another pool, nor the index type of an
// array, which nobody can observe.
func derivedHash(t *btf.Type, ms []btf.Member) uint64 {
	h := mix(uint64(t.Kind)<<32|uint64(t.Ref), uint64(t.Size)<<32|uint64(len(ms)))
	if t.Kind == btf.DeclTag {
		h = mix(h, uint64(t.Extra))
	}
	for i := range ms {
		h = mix(h^uint64(ms[i].Type), uint64(ms[i].Off)<<32|uint64(ms[i].Bits))
	}
	return h
}

// byName calls f for the types of that name until it returns true.
func (b *Base) byName(name []byte, f func(btf.ID, btf.Record) bool) bool {
	return b.named.find(btf.HashOf(name), func(id btf.ID) bool {
		r := b.blob.Record(id)
		return b.blob.StringIs(r.NameOff, name) && f(id, r)
	})
}

// tag returns the first definition and the first declaration of a tag.
func (b *Base) tag(c class, name []byte) (def, fwd btf.ID) {
	b.byName(name, func(id btf.ID, r btf.Record) bool {
		k, decl, ok := recordClass(r)
		if !ok || k != c {
			return false
		}
		if decl {
			if fwd == 0 {
				fwd = id
			}
			return false
		}
		def = id
		return true
	})
	return def, fwd
}

// recordClass is tagClass and isDeclaration for a record of the base.
func recordClass(r btf.Record) (c class, declaration, ok bool) {
	if r.NameOff == 0 {
		return 0, false, false
	}
	t := btf.Type{Name: 1, Kind: r.Kind(), Flag: r.Flag(), Len: uint32(r.Vlen())}
	c, ok = tagClass(&t)
	return c, ok && isDeclaration(&t), ok
}

// lookup finds the type of the base that equals t, whose references are ids of
// the base and whose names lie in pool. It is for everything but tagged types.
// 0 means that the base has none.
func (b *Base) lookup(t *btf.Type, ms []btf.Member, pool *btf.Strings) btf.ID {
	var hit btf.ID
	var buf [16]btf.Member
	same := func(id btf.ID) bool {
		r := b.blob.Record(id)
		if r.Kind() != t.Kind || !b.blob.StringIs(r.NameOff, pool.Bytes(t.Name)) {
			return false
		}
		u, us := b.blob.Decode(id, buf[:0], asOffset)
		if u.Ref != t.Ref || u.Size != t.Size || len(us) != len(ms) || u.Flag != t.Flag && !t.Kind.IsEnum() {
			return false
		}
		if u.Extra != t.Extra && t.Kind != btf.Array {
			return false
		}
		for i := range ms {
			if us[i].Type != ms[i].Type || us[i].Off != ms[i].Off || us[i].Bits != ms[i].Bits || !b.blob.StringIs(uint32(us[i].Name), pool.Bytes(ms[i].Name)) {
				return false
			}
		}
		hit = id
		return true
	}
	switch {
	case t.Name != 0 && (t.Kind == btf.Int || t.Kind == btf.Float || t.Kind == btf.Typedef):
		b.named.find(btf.HashOf(pool.Bytes(t.Name)), same)
	case isDerived(t.Kind):
		b.derived.find(derivedHash(t, ms), same)
	}
	return hit
}

// Find returns the first type of that kind and name, 0 if the base has none. FUNCs,
// VARs and DATASECs are not indexed.
func (b *Base) Find(kind btf.Kind, name string) btf.ID {
	var hit btf.ID
	b.byName([]byte(name), func(id btf.ID, r btf.Record) bool {
		if r.Kind() == kind {
			hit = id
		}
		return hit != 0
	})
	return hit
}
