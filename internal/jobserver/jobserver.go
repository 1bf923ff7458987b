package jobserver

import (
	"os"
	"os/signal"
	"runtime"
	"sync"
	"syscall"
)

// Tokens are jobs that the jobserver has granted.
type Tokens struct {
	// Jobs is how many jobs may run, at least one.
	Jobs int

	mu    sync.Mutex
	pipe  pipe
	taken []byte // one byte each, to be given back as they are
	quit  chan os.Signal
}

// pipe is the jobserver's pipe, opened anew so as not to change how others use it.
type pipe interface {
	// take takes a token if there is one at once.
	take() (token byte, ok bool)
	// give gives tokens back.
	give(tokens []byte)
	close()
}

// Acquire asks for up to want jobs, 0 meaning as many as there are processors, and
// takes what is free at the moment. Without a jobserver they are all granted. One
// job is always granted: make has counted it when it ran the program. If the
// jobserver cannot be reached it is the only one.
//
// Release must be called; if SIGINT, SIGTERM or SIGHUP ends the program before, the
// tokens are given back.
func Acquire(want int) *Tokens {
	if want <= 0 {
		want = runtime.GOMAXPROCS(0)
	}
	a := parseAuth(os.Getenv("MAKEFLAGS"))
	if !a.there {
		return &Tokens{Jobs: want}
	}
	t := &Tokens{Jobs: 1}
	if want == 1 {
		return t
	}
	if t.pipe = open(a); t.pipe == nil {
		return t
	}
	t.giveBackOnSignal()
	t.mu.Lock()
	defer t.mu.Unlock()
	for t.Jobs < want && t.pipe != nil {
		token, ok := t.pipe.take()
		if !ok {
			break
		}
		t.taken = append(t.taken, token)
		t.Jobs++
	}
	return t
}

// Release gives the tokens back. It may be called more than once.
func (t *Tokens) Release() {
	if t.quit != nil {
		signal.Stop(t.quit)
	}
	t.giveBack()
}

func (t *Tokens) giveBack() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.pipe == nil {
		return
	}
	t.pipe.give(t.taken)
	t.pipe.close()
	t.pipe, t.taken = nil, nil
}

// giveBackOnSignal keeps tokens from getting lost, which would make the rest of the
// build slower, when the user interrupts it. The signal then does what it does
// without this.
func (t *Tokens) giveBackOnSignal() {
	t.quit = make(chan os.Signal, 1)
	signal.Notify(t.quit, os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	go func() {
		s := <-t.quit
		t.giveBack()
		signal.Stop(t.quit) // others who watch for the signal do the same; the last one lets it through
		if p, err := os.FindProcess(os.Getpid()); err == nil {
			_ = p.Signal(s)
		}
	}()
}
