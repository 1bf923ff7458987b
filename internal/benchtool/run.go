package main

import (
	"cmp"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"
)

// A sample is what one run took. CPU time and memory include processes that the
// command started and waited for; the peak is that of the largest one.
type sample struct {
	wall, cpu time.Duration
	peak      int64 // bytes
	bytes     int64 // size of {out}, 0 without
}

// run runs a command once, in a directory that it may use for its files.
func run(command []string, dir string) (sample, error) {
	args := slices.Clone(command)
	out := filepath.Join(dir, "out")
	if err := os.RemoveAll(out); err != nil {
		return sample{}, err
	}
	for i, a := range args {
		args[i] = strings.ReplaceAll(a, "{out}", out)
		before, rest, ok := strings.Cut(args[i], "{copy:")
		if !ok {
			continue
		}
		file, after, _ := strings.Cut(rest, "}")
		to := filepath.Join(dir, filepath.Base(file))
		if err := copyFile(to, file); err != nil {
			return sample{}, err
		}
		args[i] = before + to + after
	}
	cmd := exec.Command(args[0], args[1:]...)
	var messages strings.Builder
	cmd.Stderr = &messages
	start := time.Now()
	err := cmd.Run()
	wall := time.Since(start)
	if err != nil {
		return sample{}, fmt.Errorf("%s: %w: %s", strings.Join(args, " "), err, strings.TrimSpace(messages.String()))
	}
	usage := cmd.ProcessState.SysUsage().(*syscall.Rusage)
	s := sample{wall: wall, cpu: cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime(), peak: usage.Maxrss * 1024}
	if info, err := os.Stat(out); err == nil {
		s.bytes = info.Size()
	}
	return s, nil
}

func copyFile(to, from string) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.Create(to)
	if err != nil {
		return err
	}
	if _, err := io.Copy(out, in); err != nil {
		out.Close()
		return err
	}
	return out.Close()
}

// median takes the median of each quantity by itself; with an even number of
// samples the lower of the two in the middle.
func median(samples []sample) sample {
	return sample{
		wall:  middle(samples, func(s sample) time.Duration { return s.wall }),
		cpu:   middle(samples, func(s sample) time.Duration { return s.cpu }),
		peak:  middle(samples, func(s sample) int64 { return s.peak }),
		bytes: middle(samples, func(s sample) int64 { return s.bytes }),
	}
}

func middle[T cmp.Ordered](samples []sample, of func(sample) T) T {
	values := make([]T, len(samples))
	for i, s := range samples {
		values[i] = of(s)
	}
	slices.Sort(values)
	var zero T
	if len(values) == 0 {
		return zero
	}
	return values[(len(values)-1)/2]
}
