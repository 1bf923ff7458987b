package bootimg

import (
	"bytes"
	"fmt"

	"mkbtf/btf"
)

// mostHeaders bounds how many headers are followed: a file may consist of them.
const mostHeaders = 64

// Header lengths that BTF has had, 24, or may have.
const (
	shortestHeader = btf.HeaderLen
	longestHeader  = 64
)

// FindBTF finds the BTF of a kernel that lies there as it does in memory, by its
// header. What it returns is a part of image and is wholly valid BTF without a base.
// If there are several (the kernel may hold BPF programs with BTF of their own), it
// is the one that defines struct task_struct. ErrNoBTF if there is none,
// ErrAmbiguous if it cannot be told which it is.
func FindBTF(image []byte) (raw []byte, off int, err error) {
	var hits [][]byte
	var offs []int
	left := mostHeaders
	for _, magic := range [...]string{"\x9f\xeb\x01\x00", "\xeb\x9f\x01\x00"} {
		for at := 0; ; at++ {
			i := bytes.Index(image[at:], []byte(magic))
			if i < 0 {
				break
			}
			at += i
			n := btfLen(image[at:])
			if n == 0 {
				continue
			}
			if left--; left < 0 {
				return nil, 0, fmt.Errorf("%w: more than %d headers", ErrAmbiguous, mostHeaders)
			}
			if raw := image[at : at+n : at+n]; isBTF(raw) {
				hits, offs = append(hits, raw), append(offs, at)
				at += n - 1
			}
		}
	}
	switch len(hits) {
	case 0:
		return nil, 0, ErrNoBTF
	case 1:
		return hits[0], offs[0], nil
	}
	kernel := -1
	for i, raw := range hits {
		if !definesTask(raw) {
			continue
		}
		if kernel >= 0 {
			return nil, 0, fmt.Errorf("%w: at %#x and at %#x", ErrAmbiguous, offs[kernel], offs[i])
		}
		kernel = i
	}
	if kernel < 0 {
		return nil, 0, fmt.Errorf("%w: at %#x, none with struct task_struct", ErrAmbiguous, offs)
	}
	return hits[kernel], offs[kernel], nil
}

// btfLen is the size of the BTF that data starts with, judged by its header, 0 if it
// is none. All encoders write the types first and the strings right after them.
func btfLen(data []byte) int {
	if len(data) < shortestHeader {
		return 0
	}
	var o btf.Order = le
	if data[0] == 0xeb {
		o = be
	}
	hdr, typeOff, typeLen := uint64(o.Uint32(data[4:])), o.Uint32(data[8:]), uint64(o.Uint32(data[12:]))
	strOff, strLen := uint64(o.Uint32(data[16:])), uint64(o.Uint32(data[20:]))
	size := uint64(len(data))
	if hdr < shortestHeader || hdr > longestHeader || hdr%4 != 0 || typeOff != 0 || typeLen == 0 || strOff < typeLen ||
		strOff > typeLen+longestHeader || strLen < 2 || hdr+strOff+strLen > size {
		return 0
	}
	end := hdr + strOff + strLen
	if hdr >= 32 { // the layout of Linux 7.1 may come after the strings
		layout := hdr + uint64(o.Uint32(data[24:])) + uint64(o.Uint32(data[28:]))
		if layout > size {
			return 0
		}
		end = max(end, layout)
	}
	if data[hdr+strOff] != 0 || data[hdr+strOff+strLen-1] != 0 {
		return 0
	}
	return int(end)
}

func isBTF(raw []byte) bool {
	_, err := btf.Parse(raw, nil)
	return err == nil
}

func definesTask(raw []byte) bool {
	b, err := btf.Parse(raw, nil)
	if err != nil {
		return false
	}
	for id := b.Start(); id < b.End(); id++ {
		if r := b.Record(id); r.Kind() == btf.Struct && string(b.StringAt(r.NameOff)) == "task_struct" {
			return true
		}
	}
	return false
}
