// Package keep cuts a table of types down to what its user asked for: some types in
// full with what they hold, and of what these only point to no more than names and
// sizes.
package keep
