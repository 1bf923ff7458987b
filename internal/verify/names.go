package verify

// isLetter is the kernel's isalpha (lib/ctype.c): ASCII and Latin-1 letters.
func isLetter(c byte) bool {
	switch {
	case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z':
		return true
	}
	return c >= 0xc0 && c != 0xd7 && c != 0xf7
}

// isPrint is the kernel's isprint.
func isPrint(c byte) bool { return 0x20 <= c && c < 0x7f || c >= 0xa0 }

// identifier reports whether the string at an offset is a name that the kernel
// takes for a type, member, function or variable: letters, digits, '_' and '.',
// no digit first, of 1 to Abilities.MaxNameLen bytes (btf_name_valid_identifier).
func (b *blob) identifier(off uint32, ab *Abilities) bool {
	s, ok := b.str(off)
	if !ok || len(s) == 0 || len(s) > ab.MaxNameLen {
		return false
	}
	for i, c := range s {
		if !isLetter(c) && c != '_' && c != '.' && (i == 0 || c < '0' || c > '9') {
			return false
		}
	}
	return true
}

// sectionName is the same for the name of a DATASEC: since Linux 6.10 any
// printable text (btf_name_valid_section).
func (b *blob) sectionName(off uint32, ab *Abilities) bool {
	if !ab.PrintableSections {
		return b.identifier(off, ab)
	}
	s, ok := b.str(off)
	if !ok || len(s) == 0 || len(s) > ab.MaxNameLen {
		return false
	}
	for _, c := range s {
		if !isPrint(c) {
			return false
		}
	}
	return true
}

// optName is the rule for names that may be absent.
func (b *blob) optName(off uint32, ab *Abilities) bool { return off == 0 || b.identifier(off, ab) }

// reqName is the rule for names that must be there.
func (b *blob) reqName(off uint32, ab *Abilities) bool { return off != 0 && b.identifier(off, ab) }
