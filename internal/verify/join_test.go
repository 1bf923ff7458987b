package verify

import (
	"bytes"
	"encoding/binary"
	"errors"
	"os"
	"syscall"
	"testing"
)

func TestJoin(t *testing.T) {
	base := mk(i32, rec{"s", kStruct | 1, 4, "a", 1, 0})
	split := over(base, rec{0, kPtr, 2}, rec{"t", kTypedef, 3})
	want := mk(i32, rec{"s", kStruct | 1, 4, "a", 1, 0}, rec{0, kPtr, 2}, rec{"t", kTypedef, 3})
	if got, err := Join(base, split); err != nil || !bytes.Equal(got, want) {
		t.Errorf("%v\ngot  %x\nwant %x", err, got, want)
	}
	// Strings may lie before the types, the header may be long.
	odd := sections([]uint32{32, 8, 16, 0, 8, 0, 0}, append([]byte("\x00int\x00\x00\x00\x00"), one[:16]...))
	got, err := Join(odd, over(mk(i32)))
	if err != nil || binary.LittleEndian.Uint32(got[4:]) != 24 {
		t.Errorf("got %x, %v", got, err)
	}
	for _, bad := range [][2][]byte{{nil, split}, {base, nil}, {base[:30], split}, {base, mkBig(i32)}} {
		var e *Error
		if _, err := Join(bad[0], bad[1]); !errors.As(err, &e) {
			t.Errorf("%x, %x: %v", bad[0], bad[1], err)
		}
	}
}

func TestJoinTooLarge(t *testing.T) {
	b := newBuilder().add(i32)
	b.strs = append(b.strs, make([]byte, 1<<23)...)
	if _, err := Join(b.bytes(), b.bytes()); err == nil {
		t.Error("17 MiB of strings fit")
	}
}

func TestKernelLoad(t *testing.T) {
	if no, log := live(t, mk(i32)); no != 0 || log != "" {
		t.Errorf("one INT: %v %q", no, log)
	}
	log, err := KernelLoad(mk(rec{"int", kInt, 4, 33}))
	var no syscall.Errno
	if !errors.As(err, &no) || no != syscall.EINVAL || !endsIn(log, "[1] INT int size=4 bits_offset=0 nr_bits=33 encoding=(none) nr_bits exceeds type_size\n") {
		t.Errorf("33 bits: %v %q", err, log)
	}
	// A log of more than the first buffer.
	recs := []rec{i32}
	for range 4000 {
		recs = append(recs, rec{"a_rather_long_name", kTypedef, 1})
	}
	log, err = KernelLoad(mk(append(recs, rec{0, kTypedef, 1})...))
	if err == nil || !endsIn(log, "[4002] TYPEDEF (anon) type_id=1 Invalid name\n") {
		t.Errorf("long log: %v, %d bytes", err, len(log))
	}
}

// TestKernelLoadOwnBTF gives the running kernel its own BTF.
func TestKernelLoadOwnBTF(t *testing.T) {
	vmlinux, err := os.ReadFile("/sys/kernel/btf/vmlinux")
	if err != nil {
		t.Skip("this system does not show the BTF of its kernel: ", err)
	}
	if len(vmlinux) > maxLoad {
		t.Skip("larger than what BPF_BTF_LOAD takes")
	}
	no, log := live(t, vmlinux)
	target, err := NewTarget(vmlinux)
	if err != nil {
		t.Fatal(err)
	}
	ours, msg := verdict(Load(vmlinux, &target.Abilities))
	if no != ours || !endsIn(log, msg) && msg != "" {
		t.Errorf("the kernel says %v %q, we %v %q", no, log[max(0, len(log)-200):], ours, msg)
	}
}
