package elfhdr_test

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"errors"
	"fmt"
	"testing"

	"mkbtf/internal/elfhdr"
	"mkbtf/internal/elfhdr/elftest"
)

// TestParse holds what is read against debug/elf.
func TestParse(t *testing.T) {
	for _, l := range elftest.Layouts {
		for _, n := range []int{3, 0xfefd, 0xfefe} {
			t.Run(fmt.Sprintf("%s/%d", l.Name, n), func(t *testing.T) {
				b := elftest.File{Class: l.Class, Order: l.Order, Type: elf.ET_DYN, Machine: elf.EM_PPC}
				for i := range n {
					b.Sections = append(b.Sections, elftest.Section{
						Name: fmt.Sprint(".s", i), Flags: elf.SHF_WRITE, Link: 1, Info: uint32(i), EntSize: 2, Align: 4,
						Data: []byte{byte(i), 2, 3},
					})
				}
				b.Segments = []elftest.Segment{{Type: elf.PT_NOTE, First: 1, Last: 1}}
				compare(t, b.Bytes())
			})
		}
	}
}

func compare(t *testing.T, data []byte) {
	t.Helper()
	h, err := elfhdr.ParseHeader(data)
	if err != nil {
		t.Fatal(err)
	}
	want, err := elf.NewFile(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	if h.Class != want.Class || h.Type != want.Type || h.Machine != want.Machine || h.Entry != want.Entry {
		t.Errorf("header %+v, want %+v", h, want.FileHeader)
	}
	list := h.ParseSections(data)
	names, err := h.ParseNames(data, list)
	if err != nil {
		t.Fatal(err)
	}
	if len(list) != len(want.Sections) {
		t.Fatalf("%d sections, want %d", len(list), len(want.Sections))
	}
	for i, w := range want.Sections {
		s := list[i]
		got := elf.SectionHeader{
			Name: names.At(s.NameOff), Type: s.Type, Flags: s.Flags, Addr: s.Addr, Offset: s.Off,
			Size: s.Size, Link: s.Link, Info: s.Info, Addralign: s.Align, Entsize: s.EntSize, FileSize: s.Size,
		}
		if got != w.SectionHeader {
			t.Fatalf("section %d: %+v, want %+v", i, got, w.SectionHeader)
		}
	}
	segments := h.ParseSegments(data)
	for i, w := range want.Progs {
		if s := segments[i]; s.Type != w.Type || s.Off != w.Off || s.FileSize != w.Filesz {
			t.Errorf("segment %d: %+v, want %+v", i, s, w.ProgHeader)
		}
	}
	if len(segments) != len(want.Progs) {
		t.Errorf("%d segments, want %d", len(segments), len(want.Progs))
	}
}

// TestWrongHeaders makes one thing wrong in a good file.
func TestWrongHeaders(t *testing.T) {
	good := (&elftest.File{Sections: []elftest.Section{{Name: ".text", Data: make([]byte, 40)}}}).Bytes()
	le := binary.LittleEndian
	tests := []struct {
		name   string
		change func(b []byte) []byte
		want   error
	}{
		{"empty", func(b []byte) []byte { return nil }, elfhdr.ErrNotELF},
		{"script", func(b []byte) []byte { return []byte("#!/bin/sh\n") }, elfhdr.ErrNotELF},
		{"magic only", func(b []byte) []byte { return b[:4] }, elfhdr.ErrTruncated},
		{"short header", func(b []byte) []byte { return b[:60] }, elfhdr.ErrTruncated},
		{"class", func(b []byte) []byte { b[4] = 3; return b }, elfhdr.ErrMalformed},
		{"byte order", func(b []byte) []byte { b[5] = 0; return b }, elfhdr.ErrMalformed},
		{"version", func(b []byte) []byte { b[6] = 9; return b }, elfhdr.ErrMalformed},
		{"cut in the section headers", func(b []byte) []byte { return b[:len(b)-1] }, elfhdr.ErrTruncated},
		{"section headers far away", func(b []byte) []byte { le.PutUint64(b[40:], 1<<63); return b }, elfhdr.ErrTruncated},
		{"size of section headers", func(b []byte) []byte { le.PutUint16(b[58:], 40); return b }, elfhdr.ErrMalformed},
		{"sections at 0", func(b []byte) []byte { le.PutUint64(b[40:], 0); return b }, elfhdr.ErrMalformed},
		{"no number of sections", func(b []byte) []byte { le.PutUint16(b[60:], 0); return b }, elfhdr.ErrMalformed},
		{"index of the names", func(b []byte) []byte { le.PutUint16(b[62:], 3); return b }, elfhdr.ErrMalformed},
		{"program headers far away", func(b []byte) []byte {
			le.PutUint64(b[32:], 1<<62)
			le.PutUint16(b[54:], 56)
			le.PutUint16(b[56:], 1)
			return b
		}, elfhdr.ErrTruncated},
		{"size of program headers", func(b []byte) []byte { le.PutUint16(b[56:], 1); return b }, elfhdr.ErrMalformed},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := elfhdr.ParseHeader(tt.change(bytes.Clone(good)))
			if !errors.Is(err, tt.want) {
				t.Errorf("error %v, want %v", err, tt.want)
			}
		})
	}
}

