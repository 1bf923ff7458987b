// Package btf is the vocabulary that the other packages share: kinds, types in
// flat tables, string pools, and the wire format of BTF in either byte order.
//
// A Table holds types as they are worked with, a Blob is BTF as it lies in a
// file. Parse and Blob.Table lead from the second to the first, Encode back.
package btf
