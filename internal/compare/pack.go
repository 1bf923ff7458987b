package compare

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/debug"
	"strconv"
	"strings"

	"github.com/klauspost/compress/zstd"

	"mkbtf/internal/compress"
)

// Values of Compression.Method.
const (
	methodNone = "none"
	methodZstd = "zstd"
	methodXZ   = "xz"
)

// Methods are the values that Options.Compress can have.
var Methods = []string{methodZstd, methodXZ, methodNone}

// packer compresses files, each by itself.
type packer interface {
	// sizes returns the size of each of the files after compression.
	sizes(ctx context.Context, files [][]byte) ([]int64, error)
	// describe says what does it, with version and level.
	describe() string
	// with returns the same with a dictionary, in the format of zstd.
	with(dictionary []byte) packer
}

// newPacker finds what compresses by a method: the system's program if there is one, else a
// library. nil for methodNone.
func newPacker(method string) (packer, error) {
	switch method {
	case methodNone:
		return nil, nil
	case methodZstd:
		if p := findProgram("zstd", ".zst", "-19"); p != nil {
			p.always = []string{"-q", "-f", "--no-progress"}
			return p, nil
		}
		return library{method: compress.Zstd, name: "github.com/klauspost/compress", level: "best level"}, nil
	case methodXZ:
		// As kbuild compresses modules (scripts/Makefile.modinst).
		if p := findProgram("xz", ".xz", "--check=crc32", "--lzma2=dict=1MiB"); p != nil {
			p.always = []string{"-q", "-k", "-f", "-T1"}
			return p, nil
		}
		return library{method: compress.XZ, name: "github.com/ulikunitz/xz", level: "crc32, dictionary 1 MiB"}, nil
	}
	return nil, fmt.Errorf("unknown compression %q: want %s", method, strings.Join(Methods, ", "))
}

// program compresses by the system's zstd or xz.
type program struct {
	path, name, version string
	suffix              string
	level, always       []string
	dictionary          []byte
}

// findProgram returns nil if the program is not there or does not tell its version.
func findProgram(name, suffix string, level ...string) *program {
	path, err := exec.LookPath(name)
	if err != nil {
		return nil
	}
	out, err := exec.Command(path, "--version").Output()
	if err != nil {
		return nil
	}
	version := ""
	for _, word := range strings.Fields(string(out)) {
		word = strings.Trim(word, "v,")
		if word != "" && word[0] >= '0' && word[0] <= '9' && strings.Contains(word, ".") {
			version = word
			break
		}
	}
	return &program{path: path, name: name, version: version, suffix: suffix, level: level}
}

func (p *program) describe() string {
	return strings.Join(append([]string{p.name, p.version}, p.level...), " ")
}

func (p *program) with(dictionary []byte) packer {
	q := *p
	q.dictionary = dictionary
	return &q
}

// sizes hands all files to one run of the program.
func (p *program) sizes(ctx context.Context, files [][]byte) ([]int64, error) {
	dir, err := os.MkdirTemp("", "mkbtf-compare-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	args := append(append([]string{}, p.level...), p.always...)
	if p.dictionary != nil {
		if err := os.WriteFile(filepath.Join(dir, "dictionary"), p.dictionary, 0o600); err != nil {
			return nil, err
		}
		args = append(args, "-D", "dictionary")
	}
	for i, data := range files {
		name := strconv.Itoa(i)
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
			return nil, err
		}
		args = append(args, name)
	}
	cmd := exec.CommandContext(ctx, p.path, args...)
	cmd.Dir = dir
	var said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &said, &said
	if err := cmd.Run(); err != nil {
		return nil, fmt.Errorf("%s: %w: %s", p.describe(), err, bytes.TrimSpace(said.Bytes()))
	}
	sizes := make([]int64, len(files))
	for i := range files {
		st, err := os.Stat(filepath.Join(dir, strconv.Itoa(i)+p.suffix))
		if err != nil {
			return nil, fmt.Errorf("%s: wrote no output: %w", p.describe(), err)
		}
		sizes[i] = st.Size()
	}
	return sizes, nil
}

// library compresses in this process.
type library struct {
	method      compress.Method
	name, level string
	dictionary  []byte
}

func (l library) describe() string { return l.name + moduleVersion(l.name) + " " + l.level }

func (l library) with(dictionary []byte) packer {
	l.dictionary = dictionary
	return l
}

func (l library) sizes(ctx context.Context, files [][]byte) ([]int64, error) {
	pack := func(data []byte) ([]byte, error) { return compress.Pack(l.method, data) }
	if l.dictionary != nil {
		e, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedBestCompression), zstd.WithEncoderDict(l.dictionary), zstd.WithEncoderConcurrency(1))
		if err != nil {
			return nil, err
		}
		defer e.Close()
		pack = func(data []byte) ([]byte, error) { return e.EncodeAll(data, nil), nil }
	}
	sizes := make([]int64, len(files))
	for i, data := range files {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		out, err := pack(data)
		if err != nil {
			return nil, err
		}
		sizes[i] = int64(len(out))
	}
	return sizes, nil
}

// moduleVersion is the version of a Go module that is built in, with a space before it.
func moduleVersion(path string) string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return ""
	}
	for _, m := range info.Deps {
		if m.Path == path {
			return " " + m.Version
		}
	}
	return ""
}
