// Package dwarftest builds small debug sections for tests: any tag, attribute
// and form, versions 2 to 5, 32 and 64 bit format, either byte order.
package dwarftest
