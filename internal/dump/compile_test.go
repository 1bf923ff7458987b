package dump

import (
	"bytes"
	"os/exec"
	"testing"
)

// compilers are those at hand for machines with 64 bit pointers.
func compilers(t *testing.T) [][]string {
	t.Helper()
	var list [][]string
	for _, cc := range [][]string{
		{"gcc"},
		{"gcc", "-std=gnu2x"},
		{"clang"},
		{"clang", "-target", "bpf"},
		{"aarch64-linux-gnu-gcc"},
		{"powerpc64le-linux-gnu-gcc"},
		{"riscv64-linux-gnu-gcc"},
		{"s390x-linux-gnu-gcc"},
	} {
		if haveCompiler(cc) {
			list = append(list, cc)
		}
	}
	if list == nil {
		t.Skip("no C compiler is installed")
	}
	return list
}

func haveCompiler(cc []string) bool {
	_, err := exec.LookPath(cc[0])
	return err == nil
}

// compile has a compiler check a header, all warnings being errors.
func compile(t *testing.T, cc []string, name string, header []byte) {
	t.Helper()
	args := append(cc[1:len(cc):len(cc)], "-fsyntax-only", "-Wall", "-Werror", "-x", "c", "-")
	cmd := exec.Command(cc[0], args...)
	cmd.Stdin = bytes.NewReader(header)
	if out, err := cmd.CombinedOutput(); err != nil {
		if len(out) > 3000 {
			out = out[:3000]
		}
		t.Errorf("%s: %v: %v\n%s", name, cc, err, out)
	}
}
