package emit_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"log"
	"os"
	"path/filepath"

	"mkbtf/btf"
	"mkbtf/emit"
	"mkbtf/internal/encode"
	"mkbtf/internal/object"
)

// Standalone BTF of a module, as --detached writes it, becomes that of the module
// itself: a kernel takes .BTF for a difference to its own types unless a .BTF.base says
// to what else.
func Example() {
	e, err := encode.New(encode.Options{Form: encode.SelfContained, Keep: encode.KeepOwn, Detached: true})
	if err != nil {
		log.Fatal(err)
	}
	standalone, err := e.Open("../testdata/hello.ko", true)
	if err != nil {
		log.Fatal(err)
	}
	blob, err := btf.Parse(standalone.BTF, nil)
	if err != nil {
		log.Fatal(err)
	}
	out, err := emit.SelfContained(blob.Table(nil), blob.Order)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("standalone: %d bytes; in the module: %d bytes over a base of %d\n", len(standalone.BTF), len(out.BTF), len(out.Base))
	// Output:
	// standalone: 2525 bytes; in the module: 2504 bytes over a base of 45
}

// What distilled BTF asks of a kernel: a struct that the module points to must be there,
// one that it holds by value must have the same size as well.
func ExampleDistilled() {
	kernel := btf.NewTable(1, nil)
	name := kernel.Strings.InternString
	integer := kernel.Add(btf.Type{Kind: btf.Int, Name: name("int"), Size: 4, Extra: btf.IntData(btf.IntSigned, 0, 32)})
	task := kernel.AddWith(btf.Type{Kind: btf.Struct, Name: name("task_struct"), Size: 4}, []btf.Member{{Name: name("pid"), Type: integer}})
	lock := kernel.AddWith(btf.Type{Kind: btf.Struct, Name: name("spinlock"), Size: 4}, []btf.Member{{Name: name("locked"), Type: integer}})
	pointer := kernel.Add(btf.Type{Kind: btf.Ptr, Ref: task})
	data, err := btf.Encode(kernel, binary.LittleEndian, nil, false)
	if err != nil {
		log.Fatal(err)
	}
	base, err := btf.Parse(data, nil)
	if err != nil {
		log.Fatal(err)
	}
	module := btf.NewTable(base.End(), nil)
	name = module.Strings.InternString
	module.AddWith(btf.Type{Kind: btf.Struct, Name: name("device"), Size: 16}, []btf.Member{
		{Name: name("owner"), Type: pointer},
		{Name: name("lock"), Type: lock, Off: 64},
	})
	out, err := emit.Distilled(module, base, binary.LittleEndian, emit.DistilOptions{})
	if err != nil {
		log.Fatal(err)
	}
	conditions, err := emit.Explain(out)
	if err != nil {
		log.Fatal(err)
	}
	for _, c := range conditions {
		fmt.Println(c.Text())
		for _, n := range c.Needs {
			fmt.Println("\tneeded by", n)
		}
	}
	// Output:
	// int int: is in every kernel
	// struct spinlock: must have 4 bytes, the module embeds it
	// 	needed by struct device, member lock
	// struct task_struct: must be there, of any size
	// 	needed by struct device, member owner
}

// Sections are put into a module without moving anything else; nothing is written
// before the whole file is known.
func ExampleEditELF() {
	in, err := os.ReadFile("../testdata/hello.ko")
	if err != nil {
		log.Fatal(err)
	}
	edit, err := emit.EditELF(in, []emit.ELFSection{{Name: ".BTF", Data: make([]byte, 100), Align: 4}}, emit.ELFOptions{})
	if err != nil {
		log.Fatal(err)
	}
	var out bytes.Buffer
	if _, err := edit.WriteTo(&out); err != nil {
		log.Fatal(err)
	}
	f, err := object.OpenBytes("hello.ko", out.Bytes())
	if err != nil {
		log.Fatal(err)
	}
	data, err := f.DataOf(".BTF")
	if err != nil {
		log.Fatal(err)
	}
	text, err := f.DataOf(".text")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf(".BTF has %d bytes, .text is where it was: %t\n", len(data), bytes.Index(in, text) == bytes.Index(out.Bytes(), text))
	// Output:
	// .BTF has 100 bytes, .text is where it was: true
}

// A file gets new content at once, and only if it is new.
func ExampleReplaceFile() {
	dir, err := os.MkdirTemp("", "example")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "file")
	for range 2 {
		changed, err := emit.ReplaceFile(path, func(w io.Writer) error {
			_, err := io.WriteString(w, "content")
			return err
		}, emit.ReplaceOptions{})
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println("changed:", changed)
	}
	// Output:
	// changed: true
	// changed: false
}
