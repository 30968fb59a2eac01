# SPDX-License-Identifier: MIT
# The installed service on a machine without Xen: nothing to do, and nothing wrong.
BOX_INIT=systemd
BOX_XEN=no
BOX_IOMMU=none

check "systemctl enable" systemctl enable xen-iommud
check "systemctl start" systemctl start xen-iommud
same "ConditionResult" "$(systemctl show -P ConditionResult xen-iommud)" no
same "ActiveState" "$(systemctl show -P ActiveState xen-iommud)" inactive
refuse "systemctl is-failed" systemctl is-failed xen-iommud
