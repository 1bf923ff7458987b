package btfids

import "mkbtf/btf"

// Types lists the structs, unions and typedefs whose ids are wanted, those in sets
// included, some perhaps several times.
func (s *Section) Types() []ID {
	var types []ID
	add := func(id ID) {
		if id.Kind != btf.Func {
			types = append(types, id)
		}
	}
	for _, id := range s.singles {
		add(id)
	}
	for i := range s.sets {
		for _, item := range s.sets[i].Items {
			add(item.ID)
		}
	}
	return types
}
