// Package dedup turns the types of many compilation units into one table in
// which every distinct type stands once, with or without a base BTF. It knows
// nothing of DWARF: a unit is a btf.Table whose references are ids of that table.
//
// # How types are identified
//
// Types are hash-consed: a type becomes a node, two types with the same content
// become the same node. A reference to a struct, union or enum that has a tag
// (a name) does not follow the type but stands for (kind, name), an anchor. In C
// every cycle of types passes through a tag, so that content is finite and one
// pass over a unit is enough; comparing is exact, the hash only finds candidates.
//
// A name that all units define alike, or only declare, needs no more. Otherwise
// these rules hold; "sees" means that the unit's own DWARF holds the definition:
//
//  1. A type belongs to the definition that its own unit sees.
//  2. A tagged type is one type for all units that hold it and agree on the names
//     that none of them leaves open, that is, only declares. What a unit leaves
//     open does not divide types: its reference leads to the definition of the
//     first of those units that has one; if none has, to that of rule 4.
//  3. Tagged types that are alike but for references to names on which the units
//     disagree are different types; this may make further names ambiguous
//     (refine.go, relabel.go).
//  4. A reference to a name that its unit only declares leads to the definition
//     in the base (the one with the lowest id), else to the first definition in
//     the order of units, else to a FWD.
//
// # Against a base
//
// A tagged type whose content equals that of a type in the base, names standing
// for what they point to, is the base's type: its pointers lead where the base's
// lead. Types held by value must be the base's too. Everything else (pointers,
// arrays, typedefs, prototypes, anonymous types) is the base's type only if what
// it refers to is. FUNCs never come from the base: fentry and kfuncs look for
// them in the module.
//
// What only one side has and no consumer can observe does not tell a type from
// that of the base: type tags, the index type of arrays, whether several dimensions
// are one ARRAY of all elements or ARRAYs of ARRAYs, the signedness flag of an enum
// with the same values, names of parameters in pointers to functions.
package dedup
