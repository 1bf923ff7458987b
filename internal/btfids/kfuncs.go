package btfids

// KFuncSet is the flag of a set8 that holds kfuncs (BTF_SET8_KFUNCS, Linux 6.9; the
// kernel refuses to register others since then).
const KFuncSet = 1 << 0

// Flags of a kfunc that change its BTF (include/linux/btf.h).
const (
	FastCall     = 1 << 12 // KF_FASTCALL: its calls spare registers
	ArenaRet     = 1 << 13 // KF_ARENA_RET: returns a pointer into an arena
	ArenaArg1    = 1 << 14 // KF_ARENA_ARG1: takes one as first argument
	ArenaArg2    = 1 << 15 // KF_ARENA_ARG2: as second
	ImplicitArgs = 1 << 16 // KF_IMPLICIT_ARGS: the verifier supplies its last arguments (7.0)
)

// KFunc is a function that BPF programs may call.
type KFunc struct {
	Name  string
	Flags uint32 // KF_..., of all sets that it is in
}

func (set *Set) kfuncs() bool { return set.Pairs && set.Flags&KFuncSet != 0 }

// KFuncs lists the kfuncs in the order of the section, each once.
func (s *Section) KFuncs() []KFunc {
	var list []KFunc
	at := map[string]int{}
	for i := range s.sets {
		set := &s.sets[i]
		if !set.kfuncs() {
			continue
		}
		for j := range set.Items {
			x := &set.Items[j]
			n, ok := at[x.Name]
			if !ok {
				n = len(list)
				at[x.Name] = n
				list = append(list, KFunc{Name: x.Name})
			}
			list[n].Flags |= x.Flags
		}
	}
	return list
}
