package jobserver

import (
	"strconv"
	"strings"
)

// auth is how make lets its children reach the jobserver.
type auth struct {
	// fifo is a named pipe (since GNU make 4.4); "" if the pipe is inherited.
	fifo string
	// read and write are the inherited ends of a pipe; negative if make has not
	// passed them on, because it does not take the program for another make.
	read, write int
	// there reports whether there is a jobserver at all.
	there bool
}

// parseAuth reads MAKEFLAGS. Of several jobservers the last counts. GNU make before
// 4.2 calls it --jobserver-fds.
func parseAuth(makeflags string) auth {
	a := auth{read: -1, write: -1}
	for word := range strings.FieldsSeq(makeflags) {
		if word == "--" { // variables follow
			break
		}
		value, ok := strings.CutPrefix(word, "--jobserver-auth=")
		if !ok {
			if value, ok = strings.CutPrefix(word, "--jobserver-fds="); !ok {
				continue
			}
		}
		a = auth{read: -1, write: -1, there: true}
		if path, ok := strings.CutPrefix(value, "fifo:"); ok {
			a.fifo = path
			continue
		}
		r, w, _ := strings.Cut(value, ",")
		if n, err := strconv.Atoi(r); err == nil {
			a.read = n
		}
		if n, err := strconv.Atoi(w); err == nil {
			a.write = n
		}
	}
	return a
}
