package main

import (
	"encoding/binary"

	"mkbtf/btf"
)

// kernelFixtures are two kernels that read module BTF and relocate it, six.btf and
// seven.btf, for the scripts of check and relocate. Ids and strings are different in
// them. Modules know struct module, as the kernels have it, from their headers.
func kernelFixtures() (map[string][]byte, error) {
	files := map[string][]byte{}
	for name, first := range map[string]string{"six.btf": "", "seven.btf": "unsigned __int128"} {
		t := btf.NewTable(1, nil)
		s := t.Strings.InternString
		if first != "" {
			t.Add(btf.Type{Kind: btf.Int, Name: s(first), Size: 16, Extra: btf.IntData(0, 0, 128)})
		}
		i := t.Add(btf.Type{Kind: btf.Int, Name: s("int"), Size: 4, Extra: btf.IntData(btf.IntSigned, 0, 32)})
		t.Add(btf.Type{Kind: btf.Int, Name: s("long unsigned int"), Size: 8, Extra: btf.IntData(0, 0, 64)})
		t.Add(btf.Type{Kind: btf.Ptr, Ref: i})
		t.AddWith(btf.Type{Kind: btf.Struct, Name: s("module"), Size: 16}, []btf.Member{{Name: s("btf_data"), Type: i}, {Name: s("btf_base_data"), Type: i, Off: 64}})
		t.AddWith(btf.Type{Kind: btf.Struct, Name: s("btf"), Size: 8}, []btf.Member{{Name: s("base_id_map"), Type: i}})
		t.AddWith(btf.Type{Kind: btf.Enum, Size: 4}, []btf.Member{{Name: s("NR_BTF_KINDS"), Off: uint32(btf.NumKinds)}})
		raw, err := btf.Encode(t, binary.LittleEndian, nil, false)
		if err != nil {
			return nil, err
		}
		files[name] = raw
	}
	return files, nil
}
