package elfhdr

import (
	"bytes"
	"encoding/binary"
)

// signatureMagic is the last thing in a signed kernel module (MODULE_SIG_STRING
// of include/linux/module_signature.h).
const signatureMagic = "~Module signature appended~\n"

// signatureInfo is the size of struct module_signature, which precedes the magic.
const signatureInfo = 12

// Signature is what scripts/sign-file appends to a kernel module: a PKCS#7
// message, struct module_signature and a magic string.
type Signature struct {
	Off uint64 // file offset at which it starts, which is where the ELF image ends
	Len uint64 // of all three parts
}

// FindSignature looks for a module signature at the end of the file. It is found
// by its magic string alone, as the kernel does (module_sig_check); if the length
// in front of the magic makes no sense the error matches ErrMalformed and the
// file is signed nevertheless.
func FindSignature(data []byte) (sig Signature, signed bool, err error) {
	if !bytes.HasSuffix(data, []byte(signatureMagic)) {
		return Signature{}, false, nil
	}
	end := len(data) - len(signatureMagic)
	if end < signatureInfo {
		return Signature{}, true, malformed("module signature", 0, "nothing before the magic string")
	}
	info := data[end-signatureInfo : end]
	n := uint64(binary.BigEndian.Uint32(info[8:])) // sig_len is big endian everywhere
	if n > uint64(end-signatureInfo) {
		return Signature{}, true, malformed("module signature", uint64(end-signatureInfo), "a signature of %d bytes in a file of %d", n, len(data))
	}
	off := uint64(end-signatureInfo) - n
	return Signature{Off: off, Len: uint64(len(data)) - off}, true, nil
}
