package object

import (
	"bytes"
	"debug/elf"
	"errors"
	"fmt"
	"path/filepath"

	"mkbtf/btf"
	"mkbtf/internal/bootimg"
)

// BTFData is BTF as it lies in a file. The slices belong to the caller, unless MapBTF has
// made it.
type BTFData struct {
	BTF []byte
	// Base is the content of .BTF.base, nil if there is none. If it is there, BTF
	// is split BTF over it; if not, only the types themselves tell whether BTF is
	// split BTF over a whole kernel or needs no base.
	Base []byte
	// Release is the kernel release that the file tells it belongs to, such as
	// "6.12.117-amd64"; "" if it tells none.
	Release string
	// Machine is that of the kernel or module, EM_NONE if the file does not tell.
	Machine elf.Machine
	// From says where in the file the BTF was found, for messages.
	From string

	disk *mapped // of MapBTF
}

// LoadBTF reads the BTF of anything that holds some: raw BTF, an ELF file with
// .BTF, a file of /sys/kernel/btf, a boot image in any packing, each of them
// compressed. ErrNoBTF if the file could hold BTF and does not, ErrFormat if it is
// something else.
func LoadBTF(path string) (*BTFData, error) {
	m, err := mapFile(path)
	if err != nil {
		return nil, err
	}
	defer m.close()
	return m.btf(func(d *BTFData) {
		if m.unmap != nil || len(d.BTF) < len(m.data) {
			d.copy()
		}
	})
}

// MapBTF is LoadBTF without a copy: what is returned may lie in the mapping of the file.
// It must only be read within Guard, or that of a File that it stands Beside, and not after
// Close.
func MapBTF(path string) (*BTFData, error) {
	m, err := mapFile(path)
	if err != nil {
		return nil, err
	}
	d, err := m.btf(func(*BTFData) {})
	if err != nil || m.unmap == nil {
		m.close()
		return d, err
	}
	d.disk = m
	return d, nil
}

// btf finds the BTF of a file, and calls then while it may read it.
func (m *mapped) btf(then func(*BTFData)) (d *BTFData, err error) {
	err = guard(m.itself, func() (err error) {
		if d, err = loadBTF(m.file.Name(), m.data); err == nil {
			then(d)
		}
		return err
	})
	return d, err
}

// Guard is File.Guard for what MapBTF has returned.
func (d *BTFData) Guard(do func() error) error { return guard(d.mappings, do) }

func (d *BTFData) mappings() []*mapped {
	if d.disk == nil {
		return nil
	}
	return d.disk.itself()
}

// Close releases what MapBTF has mapped.
func (d *BTFData) Close() error {
	if d.disk == nil {
		return nil
	}
	return d.disk.close()
}

func (d *BTFData) copy() { d.BTF, d.Base = bytes.Clone(d.BTF), bytes.Clone(d.Base) }

// LoadBTFBytes is LoadBTF for a file that is in memory. The result is a copy.
func LoadBTFBytes(name string, data []byte) (*BTFData, error) {
	d, err := loadBTF(name, data)
	if err == nil {
		d.copy()
	}
	return d, err
}

// loadBTF is LoadBTFBytes without the copy.
func loadBTF(name string, data []byte) (*BTFData, error) {
	switch Sniff(data) {
	case FormatBTF:
		d := &BTFData{BTF: data, From: FormatBTF.String()}
		if filepath.Dir(filepath.Clean(name)) == "/sys/kernel/btf" {
			d.Release = RunningRelease()
		}
		return d, nil
	case FormatELF:
		f, err := OpenBytes(name, data)
		if err != nil {
			return nil, err
		}
		d, err := f.btf()
		if errors.Is(err, ErrNoBTF) && !f.Relocatable() {
			return loadPacked(name, data) // powerpc and mips wrap kernels in ELF
		}
		return d, err
	}
	return loadPacked(name, data)
}

// BTF returns copies of .BTF and .BTF.base; ErrNoBTF if there is no .BTF, or one
// without content as strip leaves it in a separate debug file.
func (f *File) BTF() (*BTFData, error) {
	d, err := f.btf()
	if err == nil {
		d.copy()
	}
	return d, err
}

// BTFInPlace is BTF without the copies: what is returned is valid until the file is closed.
func (f *File) BTFInPlace() (*BTFData, error) { return f.btf() }

// btf is BTFInPlace.
func (f *File) btf() (*BTFData, error) {
	raw, err := f.DataOf(".BTF")
	if err != nil {
		return nil, err
	}
	if len(raw) == 0 {
		remedy := ""
		if f.Relocatable() {
			remedy = ": a module gets it by mkbtf encode"
		}
		return nil, fmt.Errorf("%s: %w: section .BTF is missing or empty%s", f.Name, ErrNoBTF, remedy)
	}
	base, err := f.DataOf(".BTF.base")
	if err != nil {
		return nil, err
	}
	d := &BTFData{BTF: raw, Release: f.Release(), Machine: f.Machine, From: "section .BTF"}
	if len(base) > 0 {
		d.Base, d.From = base, "sections .BTF and .BTF.base"
	}
	return d, nil
}

// Parse parses the BTF: over its own base if it has one, else over base, which
// may be nil.
func (d *BTFData) Parse(base *btf.Blob) (*btf.Blob, error) {
	if d.Base != nil {
		own, err := btf.Parse(d.Base, nil)
		if err != nil {
			return nil, fmt.Errorf(".BTF.base: %w", err)
		}
		base = own
	}
	return btf.Parse(d.BTF, base)
}

// ParseKernel parses BTF that has to be a kernel's, not a module's.
func (d *BTFData) ParseKernel() (*btf.Blob, error) {
	return ParseKernelWith(d, func(data []byte) (*btf.Blob, error) { return btf.Parse(data, nil) })
}

// ParseKernelWith is ParseKernel for what another parser makes.
func ParseKernelWith[T any](d *BTFData, parse func([]byte) (T, error)) (kernel T, err error) {
	if d.Base != nil {
		return kernel, fmt.Errorf("has a .BTF.base, as modules have: %w", ErrNotKernel)
	}
	kernel, err = parse(d.BTF)
	if errors.Is(err, btf.ErrNeedsBase) {
		err = fmt.Errorf("%w: %w", err, ErrNotKernel)
	}
	return kernel, err
}

// Release is the kernel release that a module was built for (vermagic in
// .modinfo) or that a vmlinux is (linux_banner); "" if the file does not tell.
func (f *File) Release() string {
	if info, err := f.DataOf(".modinfo"); err == nil {
		for entry := range bytes.SplitSeq(info, []byte{0}) {
			if magic, ok := bytes.CutPrefix(entry, []byte("vermagic=")); ok {
				release, _, _ := bytes.Cut(magic, []byte(" "))
				return string(release)
			}
		}
	}
	if i, ok := f.Section(".rodata"); ok && f.Type != elf.ET_REL {
		if data, err := f.Data(i); err == nil {
			return ReleaseIn(data)
		}
	}
	return ""
}

// ReleaseIn finds the kernel release in the banner that every kernel image holds,
// "Linux version 6.12.117-amd64 (...", "" if there is none.
func ReleaseIn(image []byte) string { return bootimg.Release(image) }
