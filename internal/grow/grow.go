// Package grow makes room in slices of numbers that become large. Unlike append and
// slices.Grow it does not clear the room: pages of it that are never used are never
// taken from the system.
package grow

// Room returns list with room for n more elements. It is twice as long then as it was, if
// there was too little: append alone would copy a large list more often.
func Room[T any](list []T, n int) []T {
	if n <= cap(list)-len(list) {
		return list
	}
	more := make([]T, len(list), len(list)+max(n, len(list)))
	copy(more, list)
	return more
}

// Extend returns list with at least n elements; those that it did not have are 0.
func Extend[T any](list []T, n int) []T {
	old := len(list)
	switch {
	case n <= old:
	case n <= cap(list):
		list = list[:n]
		clear(list[old:])
	default:
		more := make([]T, max(n, 2*old))
		copy(more, list)
		list = more
	}
	return list
}

// Scratch returns a slice of n elements with any content, in the memory of list if that
// is large enough.
func Scratch[T any](list []T, n int) []T {
	if n <= cap(list) {
		return list[:n]
	}
	return make([]T, n, n+n/4)
}
