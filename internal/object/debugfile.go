package object

import (
	"bytes"
	"debug/elf"
	"encoding/hex"
	"errors"
	"fmt"
	"hash/crc32"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"

	"mkbtf/dwarf2btf"
)

// Errors about debug files, which a caller can tell apart with errors.Is.
var (
	ErrNoDebugFile = errors.New("no debug file found")
	ErrMismatch    = errors.New("debug file of another build")
)

// globalDebug is where debug packages put their files.
const globalDebug = "/usr/lib/debug"

// HasDWARF reports whether the file has a .debug_info with content.
func (f *File) HasDWARF() bool {
	for _, name := range [...]string{".debug_info", ".zdebug_info"} {
		if i, ok := f.Section(name); ok && f.Sections[i].FileSize() > 0 {
			return true
		}
	}
	return false
}

// BuildID is the content of the NT_GNU_BUILD_ID note, nil if there is none.
func (f *File) BuildID() []byte {
	for i := range f.Sections {
		if f.Sections[i].Type != elf.SHT_NOTE {
			continue
		}
		b, err := f.Data(i)
		if err != nil {
			continue
		}
		for len(b) >= 12 {
			name, desc, kind := uint64(f.Order.Uint32(b)), uint64(f.Order.Uint32(b[4:])), f.Order.Uint32(b[8:])
			start := 12 + (name+3)&^3
			end := start + (desc+3)&^3
			if end > uint64(len(b)) {
				break
			}
			if kind == ntGNUBuildID && desc > 1 && bytes.Equal(b[12:12+name], []byte("GNU\x00")) {
				return b[start : start+desc]
			}
			b = b[end:]
		}
	}
	return nil
}

const ntGNUBuildID = 3

// debugLink is the content of .gnu_debuglink: the name of the debug file and the
// CRC-32 of it; ok is false if there is none.
func (f *File) debugLink() (name string, crc uint32, ok bool) {
	b, err := f.DataOf(".gnu_debuglink")
	if err != nil || len(b) < 8 {
		return "", 0, false
	}
	n := bytes.IndexByte(b, 0)
	if n <= 0 || (n+4)&^3+4 > len(b) {
		return "", 0, false
	}
	name = string(b[:n])
	return name, f.Order.Uint32(b[(n+4)&^3:]), name == filepath.Base(name)
}

// OpenDebug opens the file with the DWARF of a stripped module: path if it is not
// "", else what is found by build-id, by debug link, and in the place where debug
// packages have the module itself, all in the system below sysroot ("": this one). how
// says in words which it was. A file of another build is not taken. ErrNoDebugFile if
// there is none. It is closed with f.
func (f *File) OpenDebug(path, sysroot string) (debug *File, how string, err error) {
	debug, how, err = f.openDebug(path, sysroot, globalDebug)
	if err == nil {
		if f.debug != nil {
			f.debug.Close()
		}
		f.debug = debug
	}
	return debug, how, err
}

// DebugName is the name of the debug file, "" if none was opened.
func (f *File) DebugName() string {
	if f.debug == nil {
		return ""
	}
	return f.debug.Name
}

func (f *File) openDebug(path, sysroot, global string) (*File, string, error) {
	if path != "" {
		d, err := f.openMatching(path, nil)
		return d, "named", err
	}
	var passed []error
	for _, c := range f.debugCandidates(sysroot, filepath.Join(sysroot, global)) {
		d, err := f.openMatching(c.path, c.crc)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err == nil {
			return d, c.how, nil
		}
		passed = append(passed, err)
	}
	if len(passed) > 0 {
		return nil, "", fmt.Errorf("%s: %w: %w", f.Name, ErrNoDebugFile, errors.Join(passed...))
	}
	what := "nor by its path"
	if id := f.BuildID(); id != nil {
		what = fmt.Sprintf("build-id %x, %s", id, what)
	}
	return nil, "", fmt.Errorf("%s: %w by %s below %s", f.Name, ErrNoDebugFile, what, filepath.Join(sysroot, global))
}

// openMatching opens a debug file if it is one of f's build.
func (f *File) openMatching(path string, crc *uint32) (*File, error) {
	d, err := Open(path)
	if err != nil {
		return nil, err
	}
	if err := d.Guard(func() error { return f.matches(d, crc) }); err != nil {
		d.Close()
		return nil, err
	}
	return d, nil
}

// debugCandidate is a place where a debug file may be.
type debugCandidate struct {
	path, how string
	crc       *uint32 // nil if it is not known
}

