# SPDX-License-Identifier: MIT
# What the DMA of a disk and of a network card behind the SMMU costs with swiotlb-xen and without it, where
# its devices are not coherent.
BOX_ARCH=arm64
BOX_IOMMU=smmu
BOX_DTB_EDIT=gain-noncoherent
BOX_TIMEOUT=3000

. /box/gain.sh
check "Xen cleaned caches for guests' pages" seen 7
