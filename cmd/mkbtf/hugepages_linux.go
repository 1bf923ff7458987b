package main

import (
	"os"
	"runtime"
	"syscall"
)

const (
	// manyPages is the size from which on a file makes the heap grow by so much that the
	// system need not give it page by page.
	manyPages = 64 << 20
	heapAhead = 64 << 20
)

// prepareHeap asks for large pages where the heap will grow, if a file is large: there
// are fewer page faults then, and fewer misses of address translation. It is a hint that
// the system may ignore.
func prepareHeap(files []string) {
	for _, file := range files {
		if st, err := os.Stat(file); err == nil && st.Size() >= manyPages {
			adviseHeap(heapAhead)
			return
		}
	}
}

// adviseHeap takes n bytes of address space for the heap, none of memory, and gives them
// back to it with the advice.
func adviseHeap(n int) {
	room := make([]byte, n)
	_ = syscall.Madvise(room, syscall.MADV_HUGEPAGE)
	runtime.KeepAlive(room)
	runtime.GC()
}
