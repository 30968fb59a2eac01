# SPDX-License-Identifier: MIT
# The same machine as coherent.sh with the static binding, xen,iommu-el2-v1: what the kernel makes of it.
BOX_ARCH=arm64
BOX_IOMMU=smmu
BOX_DTB_EDIT=gain-static
BOX_TIMEOUT=3000

MODES=static
. /box/gain.sh
