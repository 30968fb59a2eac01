# SPDX-License-Identifier: MIT
# The Linux driver in a PV dom0, with the newer kernel there.
BOX_LIKE=driver
BOX_KERNEL=backports

refuse "dom0's kernel, $(uname -r), is not the release's" sh -c 'uname -r | grep "^6\.1\."'
. /box/like.sh
