# SPDX-License-Identifier: MIT
# The order of things, with the auditor asking Xen every millisecond: whatever happens to a device, no tree claims
# more than the truth, but for the moment between Xen's letting go and anybody's knowing, which is told.
BOX_XEN_ARGS="guest_loglvl=none"
BOX_TIMEOUT=1800
GUEST_BOUND=240 # the auditor has half of the only processor

ALLOWED=5000 # ms; emulation is slow, and never true is found at once

# audit WHAT: the next phase. What is said of it is told at its end.
audit() {
    AUDITED=$1
    TOLD=$(wc -l < /tmp/audit.out)
}

# audited: a check that nothing was found in the phase
audited() {
    kill -USR1 "$AUDITOR"
    wait_for 60 has_swept || stop "the auditor does not look: $(tail -n 5 /tmp/audit.out)"
    same "$AUDITED: findings" "$(said | grep -cv -e ' overlap ' -e '^swept')" 0
    said > /tmp/audit.said
    while IFS= read -r audit_line; do
        say "$AUDITED: $audit_line"
        echo "BOX audit $AUDITED: $audit_line"
    done < /tmp/audit.said
}

said() {
    tail -n +$((TOLD + 1)) /tmp/audit.out
}

has_swept() {
    said | grep -q '^swept'
}

start_auditor() {
    # shellcheck disable=SC2046 # words
    auditor --xen --device 0000:00:03.0 --device 0000:00:04.0 $(pci_functions | grep -v '00:0[34]' | sed 's/^/--still /') \
        --lock /run/xen-iommud/lock --allow-overlap-ms $ALLOWED --announce --each > /tmp/audit.out 2>&1 3>&- < /dev/null &
    AUDITOR=$!
    wait_for 60 grep -q '^watching' /tmp/audit.out || stop "the auditor does not watch: $(cat /tmp/audit.out)"
}

ready_daemon
start_auditor
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

kill "$AUDITOR"
wait "$AUDITOR"
same "what the auditor ended with" "$?" 0
grep -e looks -e '^Xen was' -e '^overlap' /tmp/audit.out > /tmp/audit.said
while IFS= read -r audit_line; do
    say "$audit_line"
    echo "BOX audit in all: $audit_line"
done < /tmp/audit.said
