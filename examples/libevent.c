/* SPDX-License-Identifier: MIT */
/*
 * libxeniommu in an event loop of libevent; any other takes the descriptor in the same way.
 *
 *     cc libevent.c -o libevent $(pkg-config --cflags --libs xeniommu libevent_core)
 *
 * Ends at the end of its standard input, which stands for whatever else the program waits for.
 */
#include <errno.h>
#include <event2/event.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <xeniommu.h>

static void changed(const struct xeniommu_device *device, const struct xeniommu_info *info,
                    void *arg)
{
    (void)arg;
    if (device->bus == XENIOMMU_BUS_PCI)
        printf("%x", device->sbdf);
    else
        printf("%s", device->path);
    printf(" %s: %s\n", xeniommu_state_name(info->state),
           info->skip_swiotlb ? "plain DMA" : "bounce");
}

/* One dispatch takes all that is pending; the loop calls again while the descriptor is readable. */
static void on_readable(evutil_socket_t fd, short what, void *arg)
{
    int error = xeniommu_dispatch(arg);

    (void)fd;
    (void)what;
    if (error != 0 && error != -ENOTCONN)
        fprintf(stderr, "%s\n", strerror(-error)); /* out of resources; it is tried again */
    fflush(stdout);
}

static void on_input(evutil_socket_t fd, short what, void *arg)
{
    char input[64];

    (void)what;
    if (read(fd, input, sizeof(input)) <= 0)
        event_base_loopbreak(arg);
}

static int run(struct xeniommu *xi, int fd)
{
    struct event_base *base = event_base_new();
    struct event *store = NULL, *input = NULL;
    int rc = -1;

    if (base != NULL) {
        store = event_new(base, fd, EV_READ | EV_PERSIST, on_readable, xi);
        input = event_new(base, STDIN_FILENO, EV_READ | EV_PERSIST, on_input, base);
    }
    if (store != NULL && input != NULL && event_add(store, NULL) == 0 &&
        event_add(input, NULL) == 0)
        rc = event_base_dispatch(base);

    /* Before xeniommu_close(), which closes the descriptor. */
    if (store != NULL)
        event_free(store);
    if (input != NULL)
        event_free(input);
    if (base != NULL)
        event_base_free(base);
    return rc;
}

int main(void)
{
    struct xeniommu *xi;
    int fd, error, rc = 1;

    error = xeniommu_open(&xi, 0);
    if (error != 0) {
        fprintf(stderr, "no XenStore: %s\n", strerror(-error));
        return 1;
    }
    /* The first dispatch tells every device there is, so there is nothing to ask before. */
    error = xeniommu_set_callback(xi, changed, NULL);
    fd = error == 0 ? xeniommu_fd(xi) : error;
    if (fd >= 0)
        rc = run(xi, fd);
    else
        fprintf(stderr, "%s\n", strerror(-fd));
    xeniommu_close(xi);
    return rc != 0;
}
