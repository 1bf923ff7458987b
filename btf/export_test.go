package btf

import (
	"encoding/binary"
	"testing"
)

// SampleForFuzz is BTF with a type of every kind.
func SampleForFuzz(tb testing.TB, big bool) []byte {
	tb.Helper()
	order := Order(binary.LittleEndian)
	if big {
		order = binary.BigEndian
	}
	data, err := Encode(sample(), order, nil, false)
	if err != nil {
		tb.Fatal(err)
	}
	return data
}