// debugCandidates lists where to look. global is the directory of debug packages.
func (f *File) debugCandidates(sysroot, global string) []debugCandidate {
	var list []debugCandidate
	if id := f.BuildID(); len(id) > 1 {
		h := hex.EncodeToString(id)
		list = append(list, debugCandidate{filepath.Join(global, ".build-id", h[:2], h[2:]+".debug"), "by build-id", nil})
	}
	path, err := filepath.Abs(f.Name)
	if err != nil {
		return list
	}
	if sysroot != "" {
		if sysroot, err = filepath.Abs(sysroot); err != nil {
			return list
		}
		sysroot = strings.TrimSuffix(sysroot, "/")
	}
	inside := func(path string) string { return strings.TrimPrefix(path, sysroot) }
	paths := []string{path}
	if real, err := filepath.EvalSymlinks(path); err == nil && real != path {
		paths = append(paths, real)
	}
	if name, crc, ok := f.debugLink(); ok {
		for _, p := range paths {
			dir := filepath.Dir(p)
			for _, d := range [...]string{dir, filepath.Join(dir, ".debug"), filepath.Join(global, inside(dir))} {
				if c := filepath.Join(d, name); c != p {
					list = append(list, debugCandidate{c, "by debug link", &crc})
				}
			}
		}
	}
	// Debian: /usr/lib/debug/lib/modules/R/kernel/x.ko for /lib/modules/R/kernel/x.ko.xz;
	// Fedora and SUSE: the same with .debug behind. /lib may be a link to /usr/lib.
	for _, p := range paths {
		plain := inside(p)
		for _, suffix := range [...]string{".xz", ".zst", ".gz"} {
			plain = strings.TrimSuffix(plain, suffix)
		}
		for _, q := range [...]string{plain, strings.TrimPrefix(plain, "/usr"), "/usr" + plain} {
			for _, suffix := range [...]string{"", ".debug"} {
				c := debugCandidate{filepath.Join(global, q) + suffix, "by its path", nil}
				if !slices.Contains(list, c) {
					list = append(list, c)
				}
			}
		}
	}
	return list
}

// matches reports whether d was split off the same build. The build-id tells, or
// the checksum of the debug link if that is known, or else the sections that are
// loaded have the same names and sizes.
func (f *File) matches(d *File, crc *uint32) error {
	if !d.HasDWARF() {
		return fmt.Errorf("%s: no .debug_info in it", d.Name)
	}
	if d.Machine != f.Machine || d.Class != f.Class || d.Order != f.Order || d.Type != f.Type {
		return fmt.Errorf("%s: %w: another machine or kind of file than %s", d.Name, ErrMismatch, f.Name)
	}
	ours, theirs := f.BuildID(), d.BuildID()
	switch {
	case ours != nil && theirs != nil:
		if !bytes.Equal(ours, theirs) {
			return fmt.Errorf("%s: %w: its build-id is %x, that of %s %x", d.Name, ErrMismatch, theirs, f.Name, ours)
		}
		return nil
	case crc != nil:
		if sum := crc32.ChecksumIEEE(d.data); sum != *crc {
			return fmt.Errorf("%s: %w: its checksum is %#x, the debug link of %s says %#x", d.Name, ErrMismatch, sum, f.Name, *crc)
		}
		return nil
	}
	a, b := f.loaded(), d.loaded()
	for i := range min(len(a), len(b)) {
		if f.Sections[a[i]].Name != d.Sections[b[i]].Name || f.Sections[a[i]].Size != d.Sections[b[i]].Size {
			return fmt.Errorf("%s: %w: %s is not as in %s", d.Name, ErrMismatch, d.Sections[b[i]].Name, f.Name)
		}
	}
	if len(a) != len(b) {
		return fmt.Errorf("%s: %w: %d sections that are loaded, %d in %s", d.Name, ErrMismatch, len(b), len(a), f.Name)
	}
	return nil
}

// loaded lists the sections that are loaded, but for BTF, which some builds mark as
// loaded and which may be there or not.
func (f *File) loaded() []int {
	var list []int
	for i := range f.Sections {
		if s := &f.Sections[i]; s.Flags&elf.SHF_ALLOC != 0 && !strings.HasPrefix(s.Name, ".BTF") {
			list = append(list, i)
		}
	}
	return list
}

// SourceWith returns the module in the form that package dwarf2btf reads, with DWARF,
// sections and symbols of its debug file, where strip has taken none away; only
// .BTF_ids is the module's own, since the debug file may have no content for it. It
// is valid until one of the files is closed.
func (f *File) SourceWith(debug *File) (*dwarf2btf.Source, error) {
	src, err := debug.Source()
	if err != nil {
		return nil, err
	}
	src.Name = f.Name
	i, ok := debug.Section(".BTF_ids")
	if src.BTFIDs, err = f.DataOf(".BTF_ids"); err != nil || src.BTFIDs == nil {
		return src, err
	}
	if !ok || debug.Sections[i].Size != uint64(len(src.BTFIDs)) {
		return nil, fmt.Errorf("%s: %w: .BTF_ids is not as in %s", debug.Name, ErrMismatch, f.Name)
	}
	src.BTFIDsIndex = i
	return src, nil
}
