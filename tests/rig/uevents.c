/* SPDX-License-Identifier: MIT */
/*
 * A umockdev test bed, for programs that run with UMOCKDEV_DIR set to the folder printed first.
 * Each line "ACTION SYSPATH" on standard input sends that uevent, and is answered by "sent". The
 * bed goes when the input ends. It must itself run with libumockdev-preload.
 */
#include <err.h>
#include <errno.h>
#include <glob.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <umockdev.h>
#include <unistd.h>

#define PATIENCE_MS 20000

/*
 * A listener may go at any moment, and umockdev's sender ends the process where one does so
 * between being found and being connected to, or between that and the message. These two stand
 * before the C library's for it too: such a listener refuses the connection, or the message is
 * lost.
 */
int connect(int fd, const struct sockaddr *address, socklen_t size)
{
    int result = (int)syscall(SYS_connect, fd, address, size);

    if (result < 0 && errno == ENOENT)
        errno = ECONNREFUSED;
    return result;
}

ssize_t sendmsg(int fd, const struct msghdr *message, int flags)
{
    ssize_t sent = syscall(SYS_sendmsg, fd, message, flags);

    return sent < 0 && errno == ECONNREFUSED ? 0 : sent;
}

/* A listener's socket holds few messages, and umockdev gives up soon when it is full. */
static void wait_for_room(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    struct pollfd pollfd = {.fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0), .events = POLLOUT};

    if (pollfd.fd < 0)
        err(1, "socket");
    if (strlen(path) >= sizeof(address.sun_path))
        errx(1, "%s: longer than a socket's name may be", path);
    strcpy(address.sun_path, path);
    /* a listener that is gone needs no room */
    if (connect(pollfd.fd, (struct sockaddr *)&address, sizeof(address)) == 0 &&
        poll(&pollfd, 1, PATIENCE_MS) != 1)
        errx(1, "%s is not read", path);
    close(pollfd.fd);
}

static void wait_for_listeners(const char *root)
{
    char pattern[4096];
    glob_t found;

    snprintf(pattern, sizeof(pattern), "%s/event[0-9]*", root);
    if (glob(pattern, GLOB_NOSORT, NULL, &found) != 0)
        return;
    for (size_t i = 0; i < found.gl_pathc; i++)
        wait_for_room(found.gl_pathv[i]);
    globfree(&found);
}

int main(void)
{
    UMockdevTestbed *bed;
    char line[4096], action[16], syspath[4000], *root;

    bed = umockdev_testbed_new();
    if (!umockdev_in_mock_environment())
        errx(1, "libumockdev-preload is not loaded");
    root = umockdev_testbed_get_root_dir(bed);
    printf("%s\n", root);
    fflush(stdout);
    while (fgets(line, sizeof(line), stdin)) {
        if (sscanf(line, "%15s %3999s", action, syspath) != 2)
            errx(1, "not a uevent: %s", line);
        wait_for_listeners(root);
        umockdev_testbed_uevent(bed, syspath, action);
        puts("sent");
        fflush(stdout);
    }
    g_free(root);
    g_object_unref(bed);
    return 0;
}
