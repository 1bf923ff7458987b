// Package golden holds no code, only tests: what mkbtf makes of every object in
// testdata/obj is compared with golden files, with what the compiler that built
// the object says about the same source, and with the reference encoder.
package golden
