package relocate

import (
	"fmt"

	"mkbtf/btf"
	"mkbtf/internal/check"
	"mkbtf/internal/encode"
	"mkbtf/internal/object"
)

// target is the kernel that BTF is moved to.
type target struct {
	base   *encode.Base
	kernel *check.Kernel
	named  map[string][]btf.ID // STRUCT, UNION, ENUM and ENUM64 by name
	nested bool                // it has arrays of arrays
}

// loadKernel reads a kernel's BTF for both the ways in which it is needed here.
func loadKernel(path string, data *object.BTFData) (*target, error) {
	k, err := check.NewKernel(path, data)
	if err != nil {
		return nil, err
	}
	base := encode.NewBase(path, data.Release, k.BTF())
	t := &target{base: base, kernel: k, named: map[string][]btf.ID{}, nested: base.Index.NestsArrays()}
	b := base.Blob
	for id := b.Start(); id < b.End(); id++ {
		r := b.Record(id)
		if k := r.Kind(); (k.IsComposite() || k.IsEnum()) && r.NameOff != 0 {
			name := string(b.StringAt(r.NameOff))
			t.named[name] = append(t.named[name], id)
		}
	}
	return t, nil
}

// find returns the type of the kernel that a struct, union or enum of another base
// stands for, with why not if there is none. Like the kernel it takes a struct for a
// union of the same name, and compares sizes where the name has several types or the
// module embeds it.
func (t *target) find(k btf.Kind, name []byte, size uint32, embedded bool) (btf.ID, miss) {
	var fits []btf.ID
	other := uint32(0)
	composites := 0
	for _, id := range t.named[string(name)] {
		if t.base.Blob.Record(id).Kind().IsComposite() {
			composites++
		}
	}
	for _, id := range t.named[string(name)] {
		r := t.base.Blob.Record(id)
		if r.Kind().IsComposite() != k.IsComposite() {
			continue
		}
		if (embedded || k.IsEnum() || composites > 1) && r.SizeType != size {
			other = r.SizeType
			continue
		}
		fits = append(fits, id)
	}
	switch {
	case len(fits) == 1:
		return fits[0], miss{}
	case len(fits) > 1:
		return 0, miss{why: missSeveral}
	case other != 0:
		return 0, miss{why: missSize, size: other}
	}
	return 0, miss{why: missAbsent}
}

// miss says why the kernel has no type that another stands for.
type miss struct {
	why  missReason
	size uint32 // there
}

type missReason uint8

const (
	missAbsent missReason = iota + 1
	missSize
	missSeveral
)

func (m miss) text(what string, size uint32) string {
	switch m.why {
	case missSize:
		return fmt.Sprintf("%s: %d bytes here, %d there", what, size, m.size)
	case missSeveral:
		return fmt.Sprintf("%s: the kernel has several types of that name and size", what)
	}
	return fmt.Sprintf("%s: the kernel has none", what)
}