// TestHugeSectionCount makes section 0 claim more sections than memory has.
func TestHugeSectionCount(t *testing.T) {
	b := (&elftest.File{}).Bytes()
	h, err := elfhdr.ParseHeader(b)
	if err != nil {
		t.Fatal(err)
	}
	binary.LittleEndian.PutUint16(b[60:], 0)
	binary.LittleEndian.PutUint64(b[h.ShOff+32:], 1<<60)
	if _, err := elfhdr.ParseHeader(b); !errors.Is(err, elfhdr.ErrTruncated) {
		t.Errorf("error %v, want ErrTruncated", err)
	}
}

func TestTruncatedMessage(t *testing.T) {
	s := elfhdr.Section{Type: elf.SHT_PROGBITS, Off: 4, Size: 10}
	_, err := s.Contents(make([]byte, 12), ".BTF")
	if got, want := fmt.Sprint(err), "section .BTF ends at 14, the file at 12: truncated"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if !errors.Is(err, elfhdr.ErrTruncated) {
		t.Error("does not match ErrTruncated")
	}
}

func TestFindSignature(t *testing.T) {
	const magic = "~Module signature appended~\n"
	trailer := func(sigLen uint32) []byte {
		return append(binary.BigEndian.AppendUint32([]byte{0, 0, 2, 0, 0, 0, 0, 0}, sigLen), magic...)
	}
	tests := []struct {
		name   string
		data   []byte
		want   elfhdr.Signature
		signed bool
		err    error
	}{
		{"none", []byte("\x7fELF and more"), elfhdr.Signature{}, false, nil},
		{"magic cut", []byte("~Module signature appended~"), elfhdr.Signature{}, false, nil},
		{"signed", append([]byte("imagePKCS#7"), trailer(6)...), elfhdr.Signature{Off: 5, Len: 46}, true, nil},
		{"empty signature", append([]byte("image"), trailer(0)...), elfhdr.Signature{Off: 5, Len: 40}, true, nil},
		{"magic alone", []byte(magic), elfhdr.Signature{}, true, elfhdr.ErrMalformed},
		{"longer than the file", append([]byte("image"), trailer(6)...), elfhdr.Signature{}, true, elfhdr.ErrMalformed},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, signed, err := elfhdr.FindSignature(tt.data)
			if got != tt.want || signed != tt.signed || !errors.Is(err, tt.err) {
				t.Errorf("got %+v, %v, %v, want %+v, %v, %v", got, signed, err, tt.want, tt.signed, tt.err)
			}
		})
	}
}
