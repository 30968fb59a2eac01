/* SPDX-License-Identifier: MIT */
/*
 * libxeniommu in a poll() loop: be told of each device that comes, changes or goes.
 *
 *     cc poll.c -o poll $(pkg-config --cflags --libs xeniommu)
 *
 * Ends at the end of its standard input, which stands for whatever else the program waits for.
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <xeniommu.h>

/* Called by xeniommu_dispatch(), so in this thread and never at a bad moment. A driver would stop
 * the device's DMA here before it goes back to bounce buffers. */
static void changed(const struct xeniommu_device *device, const struct xeniommu_info *info,
                    void *arg)
{
    FILE *out = arg;

    if (device->bus == XENIOMMU_BUS_PCI)
        fprintf(out, "%x", device->sbdf);
    else
        fprintf(out, "%s", device->path);
    fprintf(out, " %s: %s\n", xeniommu_state_name(info->state),
            info->skip_swiotlb ? "plain DMA" : "bounce");
}

/* Returns when standard input ends, or with an error. */
static int loop(struct xeniommu *xi, int fd)
{
    struct pollfd fds[] = {{.fd = fd, .events = POLLIN}, {.fd = STDIN_FILENO, .events = POLLIN}};
    char input[64];
    int error;

    for (;;) {
        if (poll(fds, 2, -1) < 0) {
            if (errno == EINTR)
                continue;
            return -errno;
        }
        if (fds[0].revents != 0) {
            error = xeniommu_dispatch(xi);
            /* -ENOTCONN: xenstored is gone, and the callback has said "unknown" of every device.
             * Out of resources it is the same. The descriptor tells when it is time to try again,
             * so just go on. */
            if (error != 0 && error != -ENOTCONN)
                fprintf(stderr, "%s\n", strerror(-error));
            fflush(stdout);
        }
        if (fds[1].revents != 0 && read(STDIN_FILENO, input, sizeof(input)) <= 0)
            return 0;
    }
}

int main(void)
{
    struct xeniommu *xi;
    int fd, error;

    error = xeniommu_open(&xi, 0);
    if (error != 0) {
        fprintf(stderr, "no XenStore: %s\n", strerror(-error));
        return 1;
    }
    /* The first dispatch tells every device there is, so there is nothing to ask before. */
    error = xeniommu_set_callback(xi, changed, stdout);
    fd = error == 0 ? xeniommu_fd(xi) : error;
    error = fd >= 0 ? loop(xi, fd) : fd;
    if (error != 0)
        fprintf(stderr, "%s\n", strerror(-error));
    xeniommu_close(xi);
    return error != 0;
}
