package dump

import (
	"testing"

	"mkbtf/internal/dump/dumptest"
)

// compilers are those at hand, by the size of pointers of the machine that they compile for.
func compilers(t *testing.T, pointer int) [][]string {
	t.Helper()
	all := [][]string{
		{"gcc"},
		{"gcc", "-std=gnu2x"},
		{"clang"},
		{"clang", "-target", "bpf"},
		{"aarch64-linux-gnu-gcc"},
		{"powerpc64le-linux-gnu-gcc"},
		{"riscv64-linux-gnu-gcc"},
		{"s390x-linux-gnu-gcc"},
	}
	if pointer == 4 {
		all = [][]string{
			{"i686-linux-gnu-gcc"},
			{"arm-linux-gnueabihf-gcc"},
			{"clang", "-m32"},
			{"clang", "-target", "arm-linux-gnueabihf"},
			{"clang", "-target", "mips-linux-gnu"},
		}
	}
	var list [][]string
	for _, cc := range all {
		if cc[0] = dumptest.Compiler(cc[0]); cc[0] != "" {
			list = append(list, cc)
		}
	}
	if list == nil {
		t.Skip("no C compiler is installed")
	}
	return list
}

// compile has a compiler check a header, all warnings being errors.
func compile(t *testing.T, cc []string, name string, header []byte) {
	t.Helper()
	if err := dumptest.Check(cc, header); err != nil {
		t.Errorf("%s: %v", name, err)
	}
}
