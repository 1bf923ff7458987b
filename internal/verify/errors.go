package verify

import (
	"fmt"
	"strings"
)

// Pass is one of the steps in which the kernel, or this package beyond it, looks
// at BTF.
type Pass uint8

// The passes, in the order in which they run.
const (
	PassSize     Pass = iota + 1 // the limit of 16 MiB of BPF_BTF_LOAD
	PassHeader                   // header and section geometry (btf_parse_hdr)
	PassStrings                  // string section (btf_parse_str_sec)
	PassLayout                   // layout section (Linux 7.1)
	PassTypes                    // geometry of the type section (btf_parse_type_sec)
	PassMeta                     // every record by itself (btf_check_all_metas)
	PassResolve                  // records in their context (btf_check_all_types); BPF_BTF_LOAD only
	PassChains                   // length of modifier chains (btf_check_type_tags)
	PassFields                   // structs that BPF gives a meaning to (btf_parse_struct_metas); BPF_BTF_LOAD only
	PassRelocate                 // from .BTF.base to vmlinux (btf_relocate)
	PassOwn                      // what the kernel ought to check but does not
)

var passNames = [...]string{"", "size", "header", "strings", "layout", "types", "meta", "resolve", "chains", "fields", "relocate", "own"}

func (p Pass) String() string {
	if int(p) < len(passNames) {
		return passNames[p]
	}
	return fmt.Sprintf("pass %d", uint8(p))
}

// Errno is the error number with which the kernel answers, positive.
type Errno int

// The numbers that BTF checks end in; ENOTSUPP is the kernel's own and has no
// name in user space.
const (
	ENOENT   Errno = 2
	E2BIG    Errno = 7
	EFAULT   Errno = 14
	EEXIST   Errno = 17
	EINVAL   Errno = 22
	ELOOP    Errno = 40
	ENOTSUPP Errno = 524
)

var errnoNames = map[Errno]string{
	ENOENT: "ENOENT", E2BIG: "E2BIG", EFAULT: "EFAULT", EEXIST: "EEXIST",
	EINVAL: "EINVAL", ELOOP: "ELOOP", ENOTSUPP: "ENOTSUPP",
}

func (e Errno) String() string {
	if s, ok := errnoNames[e]; ok {
		return s
	}
	return fmt.Sprintf("errno %d", int(e))
}

// Error is one verdict on BTF.
type Error struct {
	Pass  Pass
	Errno Errno // 0 for PassOwn: the kernel does not notice
	// Msg is the text that the kernel logs for the failure, without the last
	// newline. Two lines if the kernel first prints the struct or section that the
	// refused member belongs to; empty where the kernel says nothing.
	Msg     string
	TypeID  uint32 // the type it is about, 0 if none
	Section string // ".BTF", ".BTF.base" or "vmlinux"
	Offset  uint64 // in bytes from the start of the section: of the type's record, or of what is wrong in the header
}

func (e *Error) Error() string {
	var s strings.Builder
	fmt.Fprintf(&s, "%s+%#x: ", e.Section, e.Offset)
	if e.Msg == "" {
		fmt.Fprintf(&s, "refused without a message in pass %s", e.Pass)
	} else {
		s.WriteString(strings.Join(strings.Fields(e.Msg), " "))
	}
	if e.Errno != 0 {
		fmt.Fprintf(&s, " (%s)", e.Errno)
	}
	return s.String()
}
