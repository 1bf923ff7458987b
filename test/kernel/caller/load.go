package main

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"strings"
	"unsafe"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"github.com/cilium/ebpf/btf"
	"golang.org/x/sys/unix"
)

// caller loads programs that call functions of a module. The library loads such
// programs only from ELF files, hence the system call.
type caller struct {
	spec *btf.Spec
	fd   int // of the module's BTF
}

// loadAttr is what BPF_PROG_LOAD takes, up to the array of file descriptors.
type loadAttr struct {
	progType, count    uint32
	instructions       unsafe.Pointer
	license            unsafe.Pointer
	logLevel, logSize  uint32
	log                unsafe.Pointer
	version, flags     uint32
	name               [16]byte
	ifindex, attach    uint32
	btf, funcSize      uint32
	funcs              uint64
	funcCount, lineLen uint32
	lines              uint64
	lineCount, target  uint32
	targetFD, relos    uint32
	fds                unsafe.Pointer
}

// verifierError is the last words of the verifier.
type verifierError struct{ text string }

func (e *verifierError) Error() string { return e.text }

// load loads a program that can be run by its file descriptor.
func (c *caller) load(program func(call func(name string) asm.Instruction) asm.Instructions) (*ebpf.Program, error) {
	var failed error
	insns := program(func(name string) asm.Instruction {
		var f *btf.Func
		err := c.spec.TypeByName(name, &f)
		var id btf.TypeID
		if err == nil {
			id, err = c.spec.TypeID(f)
		}
		if err != nil {
			failed = err
		}
		return asm.Instruction{
			OpCode: asm.OpCode(asm.JumpClass).SetJumpOp(asm.Call), Src: asm.PseudoKfuncCall,
			Constant: int64(id), Offset: 1, // index into fds
		}
	})
	if failed != nil {
		return nil, failed
	}
	if err := resolveJumps(insns); err != nil {
		return nil, err
	}
	var code bytes.Buffer
	if err := insns.Marshal(&code, binary.LittleEndian); err != nil {
		return nil, err
	}
	log := make([]byte, 1<<16)
	license := []byte("GPL\x00")
	fds := []int32{0, int32(c.fd)}
	attr := loadAttr{
		progType: uint32(ebpf.Syscall), count: uint32(code.Len() / asm.InstructionSize),
		instructions: unsafe.Pointer(&code.Bytes()[0]), license: unsafe.Pointer(&license[0]),
		logLevel: 1, logSize: uint32(len(log)), log: unsafe.Pointer(&log[0]),
		flags: unix.BPF_F_SLEEPABLE, fds: unsafe.Pointer(&fds[0]),
	}
	fd, _, errno := unix.Syscall(unix.SYS_BPF, unix.BPF_PROG_LOAD, uintptr(unsafe.Pointer(&attr)), unsafe.Sizeof(attr))
	if errno != 0 {
		text := strings.TrimSpace(string(bytes.TrimRight(log, "\x00")))
		for line := range strings.Lines(text) {
			if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "processed ") {
				text = line
			}
		}
		return nil, &verifierError{fmt.Sprintf("%v: %s", errno, text)}
	}
	return ebpf.NewProgramFromFD(int(fd))
}

// resolveJumps turns the names that jumps go to into distances.
func resolveJumps(insns asm.Instructions) error {
	at, err := insns.SymbolOffsets()
	if err != nil {
		return err
	}
	for i := range insns {
		if name := insns[i].Reference(); name != "" {
			to, ok := at[name]
			if !ok {
				return fmt.Errorf("no instruction %s", name)
			}
			insns[i].Offset = int16(to - i - 1)
		}
	}
	return nil
}
