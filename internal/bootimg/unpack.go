package bootimg

import (
	"debug/elf"
	"errors"
	"fmt"
	"strings"

	"mkbtf/internal/compress"
	"mkbtf/internal/elfhdr"
)

// Bounds on what an image can make of itself.
const (
	deepest   = 6         // wrappings and packings inside each other
	tries     = 32        // places where a packed kernel seems to start
	mostBytes = 2<<30 - 1 // unpacked in all; an int of 32 bits holds it
)

// Image is the kernel in a boot image.
type Image struct {
	// Data is an ELF file, raw BTF, or the kernel as it lies in memory. It may be a
	// part of the file it was found in.
	Data []byte
	// How lists what was taken off, from outside inwards, such as "bzImage, zstd";
	// "" if the file is the kernel.
	How string
	// Machine is what the wrapping says, EM_NONE if it says nothing.
	Machine elf.Machine
}

// Unpack finds the kernel in an image. It also takes the packing off files that are
// no kernel if an ELF file or raw BTF is inside, such as a module's .ko.xz.
// ErrUnknown if there is nothing of the kind. Errors that say where something is
// wrong are *Error.
func Unpack(data []byte) (*Image, error) {
	u := &unpacker{left: mostBytes}
	return u.open(data, 0)
}

// unpacker is one way from outside inwards.
type unpacker struct {
	how     []string
	machine elf.Machine
	left    int // of mostBytes
}

func (u *unpacker) errorAt(off int, err error, format string, args ...any) error {
	return &Error{strings.Join(u.how, ", "), uint64(off), fmt.Sprintf(format, args...), err}
}

func (u *unpacker) found(data []byte) (*Image, error) {
	return &Image{data, strings.Join(u.how, ", "), u.machine}, nil
}

// into goes on with what was inside of something.
func (u *unpacker) into(name string, data []byte, depth int) (*Image, error) {
	u.how = append(u.how, name)
	return u.open(data, depth+1)
}

func (u *unpacker) open(data []byte, depth int) (*Image, error) {
	if depth > deepest {
		return nil, u.errorAt(0, ErrMalformed, "more than %d images inside each other", deepest)
	}
	if m := compress.Sniff(data); m != compress.None {
		return u.openPacked(m, data, depth)
	}
	switch {
	case isRawBTF(data):
		return u.found(data)
	case isZBoot(data):
		return u.openZBoot(data, depth)
	case isBzImage(data):
		return u.openBzImage(data, depth)
	case isUImage(data):
		return u.openUImage(data, depth)
	}
	if m := flatImage(data); m != elf.EM_NONE {
		u.machine = m
		return u.found(data)
	}
	if linux, ok, err := u.linuxSection(data); err != nil {
		return nil, err
	} else if ok {
		return u.into("UKI", linux, depth)
	}
	if isModule(data) {
		return u.found(data)
	}
	return u.search(data, depth)
}

// openPacked unpacks a file that is one compressed stream, or begins with one: boot
// loaders append device trees and sizes.
func (u *unpacker) openPacked(m compress.Method, data []byte, depth int) (*Image, error) {
	out, err := compress.All(m, data)
	if err != nil {
		first, firstErr := compress.First(m, data, 0, u.left)
		if firstErr != nil {
			return nil, u.errorAt(0, err, "%v", err)
		}
		out = first
	}
	if err := u.take(len(out)); err != nil {
		return nil, err
	}
	return u.into(m.String(), out, depth)
}

// take accounts for unpacked bytes.
func (u *unpacker) take(n int) error {
	if u.left -= n; u.left < 0 {
		return u.errorAt(0, compress.ErrTooLarge, "unpacks to more than %d bytes in all", mostBytes)
	}
	return nil
}

// openPayload unpacks the kernel that a header says lies at off and has n bytes. With
// sized the last four bytes are the size of the kernel, little-endian.
func (u *unpacker) openPayload(data []byte, off, n uint64, sized bool, depth int) (*Image, error) {
	if off > uint64(len(data)) || n > uint64(len(data))-off {
		return nil, u.errorAt(int(min(off, uint64(len(data)))), ErrTruncated, "the kernel in it ends at %d, the image at %d: truncated", off+n, len(data))
	}
	payload := data[off : off+n]
	m := compress.Sniff(payload)
	if m == compress.None {
		return u.into("not packed", payload, depth)
	}
	size := 0
	if sized && n >= 4 {
		size = int(le.Uint32(payload[n-4:]))
	}
	out, err := compress.First(m, payload, size, u.left)
	if err != nil {
		return nil, u.errorAt(int(off), err, "%v", err)
	}
	if sized && len(out) != size {
		return nil, u.errorAt(int(off), ErrMalformed, "%s: unpacks to %d bytes, the image says %d", m, len(out), size)
	}
	if err := u.take(len(out)); err != nil {
		return nil, err
	}
	return u.into(m.String(), out, depth)
}

// search tries every place where a packed kernel seems to start. Only if there is
// none the data itself can be the kernel: lzo and lz4 leave parts as they are, and
// the banner may be one of them.
func (u *unpacker) search(data []byte, depth int) (*Image, error) {
	name, machine := wrapper(data)
	if machine != elf.EM_NONE {
		u.machine = machine
	}
	var found *Image
	var firstErr error
	left := tries
	compress.Candidates(data, func(m compress.Method, off int) bool {
		if left--; left < 0 {
			return false
		}
		out, err := compress.First(m, data[off:], 0, u.left)
		switch {
		case err == nil && isKernel(out):
			if err = u.take(len(out)); err == nil {
				inner := &unpacker{append(append([]string(nil), u.how...), name, m.String()), u.machine, u.left}
				found, err = inner.open(out, depth+2)
			}
		case errors.Is(err, compress.ErrTooLarge):
			u.left /= 2 // somebody may have filled the file with such places
		}
		if err != nil && firstErr == nil {
			u.how = append(u.how, name)
			firstErr = u.errorAt(off, err, "%v", err)
			u.how = u.how[:len(u.how)-1]
		}
		return found == nil
	})
	switch {
	case found != nil:
		return found, nil
	case elfhdr.IsELF(data), Release(data) != "":
		return u.found(data)
	case name == unknownImage:
		if len(u.how) > 0 {
			return nil, u.errorAt(0, ErrUnknown, "no kernel in it")
		}
		return nil, &Error{Msg: ErrUnknown.Error(), Err: ErrUnknown}
	case firstErr != nil:
		return nil, firstErr
	}
	u.how = append(u.how, name)
	return nil, u.errorAt(0, ErrMalformed, "no packed kernel in it")
}
