/* SPDX-License-Identifier: MIT */
#include "keeper_manager.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include "log.h"

/* Of a thousand; as much memory as that part of all makes a process the first to go. */
#define OOM_STEP 100

void manager_init(struct manager *manager)
{
    const char *name = getenv("NOTIFY_SOCKET");
    size_t length = name ? strlen(name) : 0;
    uint64_t watchdog_us = 0;
    int rc = sd_watchdog_enabled(0, &watchdog_us);

    memset(manager, 0, sizeof(*manager));
    manager->fd = -1;
    if (rc < 0)
        log_warning("reading the watchdog's interval: %s", strerror(-rc));
    else if (rc > 0)
        manager->watchdog_ms = (int64_t)(watchdog_us / 1000 / 2);
    if (length < 2 || length >= sizeof(manager->address.sun_path) || !strchr("/@", *name))
        return;
    manager->address.sun_family = AF_UNIX;
    memcpy(manager->address.sun_path, name, length);
    if (*name == '@')
        manager->address.sun_path[0] = '\0';
    manager->address_length = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length);
    manager->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (manager->fd < 0)
        log_warning("reaching the service manager: %s", strerror(errno));
}

/* False: it has no room now. */
static bool tell(const struct manager *manager, const char *lines, size_t length)
{
    return manager->fd < 0 ||
           sendto(manager->fd, lines, length, MSG_DONTWAIT | MSG_NOSIGNAL,
                  (const struct sockaddr *)&manager->address, manager->address_length) >= 0 ||
           (errno != EAGAIN && errno != ENOBUFS && errno != EINTR);
}

void manager_feed(struct manager *manager, int64_t now)
{
    static const char lives[] = "WATCHDOG=1";

    if (!manager->watchdog_ms || now < manager->next_feed)
        return;
    manager->next_feed = now + manager->watchdog_ms;
    (void)tell(manager, lives, strlen(lives));
}

int manager_wait_ms(const struct manager *manager, int64_t now)
{
    if (!manager->watchdog_ms)
        return INT_MAX;
    return now < manager->next_feed ? (int)(manager->next_feed - now) : 0;
}

bool manager_is_full(const struct manager *manager)
{
    return manager->held_length > 0;
}

/* The daemon is not root any more, and this is root's word: no more than it has to say. */
static bool may_be_said(const char *lines)
{
    static const char *const words[] = {"READY=1", "STOPPING=1"};

    for (const char *line = lines; *line; line += strcspn(line, "\n"), line += *line == '\n') {
        size_t length = strcspn(line, "\n");
        bool known = strncmp(line, "STATUS=", strlen("STATUS=")) == 0;

        for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
            known = known || (length == strlen(words[i]) && strncmp(line, words[i], length) == 0);
        if (!known)
            return false;
    }
    return true;
}

int manager_relay(struct manager *manager, int link)
{
    ssize_t got = -1;

    do {
        if (manager->held_length && !tell(manager, manager->held, manager->held_length))
            return 1;
        manager->held_length = 0;
        got = link < 0 ? -1 : recv(link, manager->held, sizeof(manager->held) - 1, MSG_DONTWAIT);
        manager->held[got > 0 ? got : 0] = '\0';
        manager->held_length = got > 0 && may_be_said(manager->held) ? strlen(manager->held) : 0;
    } while (got > 0);
    return got == 0 ? 0 : 1;
}

void manager_yield_memory(void)
{
    int fd = open("/proc/self/oom_score_adj", O_RDWR | O_CLOEXEC), score, length;
    char text[16] = "";

    if (fd < 0)
        return;
    if (read(fd, text, sizeof(text) - 1) > 0) {
        score = atoi(text) + OOM_STEP < 1000 ? atoi(text) + OOM_STEP : 1000;
        length = snprintf(text, sizeof(text), "%d", score);
        if (pwrite(fd, text, (size_t)length, 0) < 0)
            log_debug("oom_score_adj: %s", strerror(errno));
    }
    close(fd);
}
