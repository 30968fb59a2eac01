# SPDX-License-Identifier: MIT
# The Linux driver's scenario on Arm, with the newer kernel in dom0.
BOX_LIKE=arm-driver
BOX_KERNEL=backports

refuse "dom0's kernel, $(uname -r), is not the release's" sh -c 'uname -r | grep "^6\.1\."'
. /box/like.sh
