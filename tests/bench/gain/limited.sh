# SPDX-License-Identifier: MIT
# What the DMA of a disk and of a network card behind the SMMU costs with swiotlb-xen and without it, where
# its devices reach the first 4 GiB of addresses only, and guests have memory beyond.
BOX_ARCH=arm64
BOX_IOMMU=smmu
BOX_DTB_EDIT=gain-limited
BOX_QEMU="-m 4096"
# Memory that waits for its scrubbing is taken last, and so guests might get none beyond 4 GiB.
BOX_XEN_ARGS="bootscrub=no"
BOX_TIMEOUT=3000

. /box/gain.sh
check "guests' pages beyond the device's reach were bounced" seen 6
