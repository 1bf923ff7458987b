package emit

import (
	"bytes"
	"debug/elf"
	"errors"
	"testing"

	"mkbtf/internal/elfhdr/elftest"
)

// withIDs is an object whose .BTF_ids is part of the memory image, as kbuild makes it.
func withIDs(l int, extra ...elftest.Section) []byte {
	ids := elftest.Section{Name: ".BTF_ids", Flags: elf.SHF_ALLOC, Data: blob(44, 3)}
	o := object(elftest.Layouts[l].Class, elftest.Layouts[l].Order, append([]elftest.Section{ids}, extra...)...)
	return o.Bytes()
}

func TestOverwrite(t *testing.T) {
	for i, l := range elftest.Layouts {
		t.Run(l.Name, func(t *testing.T) {
			in := withIDs(i, elftest.Section{Name: ".BTF", Data: blob(20, 1)})
			at := bytes.Index(in, blob(44, 3))
			want := bytes.Clone(in)
			copy(want[at:], blob(44, 9))
			over := ELFOptions{Overwrite: []ELFContent{{".BTF_ids", blob(44, 9)}}}

			alone, err := EditELF(in, nil, over)
			if err != nil {
				t.Fatal(err)
			}
			if got := alone.Bytes(); !bytes.Equal(got, want) || alone.Unchanged() || alone.Size() != uint64(len(want)) {
				t.Errorf("more has changed than 44 bytes at %#x", at)
			}
			again, err := EditELF(want, nil, over)
			if err != nil {
				t.Fatal(err)
			}
			if !again.Unchanged() || !bytes.Equal(again.Bytes(), want) {
				t.Error("the second run changes the file")
			}

			// Together with an edit, it is as if one came after the other.
			sections := []ELFSection{{Name: ".BTF", Data: blob(500, 4), Align: 4}, {Name: ".BTF.base", Data: blob(45, 5), Align: 4}}
			both, err := EditELF(in, sections, over)
			if err != nil {
				t.Fatal(err)
			}
			if got := both.Bytes(); !bytes.Equal(got, edit(t, want, sections...)) {
				t.Error("differs from overwriting first and adding sections then")
			}
		})
	}
}

func TestRefusedOverwrites(t *testing.T) {
	in := withIDs(2, elftest.Section{Name: ".packed", Flags: elf.SHF_COMPRESSED, Data: blob(30, 1)})
	for _, tt := range []struct {
		name string
		over []ELFContent
	}{
		{"longer", []ELFContent{{".BTF_ids", blob(45, 1)}}},
		{"shorter", []ELFContent{{".BTF_ids", blob(43, 1)}}},
		{"no such section", []ELFContent{{".ids", blob(44, 1)}}},
		{"compressed", []ELFContent{{".packed", blob(30, 2)}}},
		{"no content in the file", []ELFContent{{".bss", blob(1<<20, 2)}}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if _, err := EditELF(in, nil, ELFOptions{Overwrite: tt.over}); !errors.Is(err, ErrInPlace) {
				t.Errorf("error %v, want %v", err, ErrInPlace)
			}
		})
	}
	if _, err := EditELF(in, []ELFSection{{Name: ".BTF_ids"}}, ELFOptions{Overwrite: []ELFContent{{".BTF_ids", blob(44, 1)}}}); err == nil {
		t.Error("removed and overwritten: no error")
	}
}
