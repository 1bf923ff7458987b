package dedup_test

import (
	"encoding/binary"
	"fmt"
	"log"

	"mkbtf/btf"
	"mkbtf/dedup"
	"mkbtf/dwarf2btf"
	"mkbtf/internal/object"
)

// All units of a module become one table in which every type stands once.
func Example() {
	f, err := object.Open("../testdata/hello.ko")
	if err != nil {
		log.Fatal(err)
	}
	defer f.Close()
	src, err := f.Source()
	if err != nil {
		log.Fatal(err)
	}
	c, err := dwarf2btf.New(src, dwarf2btf.DefaultOptions())
	if err != nil {
		log.Fatal(err)
	}
	d := dedup.New(false)
	convert := c.NewWorker()
	add := d.NewWorker(convert.Strings())
	before := 0
	for i := range c.Len() {
		u, err := convert.Convert(i)
		if err != nil {
			log.Fatal(err)
		}
		if u == nil {
			continue
		}
		before += u.Roots
		if _, err := add.Add(i, u.Table, u.Roots); err != nil {
			log.Fatal(err)
		}
	}
	if _, err := d.Merge(add); err != nil {
		log.Fatal(err)
	}
	result, err := d.Resolve(nil)
	if err != nil {
		log.Fatal(err)
	}
	if err := result.KeepAll(); err != nil {
		log.Fatal(err)
	}
	table, _, err := result.Finish()
	if err != nil {
		log.Fatal(err)
	}
	structs := 0
	for i := range table.Types {
		if table.Types[i].Kind == btf.Struct {
			structs++
		}
	}
	fmt.Printf("%d types of %d units become %d, of which %d are structs\n", before, c.Len(), len(table.Types), structs)
	// Output:
	// 2851 types of 3 units become 1499, of which 324 are structs
}

// Over a base, what the base has is the base's.
func ExampleDedup_Resolve() {
	kernel := btf.NewTable(1, nil)
	integer := kernel.Add(btf.Type{Kind: btf.Int, Name: kernel.Strings.InternString("int"), Size: 4, Extra: btf.IntData(btf.IntSigned, 0, 32)})
	kernel.Add(btf.Type{Kind: btf.Ptr, Ref: integer})
	data, err := btf.Encode(kernel, binary.LittleEndian, nil, false)
	if err != nil {
		log.Fatal(err)
	}
	blob, err := btf.Parse(data, nil)
	if err != nil {
		log.Fatal(err)
	}

	// A unit of a module: int *, and int **, which the kernel lacks.
	unit := btf.NewTable(1, nil)
	i := unit.Add(btf.Type{Kind: btf.Int, Name: unit.Strings.InternString("int"), Size: 4, Extra: btf.IntData(btf.IntSigned, 0, 32)})
	p := unit.Add(btf.Type{Kind: btf.Ptr, Ref: i})
	unit.Add(btf.Type{Kind: btf.Ptr, Ref: p})

	d := dedup.New(true)
	w := d.NewWorker(unit.Strings)
	refs, err := w.Add(0, unit, len(unit.Types))
	if err != nil {
		log.Fatal(err)
	}
	refs = append([]dedup.Ref(nil), refs...) // valid until the next Add
	maps, err := d.Merge(w)
	if err != nil {
		log.Fatal(err)
	}
	result, err := d.Resolve(dedup.NewBase(blob))
	if err != nil {
		log.Fatal(err)
	}
	for n, ref := range refs[1:] {
		id, err := result.ID(0, maps[0].Ref(ref))
		if err != nil {
			log.Fatal(err)
		}
		fmt.Printf("type %d of the unit is type %d, the module's own: %t\n", n+1, id, result.Table().Own(id))
	}
	// Output:
	// type 1 of the unit is type 1, the module's own: false
	// type 2 of the unit is type 2, the module's own: false
	// type 3 of the unit is type 3, the module's own: true
}
