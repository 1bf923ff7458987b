package jobserver

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// TestMain is also the program that make runs in TestMake.
func TestMain(m *testing.M) {
	if os.Getenv("MKBTF_TEST_JOBS") != "" {
		t := Acquire(4)
		fmt.Println("jobs", t.Jobs)
		t.Release()
		// all that was taken is free again
		again := Acquire(4)
		fmt.Println("again", again.Jobs)
		again.Release()
		return
	}
	os.Exit(m.Run())
}

func TestParseAuth(t *testing.T) {
	none := auth{read: -1, write: -1}
	tests := []struct {
		name, makeflags string
		want            auth
	}{
		{"no make", "", none},
		{"make without -j", " -k", none},
		{"pipe", " -j8 --jobserver-auth=3,4", auth{read: 3, write: 4, there: true}},
		{"before 4.2", " --jobserver-fds=5,6 -j", auth{read: 5, write: 6, there: true}},
		{"fifo", " -j8 --jobserver-auth=fifo:/tmp/GMfifo12", auth{fifo: "/tmp/GMfifo12", read: -1, write: -1, there: true}},
		{"not passed on", " -j8 --jobserver-auth=-2,-2", auth{read: -2, write: -2, there: true}},
		{"the last one counts", " --jobserver-auth=3,4 --jobserver-auth=7,8", auth{read: 7, write: 8, there: true}},
		{"a variable of that name", " -k -- --jobserver-auth=3,4", none},
		{"no numbers", " --jobserver-auth=x", auth{read: -1, write: -1, there: true}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := parseAuth(tt.makeflags); got != tt.want {
				t.Errorf("got %+v, want %+v", got, tt.want)
			}
		})
	}
}

func TestWithoutMake(t *testing.T) {
	t.Setenv("MAKEFLAGS", "")
	for want, n := range map[int]int{0: runtime.GOMAXPROCS(0), 1: 1, 5: 5} {
		tokens := Acquire(want)
		if tokens.Jobs != n {
			t.Errorf("Acquire(%d): %d jobs, want %d", want, tokens.Jobs, n)
		}
		tokens.Release()
	}
}

func TestUnreachable(t *testing.T) {
	file := filepath.Join(t.TempDir(), "no-pipe")
	if err := os.WriteFile(file, []byte("++++"), 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for _, flags := range []string{
		"--jobserver-auth=-2,-2",
		"--jobserver-auth=98,99",
		fmt.Sprintf("--jobserver-auth=%d,%[1]d", f.Fd()),
		"--jobserver-auth=fifo:" + file,
		"--jobserver-auth=fifo:" + file + "-absent",
	} {
		t.Setenv("MAKEFLAGS", " -j8 "+flags)
		tokens := Acquire(8)
		if tokens.Jobs != 1 {
			t.Errorf("%s: %d jobs, want 1", flags, tokens.Jobs)
		}
		tokens.Release()
	}
}

// TestMake runs the program below a real make.
func TestMake(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("the jobserver is only used on Linux")
	}
	mk, err := exec.LookPath("make")
	if err != nil {
		t.Skip("make is not installed")
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	styles := []string{"pipe"}
	if help, _ := exec.Command(mk, "--help").Output(); bytes.Contains(help, []byte("--jobserver-style")) {
		styles = append(styles, "fifo")
	} else {
		t.Log("this make knows no fifo: see TestFifo")
	}
	for _, style := range styles {
		for _, tt := range []struct {
			jobs, recipe string
			want         string
		}{
			{"", "+", "jobs 4 again 4"},
			{"-j1", "+", "jobs 4 again 4"}, // no jobserver: one recipe at a time, what it does is its own affair
			{"-j2", "+", "jobs 2 again 2"},
			{"-j3", "+", "jobs 3 again 3"},
			{"-j9", "+", "jobs 4 again 4"},
			{"-j9", "", map[string]string{"pipe": "jobs 1 again 1", "fifo": "jobs 4 again 4"}[style]},
		} {
			t.Run(style+tt.jobs+tt.recipe, func(t *testing.T) {
				args := []string{"-s", "-f", "-"}
				if tt.jobs != "" {
					args = append(args, tt.jobs)
					if len(styles) > 1 {
						args = append(args, "--jobserver-style="+style)
					}
				}
				cmd := exec.Command(mk, args...)
				cmd.Stdin = strings.NewReader("all:\n\t" + tt.recipe + "@" + self + "\n")
				cmd.Env = append(os.Environ(), "MKBTF_TEST_JOBS=1", "MAKEFLAGS=", "MAKELEVEL=")
				out, err := cmd.CombinedOutput()
				if err != nil {
					t.Fatalf("%v\n%s", err, out)
				}
				if got := strings.Join(strings.Fields(string(out)), " "); got != tt.want {
					t.Errorf("got %q, want %q", got, tt.want)
				}
			})
		}
	}
}
