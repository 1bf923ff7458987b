// Command caller runs inside the virtual machine of scripts/qemu.sh, where the module
// kfuncs is loaded, and does with its BTF what BPF users do: it loads a program that
// calls the module's functions, and one that is attached to one of them and reads a
// member of the struct that its argument points to.
//
// It prints what both saw:
//
//	call returns N            the value of kfuncs_add, twice
//	pid_of returns N of M     the value of kfuncs_pid_of for the caller's own thread, and
//	                          what gettid(2) says; or
//	pid_of refused ERROR      if the module's task_struct is not the kernel's
//	entry sees value N amount N calls N
package main

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"runtime"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"github.com/cilium/ebpf/btf"
	"github.com/cilium/ebpf/link"
	"golang.org/x/sys/unix"
)

const module = "kfuncs"

func main() {
	if err := run(); err != nil {
		fmt.Printf("error %v\n", err)
		os.Exit(1)
	}
}

func run() error {
	spec, err := btf.LoadKernelModuleSpec(module)
	if err != nil {
		return err
	}
	handle, err := btf.FindHandle(func(info *btf.HandleInfo) bool { return info.Name == module })
	if err != nil {
		return err
	}
	defer handle.Close()
	seen, err := ebpf.NewMap(&ebpf.MapSpec{Type: ebpf.Array, KeySize: 4, ValueSize: 24, MaxEntries: 1})
	if err != nil {
		return err
	}
	defer seen.Close()
	entry, err := traceAdd(spec, seen)
	if err != nil {
		return fmt.Errorf("fentry: %w", err)
	}
	defer entry.Close()

	c := caller{spec, handle.FD()}
	add, err := c.load(addProgram)
	if err != nil {
		return fmt.Errorf("program that calls kfuncs: %w", err)
	}
	defer add.Close()
	for range 2 {
		v, err := add.Run(&ebpf.RunOptions{})
		if err != nil {
			return err
		}
		fmt.Printf("call returns %d\n", v)
	}
	if err := c.pidOf(); err != nil {
		return err
	}
	var record [24]byte
	if err := seen.Lookup(uint32(0), &record); err != nil {
		return err
	}
	word := func(i int) uint64 { return binary.NativeEndian.Uint64(record[8*i:]) }
	fmt.Printf("entry sees value %d amount %d calls %d\n", word(0), word(1), word(2))
	return nil
}

// addProgram takes a counter, adds 5 to it, gives it back and returns its value.
func addProgram(call func(name string) asm.Instruction) asm.Instructions {
	return asm.Instructions{
		call("kfuncs_acquire"),
		asm.JEq.Imm(asm.R0, 0, "exit"),
		asm.Mov.Reg(asm.R6, asm.R0),
		asm.Mov.Reg(asm.R1, asm.R6),
		asm.Mov.Imm(asm.R2, 5),
		call("kfuncs_add"),
		asm.Mov.Reg(asm.R7, asm.R0),
		asm.Mov.Reg(asm.R1, asm.R6),
		call("kfuncs_release"),
		asm.Mov.Reg(asm.R0, asm.R7),
		asm.Return().WithSymbol("exit"),
	}
}

// pidProgram hands the kernel's task_struct to the module.
func pidProgram(call func(name string) asm.Instruction) asm.Instructions {
	return asm.Instructions{
		asm.FnGetCurrentTaskBtf.Call(),
		asm.Mov.Reg(asm.R1, asm.R0),
		call("kfuncs_pid_of"),
		asm.Return(),
	}
}

func (c *caller) pidOf() error {
	p, err := c.load(pidProgram)
	if refused := (*verifierError)(nil); errors.As(err, &refused) {
		fmt.Printf("pid_of refused %v\n", err)
		return nil
	}
	if err != nil {
		return err
	}
	defer p.Close()
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	v, err := p.Run(&ebpf.RunOptions{})
	if err != nil {
		return err
	}
	fmt.Printf("pid_of returns %d of %d\n", v, unix.Gettid())
	return nil
}

// traceAdd attaches a program to kfuncs_add that notes the member value of its first
// argument, the second argument, and how often it ran.
func traceAdd(spec *btf.Spec, seen *ebpf.Map) (link.Link, error) {
	var counter *btf.Struct
	if err := spec.TypeByName("kfuncs_counter", &counter); err != nil {
		return nil, err
	}
	offset := int16(-1)
	for _, m := range counter.Members {
		if m.Name == "value" {
			offset = int16(m.Offset.Bytes())
		}
	}
	if offset < 0 {
		return nil, errors.New("struct kfuncs_counter has no member value")
	}
	p, err := ebpf.NewProgram(&ebpf.ProgramSpec{
		Type: ebpf.Tracing, AttachType: ebpf.AttachTraceFEntry, AttachTo: "kfuncs_add", License: "GPL",
		Instructions: asm.Instructions{
			asm.LoadMem(asm.R6, asm.R1, 0, asm.DWord),
			asm.LoadMem(asm.R7, asm.R1, 8, asm.DWord),
			asm.LoadMem(asm.R8, asm.R6, offset, asm.DWord),
			asm.LoadMapValue(asm.R1, seen.FD(), 0),
			asm.StoreMem(asm.R1, 0, asm.R8, asm.DWord),
			asm.StoreMem(asm.R1, 8, asm.R7, asm.DWord),
			asm.LoadMem(asm.R2, asm.R1, 16, asm.DWord),
			asm.Add.Imm(asm.R2, 1),
			asm.StoreMem(asm.R1, 16, asm.R2, asm.DWord),
			asm.Mov.Imm(asm.R0, 0),
			asm.Return(),
		},
	})
	if err != nil {
		return nil, err
	}
	defer p.Close() // the link keeps it
	return link.AttachTracing(link.TracingOptions{Program: p})
}
