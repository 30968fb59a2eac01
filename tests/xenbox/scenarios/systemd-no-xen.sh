# SPDX-License-Identifier: MIT
# The installed service on a machine without Xen: nothing to do, and nothing wrong.
BOX_INIT=systemd
BOX_XEN=no
BOX_IOMMU=none

install_packages
check "it is enabled" systemctl is-enabled xen-iommud
refuse "systemctl is-failed, installed" systemctl is-failed xen-iommud
check "systemctl start" systemctl start xen-iommud
same "ConditionResult" "$(systemctl show -P ConditionResult xen-iommud)" no
same "ActiveState" "$(systemctl show -P ActiveState xen-iommud)" inactive
refuse "systemctl is-failed" systemctl is-failed xen-iommud
check "dpkg --purge" dpkg --force-depends --purge xen-iommud xen-iommu libxeniommu1
