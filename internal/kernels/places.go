package kernels

// kind says what a place is, for messages and for what is expected of it.
type kind uint8

const (
	buildTree kind = iota
	debugVmlinux
	bootImage
	// anyKernel is a boot image whose name does not have the release: it counts if
	// the release inside is the one that is looked for.
	anyKernel
	sysfs
)

var kindNames = [...]string{"build tree", "debug vmlinux", "boot image", "boot image", "running kernel"}

func (k kind) String() string { return kindNames[k] }

// place is a path below the root of a system. {} stands for the release; a star for
// any part of a name.
type place struct {
	kind kind
	path string
}

// sysfsBTF is where the running kernel shows its own BTF.
const sysfsBTF = "/sys/kernel/btf/vmlinux"

// places are in the order in which they are looked at. What is listed for one
// distribution counts for all of them.
var places = []place{
	{buildTree, "/lib/modules/{}/build/vmlinux"},
	{buildTree, "/usr/lib/modules/{}/build/vmlinux"},
	{buildTree, "/usr/src/linux-headers-{}/vmlinux"},                              // Debian, Ubuntu
	{buildTree, "/usr/src/kernels/{}/vmlinux"},                                    // Fedora, RHEL
	{buildTree, "/usr/src/linux-{}/vmlinux"},                                      // Gentoo
	{buildTree, "/usr/src/linux-{}-obj/*/*/vmlinux"},                              // SUSE
	{buildTree, "/run/booted-system/kernel-modules/lib/modules/{}/build/vmlinux"}, // NixOS
	{buildTree, "/run/current-system/kernel-modules/lib/modules/{}/build/vmlinux"},

	{debugVmlinux, "/usr/lib/debug/boot/vmlinux-{}"},                  // Debian, Ubuntu
	{debugVmlinux, "/usr/lib/debug/lib/modules/{}/vmlinux"},           // Debian 7.x, Fedora, RHEL, Alpine
	{debugVmlinux, "/usr/lib/debug/usr/lib/modules/{}/vmlinux"},       // Fedora with the merged /usr
	{debugVmlinux, "/usr/lib/debug/usr/lib/modules/{}/vmlinux.debug"}, // SUSE
	{debugVmlinux, "/usr/lib/debug/lib/modules/{}/vmlinux.debug"},
	{debugVmlinux, "/usr/lib/debug/boot/vmlinux-{}.debug"},

	{bootImage, "/boot/vmlinuz-{}"},
	{bootImage, "/lib/modules/{}/vmlinuz"}, // Fedora, RHEL, Arch, SUSE, Debian 7.x, ostree
	{bootImage, "/usr/lib/modules/{}/vmlinuz"},
	{bootImage, "/boot/vmlinux-{}"},   // powerpc and riscv
	{bootImage, "/boot/vmlinux-{}.*"}, // SUSE: .gz, .xz, .zst
	{bootImage, "/lib/modules/{}/vmlinux"},
	{bootImage, "/lib/modules/{}/vmlinux.*"},
	{bootImage, "/usr/lib/modules/{}/vmlinux"},
	{bootImage, "/usr/lib/modules/{}/vmlinux.*"},
	{bootImage, "/boot/Image-{}"}, // SUSE on arm64 and riscv
	{bootImage, "/boot/image-{}"}, // SUSE on s390
	{bootImage, "/boot/zImage-{}"},
	{bootImage, "/boot/bzImage-{}"},
	{bootImage, "/boot/uImage-{}"},
	{bootImage, "/lib/modules/{}/Image"},
	{bootImage, "/usr/lib/modules/{}/Image"},
	{bootImage, "/boot/kernel-{}"}, // Gentoo
	{bootImage, "/boot/kernel-genkernel-*-{}"},
	{bootImage, "/boot/ostree/*/vmlinuz-{}"},
	{bootImage, "/boot/*/{}/linux"}, // kernel-install with the Boot Loader Specification
	{bootImage, "/efi/*/{}/linux"},
	{bootImage, "/boot/efi/*/{}/linux"},
	{bootImage, "/boot/EFI/Linux/*{}*.efi"}, // unified kernel images
	{bootImage, "/efi/EFI/Linux/*{}*.efi"},
	{bootImage, "/boot/efi/EFI/Linux/*{}*.efi"},
	{bootImage, "/usr/lib/modules/{}/*.efi"},
	{bootImage, "/boot/EFI/nixos/*linux-{}-*.efi"}, // NixOS
	{bootImage, "/boot/kernels/*linux-{}-*"},

	{anyKernel, "/boot/vmlinuz-[a-zA-Z]*"},   // Arch: -linux, -linux-lts; Alpine: -lts, -virt
	{anyKernel, "/run/booted-system/kernel"}, // NixOS
	{anyKernel, "/run/current-system/kernel"},
	{anyKernel, "/nix/var/nix/profiles/system-*-link/kernel"},
	{anyKernel, "/boot/EFI/Linux/*.efi"},
	{anyKernel, "/efi/EFI/Linux/*.efi"},
	{anyKernel, "/boot/efi/EFI/Linux/*.efi"},
	{anyKernel, "/boot/firmware/kernel*.img"}, // Raspberry Pi
	{anyKernel, "/boot/kernel*.img"},
	{anyKernel, "/boot/firmware/vmlinuz*"},
	{anyKernel, "/boot/vmlinuz"},
	{anyKernel, "/boot/Image"},
	{anyKernel, "/boot/Image.gz"},
	{anyKernel, "/boot/zImage"},
	{anyKernel, "/boot/uImage"},
	{anyKernel, "/vmlinuz"},
}
