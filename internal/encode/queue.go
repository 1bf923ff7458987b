package encode

import (
	"cmp"
	"os"
	"slices"
	"sync"

	"mkbtf/internal/compress"
)

// queue hands out the files of a batch: large ones first, so that none is left to the
// end alone, and at one time no more than memory allows.
type queue struct {
	mu      sync.Mutex
	changed sync.Cond
	files   []queuedFile
	limit   int64 // of need, in bytes
	busy    int64
	running int
}

type queuedFile struct {
	index int
	need  int64
}

// memoryFor estimates what encoding a file takes in memory, in bytes: what was measured on
// modules from 0.5 to 600 MB, rounded up. Files are mapped, not read, and pages that were
// used are given back; compressed ones are unpacked into memory.
func memoryFor(path string) int64 {
	need := int64(8 << 20)
	if st, err := os.Stat(path); err == nil {
		if compress.PlainName(path) == path {
			need += st.Size() / 2
		} else {
			need += st.Size() * 8
		}
	}
	return need
}

// newQueue makes a queue of files for a limit in bytes, 0: half of the memory that the
// machine has available.
func newQueue(paths []string, limit int64) *queue {
	if limit == 0 {
		limit = availableMemory() / 2
	}
	q := &queue{limit: limit, files: make([]queuedFile, len(paths))}
	q.changed.L = &q.mu
	for i, path := range paths {
		q.files[i] = queuedFile{i, memoryFor(path)}
	}
	slices.SortStableFunc(q.files, func(a, b queuedFile) int { return cmp.Compare(b.need, a.need) })
	return q
}

// take waits until there is memory for the next file that fits. The file is done when
// done is called, which is nil if there are no more files. A file that is too large for
// the limit is encoded alone.
func (q *queue) take() (index int, done func()) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for {
		if len(q.files) == 0 {
			return 0, nil
		}
		i := slices.IndexFunc(q.files, func(f queuedFile) bool { return q.running == 0 || q.limit <= 0 || q.busy+f.need <= q.limit })
		if i < 0 {
			q.changed.Wait()
			continue
		}
		f := q.files[i]
		q.files = slices.Delete(q.files, i, i+1)
		q.busy += f.need
		q.running++
		return f.index, func() {
			q.mu.Lock()
			defer q.mu.Unlock()
			q.busy -= f.need
			q.running--
			q.changed.Broadcast()
		}
	}
}
