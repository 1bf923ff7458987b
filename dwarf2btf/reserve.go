package dwarf2btf

import "mkbtf/btf"

// What a unit of a kernel has, in bytes of .debug_info for each: measured on units of 50
// to 300 kB. Memory that is reserved and not needed is not touched, and so costs
// nothing; memory that grows is touched several times over.
const (
	perType     = 45
	perMember   = 17
	perName     = 22 // distinct ones
	perTypeName = 120
	perText     = 2 // bytes of distinct names

	reserveMost = 1 << 20 // larger units are not worth a guess
)

// reserve makes room for the first unit that the worker converts.
func (w *Worker) reserve(size uint64) {
	n := int(min(size, reserveMost))
	w.types, w.members = make([]btf.Type, 0, n/perType), make([]btf.Member, 0, n/perMember)
	w.Strings().Grow(n/perName, n/perText)
	names := &w.names
	names.valid = append(make([]uint8, 0, n/perName), names.valid...)
	names.log = append(make([]loggedName, 0, n/perName), names.log...)
	names.types = append(make([]typeName, 0, n/perTypeName), names.types...)
	names.starts = append(make([]uint32, 0, n/perName), names.starts...)
	names.typeAt = append(make([]uint32, 0, n/perName), names.typeAt...)
}
