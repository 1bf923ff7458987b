package object

import (
	"debug/elf"
	"errors"
	"fmt"
	"os"
	"sync"

	"mkbtf/btf"
	"mkbtf/internal/compress"
	"mkbtf/internal/elfhdr"
)

// File is an open ELF object. It may be used by several goroutines.
type File struct {
	Name     string // for messages
	Class    elf.Class
	Order    btf.Order
	Type     elf.Type
	Machine  elf.Machine
	Sections []Section // by index; 0 is the null section; empty if the file has no section headers

	// Packed is how the file was compressed as a whole (.ko.gz, .ko.xz, .ko.zst); None
	// if it was not. Everything else is about the ELF file inside.
	Packed compress.Method

	data   []byte
	disk   *mapped        // nil if the content came from memory or was unpacked
	debug  *File          // see OpenDebug
	beside *BTFData       // see Beside
	byName map[string]int // first section of each name

	symbolsOnce sync.Once
	symbols     *symbolTable
	symbolsErr  error

	valuesOnce sync.Once
	values     []uint64 // see symbolValues
	valuesErr  error

	addrsOnce sync.Once
	addrs     []uint64 // see addresses
	addrsErr  error

	inflated inflated
}

// Section is a section header and its name.
type Section struct {
	elfhdr.Section
	Name string
}

// Open maps an ELF file, or unpacks a module that is compressed. The file must be
// closed again; everything that was got from it is invalid then. Whatever reads it
// must do so within Guard.
func Open(path string) (*File, error) {
	m, err := mapFile(path)
	if err != nil {
		return nil, err
	}
	var f *File
	err = guard(m.itself, func() (err error) {
		f, err = OpenBytes(path, m.data)
		return err
	})
	if err != nil {
		m.close()
		return nil, err
	}
	if f.Packed != compress.None {
		m.data = nil
	}
	f.disk = m
	return f, nil
}

// OpenBytes reads the headers of an ELF file that is in memory, compressed or not.
// The data is kept and must not change. The name is for messages.
func OpenBytes(name string, data []byte) (*File, error) {
	packed := compress.Sniff(data)
	switch packed {
	case compress.Gzip, compress.XZ, compress.Zstd:
		plain, err := compress.All(packed, data)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		data = plain
	default:
		packed = compress.None
	}
	h, err := elfhdr.ParseHeader(data)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	headers := h.ParseSections(data)
	names, err := h.ParseNames(data, headers)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	f := &File{
		Name: name, Packed: packed, Class: h.Class, Order: h.Order, Type: h.Type, Machine: h.Machine,
		Sections: make([]Section, len(headers)), data: data, byName: make(map[string]int),
	}
	for i := range headers {
		s := &f.Sections[i]
		s.Section = headers[i]
		if i == 0 || s.Type == elf.SHT_NULL { // the latter is a section that was removed
			continue
		}
		s.Name = names.At(headers[i].NameOff)
		if _, ok := f.byName[s.Name]; !ok {
			f.byName[s.Name] = i
		}
	}
	return f, nil
}

// Close releases the mapping of a file that Open has made, and its debug file.
func (f *File) Close() error {
	f.data = nil
	var err error
	if f.debug != nil {
		err = f.debug.Close()
		f.debug = nil
	}
	if f.disk != nil {
		err = errors.Join(f.disk.close(), err)
		f.disk = nil
	}
	return err
}

// Bytes is the whole file, the signature of a module included, and unpacked if it is
// Packed. It must not be changed.
func (f *File) Bytes() []byte { return f.data }

// Disk is the open file that Bytes was mapped from; nil if it came from memory
// or had to be unpacked.
func (f *File) Disk() *os.File {
	if f.disk == nil || f.disk.unmap == nil {
		return nil
	}
	return f.disk.file
}

// Relocatable reports whether the file is ET_REL: a module, an object, but not a
// vmlinux.
func (f *File) Relocatable() bool { return f.Type == elf.ET_REL }

// AddrSize is the size of an address in bytes: 4 or 8.
func (f *File) AddrSize() int {
	if f.Class == elf.ELFCLASS64 {
		return 8
	}
	return 4
}

// Section returns the index of the first section of a name, and whether there is
// one.
func (f *File) Section(name string) (index int, ok bool) {
	index, ok = f.byName[name]
	return index, ok
}

// Data returns the content of a section, decompressed but not relocated. It must
// not be changed. It is nil for SHT_NOBITS, which is what strip leaves of a
// section in a separate debug file.
func (f *File) Data(index int) ([]byte, error) {
	s := &f.Sections[index]
	raw, err := s.Contents(f.data, s.Name)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", f.Name, err)
	}
	if how := compression(s, raw); how != stored {
		return f.inflate(index, how, raw)
	}
	return raw, nil
}

// DataOf returns the content of the first section of a name, nil without an error
// if there is none or if it has no content in this file.
func (f *File) DataOf(name string) ([]byte, error) {
	i, ok := f.Section(name)
	if !ok {
		return nil, nil
	}
	return f.Data(i)
}

// Signature looks for the signature of a kernel module behind the ELF image. A
// file can be signed and have a malformed signature, which is then the error.
func (f *File) Signature() (sig elfhdr.Signature, signed bool, err error) {
	sig, signed, err = elfhdr.FindSignature(f.data)
	if err != nil {
		err = fmt.Errorf("%s: %w", f.Name, err)
	}
	return sig, signed, err
}
