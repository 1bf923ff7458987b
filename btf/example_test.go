package btf_test

import (
	"encoding/binary"
	"fmt"
	"log"

	"mkbtf/btf"
	"mkbtf/internal/encode"
)

// Types are put into a table, written in the wire format, and read back.
func Example() {
	t := btf.NewTable(1, nil)
	name := t.Strings.InternString
	integer := t.Add(btf.Type{Kind: btf.Int, Name: name("int"), Size: 4, Extra: btf.IntData(btf.IntSigned, 0, 32)})
	t.AddWith(btf.Type{Kind: btf.Struct, Name: name("point"), Size: 8}, []btf.Member{
		{Name: name("x"), Type: integer},
		{Name: name("y"), Type: integer, Off: 32}, // in bits
	})
	data, err := btf.Encode(t, binary.LittleEndian, nil, false)
	if err != nil {
		log.Fatal(err)
	}
	blob, err := btf.Parse(data, nil)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(len(data), "bytes")
	for id := blob.Start(); id < blob.End(); id++ {
		r := blob.Record(id)
		fmt.Printf("[%d] %s %s, %d bytes, %d members\n", id, r.Kind(), blob.StringAt(r.NameOff), r.SizeType, r.Vlen())
	}
	// Output:
	// 91 bytes
	// [1] INT int, 4 bytes, 0 members
	// [2] STRUCT point, 8 bytes, 2 members
}

// The functions of a module and their parameters, from its BTF.
func ExampleBlob_Table() {
	e, err := encode.New(encode.Options{Form: encode.SelfContained, Keep: encode.KeepOwn, Detached: true})
	if err != nil {
		log.Fatal(err)
	}
	out, err := e.Open("../testdata/hello.ko", true)
	if err != nil {
		log.Fatal(err)
	}
	blob, err := btf.Parse(out.BTF, nil)
	if err != nil {
		log.Fatal(err)
	}
	t := blob.Table(nil)
	for i := range t.Types {
		f := &t.Types[i]
		if f.Kind != btf.Func {
			continue
		}
		fmt.Print(t.Name(f.Name), ":")
		for _, p := range t.MembersOf(t.At(f.Ref)) {
			fmt.Printf(" %s (%s)", t.Name(p.Name), t.At(p.Type).Kind)
		}
		fmt.Println()
	}
	// Output:
	// hello_drop_oldest: r (PTR)
	// hello_exit:
	// hello_init:
	// hello_new_message: writer (PTR) from (PTR) length (TYPEDEF)
	// hello_open: inode (PTR) file (PTR)
	// hello_read: file (PTR) to (PTR) length (TYPEDEF) position (PTR)
	// hello_urgency_of: text (PTR) length (TYPEDEF)
	// hello_write: file (PTR) from (PTR) length (TYPEDEF) position (PTR)
}

// Split BTF needs the BTF that it was made over.
func ExampleParse_split() {
	kernel := btf.NewTable(1, nil)
	kernel.Add(btf.Type{Kind: btf.Float, Name: kernel.Strings.InternString("double"), Size: 8})
	data, err := btf.Encode(kernel, binary.LittleEndian, nil, false)
	if err != nil {
		log.Fatal(err)
	}
	base, err := btf.Parse(data, nil)
	if err != nil {
		log.Fatal(err)
	}
	module := btf.NewTable(base.End(), nil)
	module.Add(btf.Type{Kind: btf.Typedef, Name: module.Strings.InternString("real"), Ref: 1}) // the kernel's double
	split, err := btf.Encode(module, binary.LittleEndian, base, true)
	if err != nil {
		log.Fatal(err)
	}
	_, err = btf.Parse(split, nil)
	fmt.Println("alone:", err)
	blob, err := btf.Parse(split, base)
	fmt.Printf("over its base: types from %d to %d, %v\n", blob.Start(), blob.End()-1, err)
	// Output:
	// alone: BTF types+0x18: type [1] TYPEDEF: name offset 0x8 is outside the strings
	// over its base: types from 2 to 2, <nil>
}
