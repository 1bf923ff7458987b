package check

import (
	"fmt"
	"sync"

	"mkbtf/btf"
	"mkbtf/internal/fingerprint"
	"mkbtf/internal/object"
	"mkbtf/internal/verify"
)

// Kernel is a kernel that modules are checked against. Several goroutines may use
// it.
type Kernel struct {
	Name    string // for messages: its release, else the file
	Path    string // of the file that its BTF is from
	Release string // "" if the file does not tell
	// Mismatch is what CONFIG_MODULE_ALLOW_BTF_MISMATCH is there.
	Mismatch Config
	// Live is set for the kernel that runs, so that it can be asked itself.
	Live bool

	data   []byte
	target *verify.Target
	once   sync.Once
	hash   fingerprint.Hash
	blob   *btf.Blob
	sizes  sync.Once
	bySize map[string]composite
}

// Config is the value of a boolean option of a kernel's configuration.
type Config uint8

// The values. BTF does not tell, the kernel's config file does.
const (
	Unknown Config = iota
	No
	Yes
)

// composite is what a kernel has under the name of a struct or union.
type composite struct {
	id    btf.ID // of the last one
	size  uint32
	count int
}

// LoadKernel reads a kernel's BTF from any file that holds some.
func LoadKernel(path string) (*Kernel, error) {
	data, err := object.LoadBTF(path)
	if err != nil {
		return nil, err
	}
	return NewKernel(path, data)
}

// NewKernel makes a kernel of BTF that was loaded from path.
func NewKernel(path string, data *object.BTFData) (*Kernel, error) {
	// What cannot be parsed here would do harm to whoever follows a reference.
	blob, err := data.ParseKernel()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	target, err := verify.NewTarget(data.BTF)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	k := &Kernel{Name: data.Release, Path: path, Release: data.Release, data: data.BTF, target: target, blob: blob}
	if k.Name == "" {
		k.Name = path
	}
	return k, nil
}

// BTF is the kernel's BTF.
func (k *Kernel) BTF() *btf.Blob { return k.blob }

// Fingerprint identifies the kernel's build.
func (k *Kernel) Fingerprint() fingerprint.Hash {
	k.once.Do(func() { k.hash = fingerprint.Of(k.data) })
	return k.hash
}

// composites returns the kernel's structs and unions by name.
func (k *Kernel) composites() map[string]composite {
	k.sizes.Do(func() {
		k.bySize = map[string]composite{}
		for id := k.blob.Start(); id < k.blob.End(); id++ {
			r := k.blob.Record(id)
			if !r.Kind().IsComposite() || r.NameOff == 0 {
				continue
			}
			name := string(k.blob.StringAt(r.NameOff))
			c := k.bySize[name]
			k.bySize[name] = composite{id, r.SizeType, c.count + 1}
		}
	})
	return k.bySize
}
