# SPDX-License-Identifier: MIT
# The installed service under Debian's own sysvinit, where nobody but the program itself watches it.
BOX_INIT=sysvinit
BOX_TIMEOUT=600

SERVICE=/etc/init.d/xen-iommud

check "there is no systemd" test ! -e /run/systemd/system
install_packages
check "it runs" $SERVICE status
want $HOST/status ready 0
check "it starts in runlevel 2, before xendomains" test -e "$(echo /etc/rc2.d/S*xen-iommud)"
check "stop" $SERVICE stop
cp /etc/xen/xen-iommud.conf /tmp/conf

echo "nonsense = 1" > /etc/xen/xen-iommud.conf
refuse "start, with a broken configuration" $SERVICE start
refuse "status, with a broken configuration" $SERVICE status
cp /tmp/conf /etc/xen/xen-iommud.conf

check "start" $SERVICE start
want $HOST/status ready 0
check "status" $SERVICE status
host 0000:00:04.0 "0 relaxed keep dom0-relaxed"
has_no_rights
first=$(daemon_process)
check "start again" $SERVICE start
same "the daemon after that" "$(daemon_process)" "$first"

check "reload" $SERVICE reload
check "the log tells of it" wait_for $WAIT grep -q "SIGHUP: asking everything again" $DAEMON_LOG
want $HOST/status ready 0

check "restart" $SERVICE restart
check "another daemon" another_daemon "$first"
want $HOST/status ready 0

# Killed, with all that belongs to it: "stop" withdraws all the same.
pkill -KILL -x xen-iommud
check "stop" $SERVICE stop
want $HOST/status stopped 0
refuse "status, stopped" $SERVICE status

# Installed anew, and gone for good, with its log.
check "start" $SERVICE start
check "dpkg --purge" dpkg --force-depends --purge xen-iommud
want $HOST/status stopped 0
check "the log goes too" test ! -e $DAEMON_LOG
check "nothing starts it" test ! -e "$(echo /etc/rc2.d/S*xen-iommud)"
