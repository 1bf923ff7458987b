package dwarf2btf

import "fmt"

type registers struct{}

func (registers) name(n uint64) string { return fmt.Sprintf("r%d", n) }
