package readme

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

const root = "../.."

var fenced = regexp.MustCompile("(?ms)^```sh\n(.*?)^```$")

// TestCommands runs the commands of README.md in order, each as it stands there.
// Only "make test" is not run, since it is what runs this test.
func TestCommands(t *testing.T) {
	readme, err := os.ReadFile(filepath.Join(root, "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	ran := 0
	for _, block := range fenced.FindAllStringSubmatch(string(readme), -1) {
		for line := range strings.Lines(block[1]) {
			line = strings.TrimSpace(line)
			if line == "make test" {
				line = "make -n test"
				if _, err := exec.LookPath("make"); err != nil {
					t.Log("make is not installed: make test is not checked")
					continue
				}
			}
			cmd := exec.Command("sh", "-c", line)
			cmd.Dir = root
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Fatalf("$ %s\n%s%v", line, out, err)
			}
			ran++
		}
	}
	if ran < 3 {
		t.Errorf("ran %d commands, README.md has more", ran)
	}
}

var link = regexp.MustCompile(`\]\(([^)#:]+)\)`)

// TestLinks checks that files that README.md refers to exist.
func TestLinks(t *testing.T) {
	readme, err := os.ReadFile(filepath.Join(root, "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range link.FindAllStringSubmatch(string(readme), -1) {
		if _, err := os.Stat(filepath.Join(root, m[1])); err != nil {
			t.Error(err)
		}
	}
}
