package encode

import (
	"bytes"
	"os"
	"strconv"
	"strings"
)

// availableMemory is the memory in bytes that can be had without swapping: MemAvailable,
// or what the limit of the control group leaves if that is less. 0 if it is not known.
func availableMemory() int64 {
	available := int64(0)
	data, _ := os.ReadFile("/proc/meminfo")
	for line := range bytes.Lines(data) {
		if f := strings.Fields(string(line)); len(f) > 1 && f[0] == "MemAvailable:" {
			if n, err := strconv.ParseInt(f[1], 10, 54); err == nil {
				available = n << 10
			}
		}
	}
	number := func(path string) (int64, bool) {
		data, err := os.ReadFile(path)
		if err != nil {
			return 0, false
		}
		n, err := strconv.ParseInt(strings.TrimSpace(string(data)), 10, 64)
		return n, err == nil
	}
	if limit, ok := number("/sys/fs/cgroup/memory.max"); ok {
		used, _ := number("/sys/fs/cgroup/memory.current")
		if free := max(1, limit-used); available == 0 || free < available {
			available = free
		}
	}
	return available
}
