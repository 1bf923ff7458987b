// Package dkms makes DKMS give the modules that it builds BTF.
//
// DKMS (3.0 to 3.2) builds, strips, signs, compresses and copies, in this order, and
// offers hooks before and after all of it. Only between the build and strip does a
// module have its DWARF and no signature, so the one place for mkbtf is the end of
// the build command itself. That is MAKE in dkms.conf, which /etc/dkms/MODULE.conf
// can change; framework.conf cannot.
package dkms
