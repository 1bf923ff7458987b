package encode

import (
	"fmt"
	"sync"

	"mkbtf/btf"
	"mkbtf/dedup"
	"mkbtf/emit"
	"mkbtf/internal/fingerprint"
	"mkbtf/internal/object"
	"mkbtf/internal/verify"
)

// LoadBase reads a kernel's BTF from anything that holds some.
func LoadBase(path string) (*Base, error) {
	data, err := object.LoadBTF(path)
	if err != nil {
		return nil, err
	}
	return readBase(path, data)
}

func readBase(path string, data *object.BTFData) (*Base, error) {
	index, err := object.ParseKernelWith(data, dedup.ReadBase)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return &Base{Path: path, Release: data.Release, Blob: index.Blob(), Index: index, data: data}, nil
}

// mapBase is LoadBase without a copy of the BTF: the base must only be used within its
// guard, or that of a File that its data stands beside.
func mapBase(path string) (b *Base, err error) {
	data, err := object.MapBTF(path)
	if err != nil {
		return nil, err
	}
	err = data.Guard(func() error {
		b, err = readBase(path, data)
		return err
	})
	if err != nil {
		data.Close()
		return nil, err
	}
	return b, nil
}

// guard is object.File.Guard for what only reads the base, which may be nil.
func (b *Base) guard(do func() error) error {
	if b == nil || b.data == nil {
		return do()
	}
	return b.data.Guard(do)
}

func (b *Base) close() {
	if b != nil && b.data != nil {
		b.data.Close()
	}
}

// NewBase makes a base of a kernel's BTF that was read from path.
func NewBase(path, release string, blob *btf.Blob) *Base {
	return &Base{Path: path, Release: release, Blob: blob, Index: dedup.NewBase(blob)}
}

// Relocates reports whether the kernel maps a module's .BTF.base to its own types
// (Linux 6.11): its struct btf then has a member base_id_map.
func (b *Base) Relocates() bool {
	id := b.Index.Find(btf.Struct, "btf")
	if id == 0 {
		return false
	}
	_, ms := b.Blob.Decode(id, nil, func(off uint32) btf.Str { return btf.Str(off) })
	for _, m := range ms {
		if string(b.Blob.StringAt(uint32(m.Name))) == "base_id_map" {
			return true
		}
	}
	return false
}

// Base is a kernel's BTF, loaded and indexed once for any number of files.
type Base struct {
	Path    string
	Release string // of the kernel, "" if the file does not tell
	Blob    *btf.Blob
	Index   *dedup.Base

	data *object.BTFData // what it was read from; nil: something in memory

	hashOnce sync.Once
	hash     fingerprint.Hash

	once      sync.Once
	ambiguous emit.Names
}

// names returns the names that .BTF.base cannot have.
func (b *Base) names() emit.Names {
	b.once.Do(func() { b.ambiguous = emit.Ambiguous(b.Blob) })
	return b.ambiguous
}

// takesTagAttributes reports whether the kernel takes TYPE_TAGs and DECL_TAGs with
// kind_flag (Linux 6.15).
func (b *Base) takesTagAttributes() bool {
	t, err := verify.NewTarget(b.Blob.Data)
	return err == nil && t.Abilities.TagKindFlag
}
