package dedup

import (
	"bytes"
	"hash/maphash"

	"mkbtf/btf"
)

// Base is a base BTF with the indexes that finding types in it needs. It is
// immutable and serves any number of Dedups at the same time.
type Base struct {
	blob    *btf.Blob
	named   []slot // INT FLOAT STRUCT UNION ENUM ENUM64 FWD TYPEDEF by name
	derived []slot // all else but FUNC, VAR and DATASEC by content
}

// slot is a place in an open addressing table; several entries of one key stand
// in the order of their ids.
type slot struct {
	hash uint32
	id   btf.ID // 0: free
}

var nameSeed = maphash.MakeSeed()

// NewBase indexes a base. It must not be split BTF.
func NewBase(blob *btf.Blob) *Base {
	b := &Base{blob: blob}
	var named, derived int
	blob.Each(func(_ btf.ID, r btf.Record, _ []byte) {
		switch {
		case isNamed(r):
			named++
		case isDerived(r.Kind()):
			derived++
		}
	})
	b.named, b.derived = newSlots(named), newSlots(derived)
	blob.Each(func(id btf.ID, r btf.Record, extra []byte) {
		switch {
		case isNamed(r):
			insert(b.named, maphash.Bytes(nameSeed, blob.StringAt(r.NameOff)), id)
		case isDerived(r.Kind()):
			insert(b.derived, b.recordHash(r, extra), id)
		}
	})
	return b
}

// recordHash is derivedHash for a record of the base.
func (b *Base) recordHash(r btf.Record, x []byte) uint64 {
	w := b.blob.Word
	ref, size, n := r.SizeType, uint32(0), r.Vlen()
	k := r.Kind()
	switch k {
	case btf.Array:
		ref, size = w(x), w(x[8:])
	case btf.Struct, btf.Union, btf.Enum, btf.Enum64:
		ref, size = 0, r.SizeType
	case btf.FuncProto:
	default:
		n = 0
	}
	h := mix(uint64(k)<<32|uint64(ref), uint64(size)<<32|uint64(n))
	switch k {
	case btf.DeclTag:
		h = mix(h, uint64(w(x)))
	case btf.Struct, btf.Union:
		flag := r.Flag()
		for ; n > 0; n, x = n-1, x[12:] {
			off, bits := w(x[8:]), uint32(0)
			if flag {
				off, bits = off&0xffffff, off>>24
			}
			h = mix(h^uint64(w(x[4:])), uint64(off)<<32|uint64(bits))
		}
	case btf.FuncProto:
		for ; n > 0; n, x = n-1, x[8:] {
			h = mix(h^uint64(w(x[4:])), 0)
		}
	case btf.Enum:
		for ; n > 0; n, x = n-1, x[8:] {
			h = mix(h, uint64(w(x[4:]))<<32)
		}
	case btf.Enum64:
		for ; n > 0; n, x = n-1, x[12:] {
			h = mix(h, uint64(w(x[4:]))<<32|uint64(w(x[8:])))
		}
	}
	return h
}

// asOffset keeps the names of a decoded type as offsets in the base.
func asOffset(off uint32) btf.Str { return btf.Str(off) }

// Blob is the BTF that the index was made for.
func (b *Base) Blob() *btf.Blob { return b.blob }

func isNamed(r btf.Record) bool {
	switch r.Kind() {
	case btf.Int, btf.Float, btf.Struct, btf.Union, btf.Enum, btf.Enum64, btf.Fwd, btf.Typedef:
		return r.NameOff != 0
	}
	return false
}

func isDerived(k btf.Kind) bool {
	switch k {
	case btf.Ptr, btf.Array, btf.Const, btf.Volatile, btf.Restrict, btf.TypeTag, btf.FuncProto, btf.DeclTag,
		btf.Struct, btf.Union, btf.Enum, btf.Enum64:
		return true
	}
	return false
}

func newSlots(n int) []slot {
	size := 16
	for size < 2*n {
		size *= 2
	}
	return make([]slot, size)
}

func insert(slots []slot, h uint64, id btf.ID) {
	mask := uint64(len(slots) - 1)
	i := h & mask
	for slots[i].id != 0 {
		i = (i + 1) & mask
	}
	slots[i] = slot{uint32(h >> 32), id}
}

// find calls f for the ids under a hash, lowest first, until f returns true.
func find(slots []slot, h uint64, f func(btf.ID) bool) bool {
	mask := uint64(len(slots) - 1)
	for i := h & mask; slots[i].id != 0; i = (i + 1) & mask {
		if slots[i].hash == uint32(h>>32) && f(slots[i].id) {
			return true
		}
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
	return find(b.named, maphash.Bytes(nameSeed, name), func(id btf.ID) bool {
		r := b.blob.Record(id)
		return bytes.Equal(b.blob.StringAt(r.NameOff), name) && f(id, r)
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
		if r.Kind() != t.Kind || !bytes.Equal(b.blob.StringAt(r.NameOff), pool.Bytes(t.Name)) {
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
			if us[i].Type != ms[i].Type || us[i].Off != ms[i].Off || us[i].Bits != ms[i].Bits || !bytes.Equal(b.blob.StringAt(uint32(us[i].Name)), pool.Bytes(ms[i].Name)) {
				return false
			}
		}
		hit = id
		return true
	}
	switch {
	case t.Name != 0 && (t.Kind == btf.Int || t.Kind == btf.Float || t.Kind == btf.Typedef):
		find(b.named, maphash.Bytes(nameSeed, pool.Bytes(t.Name)), same)
	case isDerived(t.Kind):
		find(b.derived, derivedHash(t, ms), same)
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
