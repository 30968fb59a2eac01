# SPDX-License-Identifier: MIT
# The order of things, with the auditor asking Xen every millisecond: whatever happens to a device, no tree claims
# more than the truth, but for the moment between Xen's letting go and anybody's knowing, which is told.
BOX_XEN_ARGS="guest_loglvl=none"
BOX_TIMEOUT=900

ALLOWED=1000 # ms; emulation is slow

# audit WHAT: from now on the auditor watches
audit() {
    AUDITED=$1
    # shellcheck disable=SC2046 # words
    auditor --xen $(pci_functions | sed 's/^/--device /') --lock /run/xen-iommud/lock --allow-overlap-ms $ALLOWED --announce \
        > /tmp/audit.out 2>&1 3>&- < /dev/null &
    AUDITOR=$!
    wait_for 20 grep -q '^watching' /tmp/audit.out || stop "the auditor does not watch: $(cat /tmp/audit.out)"
}

# audited: ends that; a check that it found nothing
audited() {
    kill "$AUDITOR"
    wait "$AUDITOR"
    same "$AUDITED: what the auditor ended with" "$?" 0
    while IFS= read -r audit_line; do
        [ "$audit_line" = watching ] || echo "say $AUDITED: $audit_line" >&3
        echo "BOX audit $AUDITED: $audit_line"
    done < /tmp/audit.out
}

ready_daemon
audit "pci-assignable-add"
check "xl pci-assignable-add 03" xl pci-assignable-add 00:03.0
check "xl pci-assignable-add 04" xl pci-assignable-add 00:04.0
host 0000:00:04.0 "none quarantined keep assignable"
audited

audit "create"
guest_start g1 'pci = ["00:04.0"]'
own 1 0000:00:00.0 "protected keep assigned-pv"
audited

audit "attach"
check "xl pci-attach" xl pci-attach g1 00:03.0
host 0000:00:03.0 "1 protected keep assigned-pv"
audited

audit "detach"
check "xl pci-detach" xl pci-detach g1 00:03.0
host 0000:00:03.0 "none quarantined keep assignable"
audited

audit "destroy"
check "xl destroy" xl destroy g1
host 0000:00:04.0 "none quarantined keep assignable"
gone /local/domain/1
audited

audit "switched off by itself"
guest_start g2 'pci = ["00:04.0"]'
host 0000:00:04.0 "2 protected keep assigned-pv"
guest_send g2 'poweroff -f'
host 0000:00:04.0 "none quarantined keep assignable" 40
gone /local/domain/2 40
audited

audit "reboot"
guest_start g3 'pci = ["00:04.0"]'
host 0000:00:04.0 "3 protected keep assigned-pv"
guest_send g3 'reboot -f'
guest_up g3 2
host 0000:00:04.0 "4 protected keep assigned-pv"
own 4 0000:00:00.0 "protected keep assigned-pv"
audited

audit "crash"
guest_send g3 'echo c > /proc/sysrq-trigger'
host 0000:00:04.0 "none quarantined keep assignable" 40
gone /local/domain/4 40
audited

audit "attach that fails"
guest_config g5 'pci = ["00:04.0"]' > /tmp/g5.cfg
check "xl create of a paused guest" xl_create g5 -p
host 0000:00:04.0 "5 protected keep assigned-pv"
refuse "xl pci-attach to a paused guest" xl pci-attach g5 00:03.0
host 0000:00:03.0 "unknown unknown keep *"
audited

audit "destroy of a paused guest"
check "xl destroy of a paused guest" xl destroy g5
host 0000:00:03.0 "none quarantined keep assignable"
host 0000:00:04.0 "none quarantined keep assignable"
gone /local/domain/5
audited

# With a device libxl may refuse it, or the guest: whatever comes of it, nothing false is said.
audit "suspend"
guest_start g6 'pci = ["00:04.0"]'
host 0000:00:04.0 "6 protected keep assigned-pv"
xl save g6 /tmp/g6.save > /tmp/save.out 2>&1 3>&- < /dev/null
say "xl save: $? $(tail -n 1 /tmp/save.out)"
xl destroy g6 > /dev/null 2>&1
host 0000:00:04.0 "none quarantined keep assignable" 40
audited

audit "pci-assignable-remove"
check "xl pci-assignable-remove -r 03" xl pci-assignable-remove -r 00:03.0
check "xl pci-assignable-remove -r 04" xl pci-assignable-remove -r 00:04.0
dom0_has 0000:00:04.0 "relaxed keep dom0-relaxed"
audited

audit "stop"
end_daemon
want $HOST/status stopped
audited
