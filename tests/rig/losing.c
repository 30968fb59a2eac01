/* SPDX-License-Identifier: MIT */
/*
 * How a libxenstore client learns that xenstored died, if at all:
 *   losing block|poll|request|watched-request|socket PATH MILLISECONDS
 * Prints READY, and then LOST and the errno, or NOTHING when the time is over.
 */
#include <err.h>
#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>
#include <xenstore.h>

#define ROUND_MS 50

static long long now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000LL + now.tv_nsec / 1000000;
}

static void say(const char *text, int error)
{
    printf("%s%s%s\n", text, error ? " " : "", error ? strerrorname_np(error) : "");
    fflush(stdout);
}

/* A plain connection, never used. */
static bool lose_socket(int milliseconds)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    struct pollfd pollfd = {.fd = socket(AF_UNIX, SOCK_STREAM, 0), .events = POLLIN};

    snprintf(address.sun_path, sizeof(address.sun_path), "%s", xs_daemon_socket());
    if (connect(pollfd.fd, (struct sockaddr *)&address, sizeof(address)))
        err(1, "%s", address.sun_path);
    say("READY", 0);
    return poll(&pollfd, 1, milliseconds) == 1 && pollfd.revents & POLLHUP;
}

/* Sits in xs_read_watch(). */
static bool lose_blocked(struct xs_handle *xsh)
{
    unsigned int count;
    char **event;

    say("READY", 0);
    errno = 0;
    event = xs_read_watch(xsh, &count);
    free(event);
    return !event;
}

/* Polls xs_fileno() and takes events when it says so. */
static bool lose_polling(struct xs_handle *xsh, int milliseconds)
{
    struct pollfd pollfd = {.fd = xs_fileno(xsh), .events = POLLIN};
    long long end = now_ms() + milliseconds;

    say("READY", 0);
    while (now_ms() < end) {
        char **event;

        if (poll(&pollfd, 1, ROUND_MS) <= 0)
            continue;
        errno = 0;
        event = xs_check_watch(xsh);
        free(event);
        if (!event && errno != EAGAIN)
            return true;
    }
    return false;
}

static bool lose_requesting(struct xs_handle *xsh, const char *path, int milliseconds)
{
    struct timespec round = {0, ROUND_MS * 1000000L};
    long long end = now_ms() + milliseconds;
    unsigned int length;

    say("READY", 0);
    while (now_ms() < end) {
        char *value;

        errno = 0;
        value = xs_read(xsh, XBT_NULL, path, &length);
        if (!value && errno != ENOENT)
            return true;
        free(value);
        nanosleep(&round, NULL);
    }
    return false;
}

static bool lose(struct xs_handle *xsh, const char *mode, const char *path, int milliseconds)
{
    unsigned int count;

    if (strcmp(mode, "socket") == 0)
        return lose_socket(milliseconds);
    if (strcmp(mode, "request") == 0)
        return lose_requesting(xsh, path, milliseconds);
    if (!xs_watch(xsh, path, "token"))
        err(1, "%s", path);
    free(xs_read_watch(xsh, &count)); /* the event every new watch gets */
    if (strcmp(mode, "block") == 0)
        return lose_blocked(xsh);
    if (strcmp(mode, "poll") == 0)
        return lose_polling(xsh, milliseconds);
    return lose_requesting(xsh, path, milliseconds);
}

int main(int argc, char **argv)
{
    struct xs_handle *xsh = xs_open(0);

    if (argc != 4)
        errx(2, "usage: losing MODE PATH MILLISECONDS");
    if (!xsh)
        err(1, "xs_open");
    if (lose(xsh, argv[1], argv[2], atoi(argv[3])))
        say("LOST", errno);
    else
        say("NOTHING", 0);
    return 0;
}
