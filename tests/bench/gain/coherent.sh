# SPDX-License-Identifier: MIT
# What the DMA of a disk and of a network card behind the SMMU costs with swiotlb-xen and without it, where
# its devices are coherent and reach all memory.
BOX_ARCH=arm64
BOX_IOMMU=smmu
BOX_DTB_EDIT=gain-coherent
BOX_TIMEOUT=3000

. /box/gain.sh
refuse "nothing was bounced" seen 6
refuse "Xen cleaned no caches" seen 7
