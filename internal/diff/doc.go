// Package diff compares two BTFs by what they mean, whatever the ids, the order
// of the types and the layout of the strings.
//
// # What is compared
//
// A blob's own types are compared; those of its base are what they lead to. A
// named type (INT, FLOAT, STRUCT, UNION, ENUM, ENUM64, FWD, TYPEDEF, FUNC, VAR and
// DATASEC with a name) is looked for in the other blob by kind and name, and
// then held against it member by member. A reference to a named type is
// compared by the name it leads to, so that one changed type is one difference
// and not also one of everything that leads to it. Where a name has several
// definitions in one scope, references are also compared by which definition
// they lead to.
//
// All other types have no name to be found by. They count in place, as part of
// the named types that hold them, and once more as a multiset of contents: three
// times "const char *" on one side and once on the other is a difference, since it
// shows types that dedup should have merged.
//
// Two things that leave the meaning alone are told apart from the rest: that a
// reference leads to an own type here and to a type of the base there
// (OwnCopyA, OwnCopyB, Origin), and that it leads to a forward declaration here
// and to a definition there (Forward).
//
// # Limits
//
// Contents are compared as 64 bit hashes with a key that is drawn anew in each
// process: two different types count as equal with a probability of 2^-64 for each
// pair. The types of two different bases are compared by kind and name only, unless
// the name has several definitions; compare the bases themselves to know more. A
// cycle of references that passes no named type, which C cannot express, is
// compared by what stands in the type where it closes.
package diff
