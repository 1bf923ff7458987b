package encode

import (
	"errors"
	"fmt"

	"mkbtf/dedup"
	"mkbtf/internal/kernels"
	"mkbtf/internal/object"
)

// findBase looks for the installed kernel of Options.Kernel and makes its file the
// base, unless a base is named or none is needed; then it returns nil.
func (o *Options) findBase() (*Base, error) {
	if o.Base != "" || o.Kernel == nil || !o.needsBase() {
		return nil, nil
	}
	found, err := kernels.Find(*o.Kernel)
	if errors.Is(err, kernels.ErrNotFound) && !errors.Is(err, object.ErrBuiltWithout) && o.Form != SelfContained {
		return nil, fmt.Errorf("%w, or choose --form self-contained, which needs none", err)
	}
	if err != nil {
		return nil, err
	}
	for _, t := range found.Tried {
		o.note("", "passed over: %v", t.Err)
	}
	o.note("", "%s", found)
	o.Base = found.Path
	return &Base{Path: found.Path, Release: found.Release, Blob: found.Blob, Index: dedup.NewBase(found.Blob)}, nil
}
