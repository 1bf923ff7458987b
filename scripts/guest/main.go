// Command guest runs inside the virtual machine of scripts/qemu.sh. It inserts a
// kernel module with finit_module(2), which can be told to ignore modversions and
// vermagic, and says what the kernel made of the module's BTF.
//
//	guest [-f] [-z] FILE [PARAMETERS]
//
// With -z FILE is compressed, and the kernel shall unpack it.
//
// It prints two lines:
//
//	insmod NAME ok                  or   insmod NAME ERRNO (message)
//	btf NAME SIZE SHA256            or   btf NAME none
package main

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"

	"mkbtf/internal/object"
)

func main() {
	force := flag.Bool("f", false, "ignore modversions and vermagic")
	packed := flag.Bool("z", false, "the file is compressed")
	flag.Parse()
	flags := 0
	if *force {
		flags = unix.MODULE_INIT_IGNORE_MODVERSIONS | unix.MODULE_INIT_IGNORE_VERMAGIC
	}
	if *packed {
		flags |= unix.MODULE_INIT_COMPRESSED_FILE
	}
	if err := run(flag.Arg(0), strings.Join(flag.Args()[min(1, flag.NArg()):], " "), flags); err != nil {
		fmt.Printf("error %v\n", err)
		os.Exit(1)
	}
}

func run(file, parameters string, flags int) error {
	f, err := os.Open(file)
	if err != nil {
		return err
	}
	defer f.Close()
	name, err := moduleName(file)
	if err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	switch err := unix.FinitModule(int(f.Fd()), parameters, flags); {
	case err == nil:
		fmt.Printf("insmod %s ok\n", name)
	default:
		var errno syscall.Errno
		errors.As(err, &errno)
		fmt.Printf("insmod %s %d (%v)\n", name, uint(errno), err)
	}
	data, err := os.ReadFile(filepath.Join("/sys/kernel/btf", name))
	switch {
	case errors.Is(err, fs.ErrNotExist):
		fmt.Printf("btf %s none\n", name)
	case err != nil:
		return err
	default:
		fmt.Printf("btf %s %d %x\n", name, len(data), sha256.Sum256(data))
	}
	return nil
}

// moduleName is the name= entry of the module's .modinfo section, which is what
// the kernel calls the module, whatever its file is called.
func moduleName(file string) (string, error) {
	f, err := object.Open(file)
	if err != nil {
		return "", err
	}
	defer f.Close()
	data, err := f.DataOf(".modinfo")
	if err != nil {
		return "", err
	}
	for entry := range bytes.SplitSeq(data, []byte{0}) {
		if name, ok := bytes.CutPrefix(entry, []byte("name=")); ok {
			return string(name), nil
		}
	}
	return "", errors.New("no name in .modinfo")
}
