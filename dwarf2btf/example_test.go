package dwarf2btf_test

import (
	"fmt"
	"log"

	"mkbtf/btf"
	"mkbtf/dwarf2btf"
	"mkbtf/internal/object"
)

// The types of each unit of a module, as its DWARF has them: the same header gives the
// same types in every unit that includes it. Package dedup makes one of them.
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
	w := c.NewWorker() // a goroutine would have one of its own
	for i := range c.Len() {
		u, err := w.Convert(i)
		if err != nil {
			log.Fatal(err)
		}
		if u == nil {
			continue // a language that is left out
		}
		fmt.Printf("%s: %d types, %d functions\n", u.Name, len(u.Table.Types), len(u.Functions))
		for j := range u.Table.Types {
			t := &u.Table.Types[j]
			if t.Kind != btf.Struct || u.Table.Name(t.Name) != "hello_message" {
				continue
			}
			for _, m := range u.Table.MembersOf(t) {
				fmt.Printf("\t%s at bit %d, type %d\n", u.Table.Name(m.Name), m.Off, m.Type)
			}
		}
	}
	// Output:
	// /src/hello.c: 1485 types, 8 functions
	// 	link at bit 0, type 81
	// 	time at bit 128, type 35
	// 	writer at bit 192, type 59
	// 	urgency at bit 224, type 1457
	// 	truncated at bit 232, type 33
	// 	length at bit 233, type 33
	// 	text at bit 256, type 405
	// /src/hello.mod.c: 1334 types, 0 functions
	// /usr/src/linux-headers-6.12.117+deb12-common/scripts/module-common.c: 40 types, 0 functions
}

// Which functions a tracer can trust is known when all units are: one name can have
// code in several, or in none.
func ExampleSelectFunctions() {
	f, err := object.Open("../testdata/obj/x86_64-gcc-dwarf5/scopes.ko")
	if err != nil {
		log.Fatal(err)
	}
	defer f.Close()
	src, err := f.Source()
	if err != nil {
		log.Fatal(err)
	}
	o := dwarf2btf.DefaultOptions()
	o.Explain = true
	c, err := dwarf2btf.New(src, o)
	if err != nil {
		log.Fatal(err)
	}
	w := c.NewWorker()
	var all []dwarf2btf.Candidate
	for i := range c.Len() {
		u, err := w.Convert(i)
		if err != nil {
			log.Fatal(err)
		}
		if u != nil {
			all = u.AppendCandidates(all, i)
		}
	}
	for _, s := range dwarf2btf.SelectFunctions(c.Symbols(), all, dwarf2btf.SelectOptions{Consistent: true}) {
		if name := c.Symbols().Name(int(s.Group)); s.Written() {
			fmt.Println(name)
		} else {
			fmt.Printf("%s: left out: %s\n", name, s.Reason)
		}
	}
	// Output:
	// unit_a_entry
	// aliased
	// stays_weak
	// overridden
	// same_prototype: left out: ambiguous address
	// same_name: left out: ambiguous address
	// unit_b_entry
	// exported_by_b
	// opt_third_entry
	// opt_other_entry
	// opt_entry
	// opt_inlined_and_kept
	// opt_cold_path
	// opt_unused: left out: optimized-out parameters
	// opt_by_field: left out: optimized-out parameters
	// opt_constant: left out: optimized-out parameters
}
