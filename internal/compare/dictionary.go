package compare

import (
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/fnv"
	"path/filepath"
	"slices"

	"github.com/klauspost/compress/zstd"

	"mkbtf/internal/compress"
)

// DefaultDictionary is the largest size of a dictionary in bytes that is made unless
// another one is asked for: that of zstd --train.
const DefaultDictionary = 112640

// LeastDictionary is the smallest size that can be asked for.
const LeastDictionary = 1024

// samplePerByte is how many bytes of samples a byte of dictionary is trained on, as zstd
// --train recommends.
const samplePerByte = 100

// halfOf says in which half of a set a module is: it is compressed with a dictionary that
// was trained on the other. Only its name counts, so that it does not depend on the rest.
func halfOf(path string) int {
	h := fnv.New32a()
	h.Write([]byte(compress.PlainName(filepath.Base(path))))
	sum := h.Sum32()
	return int((sum ^ sum>>16) & 1)
}

// errTooFew: there is not enough in common to make a dictionary of.
var errTooFew = errors.New("too few modules to train a dictionary on")

// train makes a dictionary in the format of zstd. What goes into it is chosen here, for
// the library's own builder gives another one each time; the tables are made by the
// library.
func train(samples [][]byte, limit int) (dictionary []byte, err error) {
	const tables = 512 // bytes before the content, at most
	content := cover(samples, limit-tables)
	if len(samples) < 8 || len(content) < LeastDictionary/2 {
		return nil, errTooFew
	}
	// Compressing crafted samples must not end the run.
	defer func() {
		if r := recover(); r != nil {
			dictionary, err = nil, fmt.Errorf("training a dictionary: %v", r)
		}
	}()
	return zstd.BuildDict(zstd.BuildDictOptions{
		ID: 0x6d6b6274, Contents: blocks(samples), History: content, Offsets: [3]int{1, 4, 8},
		CompatV155: true, Level: zstd.SpeedBetterCompression,
	})
}

// blocks cuts samples into what zstd compresses at a time: the library wants no more. A
// part of them tells enough about how often lengths and offsets occur.
func blocks(samples [][]byte) (list [][]byte) {
	const block, enough = 128 << 10, 8 << 20
	total := 0
	for _, s := range samples {
		for len(s) > 0 && total < enough {
			n := min(len(s), block)
			list = append(list, s[:n])
			s, total = s[n:], total+n
		}
	}
	return list
}

// cover chooses the parts of samples that say most about other samples (the idea is that of
// COVER: Liao, Petri, Moffat, Wirth, "Effective construction of relative Lempel-Ziv
// dictionaries"). A string of 8 bytes counts as often as there are samples that have it;
// the samples are cut into as many stretches as segments fit, and of each the segment is
// taken whose strings count most, those that have been taken no more. The best ones go to the
// end, where they are near what is compressed.
func cover(samples [][]byte, limit int) []byte {
	const segment = 512
	counts := new(counter)
	total := 0
	for i, s := range samples {
		counts.add(s, uint32(i)+1)
		total += len(s)
	}
	segments := min(limit/segment, total/segment)
	if segments == 0 {
		return nil
	}
	type chosen struct {
		data  []byte
		score uint64
	}
	var list []chosen
	all := make([]byte, 0, total)
	for _, s := range samples {
		all = append(all, s...)
	}
	// Several rounds fill up what stretches without anything new have left free.
	for stretch := max(segment, len(all)/segments); len(list) < segments; {
		before := len(list)
		for at := 0; at+segment <= len(all) && len(list) < segments; at += stretch {
			if begin, score := counts.best(all[at:min(at+stretch, len(all))], segment); score > 0 {
				data := all[at+begin : at+begin+segment]
				counts.take(data)
				list = append(list, chosen{data, score})
			}
		}
		if len(list) == before {
			break
		}
	}
	slices.SortStableFunc(list, func(a, b chosen) int { return cmp.Compare(a.score, b.score) })
	out := make([]byte, 0, len(list)*segment)
	for _, c := range list {
		out = append(out, c.data...)
	}
	return out
}

// counter counts in how many samples a string of 8 bytes is, by its hash.
type counter struct {
	n, last, in [1 << counterBits]uint32 // in: how often in the window of best
}

const counterBits = 20

func (c *counter) at(b []byte) uint32 {
	return uint32(binary.LittleEndian.Uint64(b) * 0xcf1bbcdcb7a56463 >> (64 - counterBits))
}

func (c *counter) add(sample []byte, number uint32) {
	for i := 0; i+8 <= len(sample); i++ {
		if h := c.at(sample[i:]); c.last[h] != number {
			c.last[h] = number
			c.n[h]++
		}
	}
}

// score is what a string is worth: nothing if only one sample has it.
func (c *counter) score(h uint32) uint64 {
	if n := c.n[h]; n > 1 {
		return uint64(n - 1)
	}
	return 0
}

// best finds the segment that is worth most; a string counts once in it, so that a run of
// zeros is not worth much.
func (c *counter) best(b []byte, segment int) (begin int, score uint64) {
	last := len(b) - 8 // where the last string begins
	sum := uint64(0)
	for i := 0; i <= last; i++ {
		h := c.at(b[i:])
		if c.in[h] == 0 {
			sum += c.score(h)
		}
		c.in[h]++
		start := i + 8 - segment
		if start > 0 {
			sum -= c.leave(b[start-1:])
		}
		if start >= 0 && sum > score {
			begin, score = start, sum
		}
	}
	for i := max(0, last+8-segment); i <= last; i++ {
		c.leave(b[i:])
	}
	return begin, score
}

// leave takes the string that begins b out of the window of best.
func (c *counter) leave(b []byte) uint64 {
	h := c.at(b)
	if c.in[h]--; c.in[h] > 0 {
		return 0
	}
	return c.score(h)
}

// take makes the strings of a segment worth nothing any more.
func (c *counter) take(b []byte) {
	for i := 0; i+8 <= len(b); i++ {
		c.n[c.at(b[i:])] = 0
	}
}

// hashOf puts modules into an order of their own.
func hashOf(path string) uint64 {
	h := fnv.New64a()
	h.Write([]byte(compress.PlainName(filepath.Base(path))))
	return h.Sum64()
}
