//go:build !unix

package object

import (
	"errors"
	"os"
)

// mapping is not done here: files are read.
func mapping(*os.File, int64) ([]byte, func() error, error) {
	return nil, nil, errors.ErrUnsupported
}

func dropPages([]byte) {}
