package encode

import (
	"mkbtf/internal/fingerprint"
	"mkbtf/internal/object"
)

// Fingerprint identifies the build that the base is of.
func (b *Base) Fingerprint() fingerprint.Hash {
	b.hashOnce.Do(func() { b.hash = fingerprint.Of(b.Blob.Data) })
	return b.hash
}

// note is the content of .note.mkbtf: which base the BTF was made over; nil, which
// removes the section, if it was made over none.
func (e *Encoder) note(f *object.File, raw []byte) []byte {
	if e.base == nil || e.form == SelfContained || raw == nil {
		return nil
	}
	n := fingerprint.Note{
		Form: fingerprint.Split, Types: uint32(e.base.Blob.End()), Base: e.base.Fingerprint(),
		BTF: fingerprint.Of(raw), Release: e.base.Release,
	}
	if e.form == Distilled {
		n.Form = fingerprint.Distilled
	}
	return n.Encode(f.Order)
}
