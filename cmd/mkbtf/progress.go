package main

import (
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// progressLine is a line on a terminal that tells how far something is. Elsewhere it
// writes nothing.
type progressLine struct {
	w     io.Writer // nil: no terminal
	start time.Time

	mu   sync.Mutex
	last time.Time
}

func newProgressLine(w io.Writer) *progressLine {
	p := &progressLine{start: time.Now()}
	if f, ok := w.(*os.File); ok {
		if _, err := unix.IoctlGetWinsize(int(f.Fd()), unix.TIOCGWINSZ); err == nil {
			p.w = w
		}
	}
	return p
}

// show replaces the line, not too often: so many of all are done, and share, from 0 to 1,
// of the work.
func (p *progressLine) show(done, all int, what string, share float64) {
	if p.w == nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	now := time.Now()
	if now.Sub(p.last) < 200*time.Millisecond && done < all {
		return
	}
	p.last = now
	fmt.Fprintf(p.w, "\r%s\033[K", progressText(done, all, what, share, now.Sub(p.start)))
}

// progressText is the line after some time.
func progressText(done, all int, what string, share float64, elapsed time.Duration) string {
	text := fmt.Sprintf("%d of %d %s, %.0f%%", done, all, what, share*100)
	if share > 0.01 && share < 1 && elapsed > time.Second {
		left := time.Duration(float64(elapsed) * (1 - share) / share)
		text += fmt.Sprintf(", %s left", left.Round(time.Second))
	}
	return text
}

// clear takes the line away.
func (p *progressLine) clear() {
	if p.w != nil {
		fmt.Fprint(p.w, "\r\033[K")
	}
}
