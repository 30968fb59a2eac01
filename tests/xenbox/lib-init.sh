# SPDX-License-Identifier: MIT
# shellcheck shell=dash
# For scenarios with BOX_INIT: the installed service, as a service manager runs it.

# install_packages: ours. dpkg does not know what else is here; that their dependencies are right is shown by
# tests/packages/install.
install_packages() {
    check "dpkg installs the packages" dpkg --force-depends -i /box/packages/*.deb
}

# version_of PACKAGE: its state and version, for dpkg
version_of() {
    dpkg-query -W -f '${db:Status-Status} ${Version}' "$1"
}

# daemon_process: prints the process that has a user of its own, whoever its parent is
daemon_process() {
    pgrep -u xen-iommud -x xen-iommud
}

# another_daemon PID: it is there, and another one than that
another_daemon() {
    another_pid=$(daemon_process) && [ "$another_pid" != "$1" ]
}

not_ready() {
    [ "$(value $HOST/status)" != ready ]
}

# has_no_rights: a check that the daemon is its own user's, without capabilities, in every thread
has_no_rights() {
    for rights_of in /proc/"$(daemon_process)"/task/*/status; do
        same "rights of $rights_of" "$(sed -n 's/^Groups:[ \t]*//p; s/^Cap[PEA][a-z]*:[ \t]*//p; s/^NoNewPrivs:[ \t]*//p' \
            "$rights_of" | xargs)" "0000000000000000 0000000000000000 0000000000000000 1"
    done
}

# dies_and_returns SIGNAL SECONDS: a check that what is published is withdrawn within the bound after the
# daemon got the signal, and published again by another one
dies_and_returns() {
    dies_pid=$(daemon_process)
    kill -"$1" "$dies_pid"
    if wait_for "$2" not_ready; then
        ok "withdrawn after SIG$1"
    else
        fail "not withdrawn after SIG$1"
    fi
    check "another daemon after SIG$1" wait_for 120 another_daemon "$dies_pid"
    want $HOST/status ready 120
}
