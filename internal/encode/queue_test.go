package encode

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// TestQueue checks that large files come first, and that no more are busy than the limit
// allows, but always one.
func TestQueue(t *testing.T) {
	dir := t.TempDir()
	var paths []string
	for _, f := range []struct {
		name string
		size int64
	}{{"small.ko", 1 << 10}, {"large.ko", 64 << 20}, {"mid.ko", 16 << 20}, {"packed.ko.xz", 6 << 20}} {
		path := filepath.Join(dir, f.name)
		if err := os.WriteFile(path, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Truncate(path, f.size); err != nil {
			t.Fatal(err)
		}
		paths = append(paths, path)
	}
	paths = append(paths, filepath.Join(dir, "missing.ko"))
	all := func(q *queue) (order []int) {
		for {
			i, done := q.take()
			if done == nil {
				return order
			}
			order = append(order, i)
			done()
		}
	}
	if got, want := all(newQueue(paths, 1)), []int{3, 1, 2, 0, 4}; !slices.Equal(got, want) {
		t.Errorf("order %v, want %v", got, want)
	}

	q := newQueue(paths, memoryFor(paths[3])+memoryFor(paths[0]))
	first, done := q.take()
	second, _ := q.take()
	if first != 3 || second != 0 {
		t.Fatalf("%d and %d are taken, want 3 and, since nothing else fits, 0", first, second)
	}
	waited := make(chan int)
	go func() {
		i, _ := q.take()
		waited <- i
	}()
	select {
	case i := <-waited:
		t.Errorf("%d is taken beside them", i)
	default:
	}
	done()
	if i := <-waited; i != 1 {
		t.Errorf("%d is taken then, want 1", i)
	}
	if q := newQueue(paths, 0); q.limit <= 0 {
		t.Errorf("no limit by default: %d", q.limit)
	}
}
