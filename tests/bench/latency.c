/* SPDX-License-Identifier: MIT */
/*
 * How long it takes from an event that dom0 writes until a guest has read what follows from it:
 *   latency ROUNDS GUEST_SOCKET EVENT_PATH A B STATE_PATH STATE_A STATE_B
 * Writes A to EVENT_PATH in dom0 and waits in the guest, by a watch on iommu/generation, until
 * STATE_PATH reads STATE_A; then the same with B. Prints the microseconds of both for each round.
 * With "-" for a state the guest waits for any event: the bare way, with nobody in between.
 */
#include <err.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <xenstore.h>

struct bench {
    struct xs_handle *dom0, *guest;
    const char *event_path, *state_path;
};

static double now_us(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e6 + (double)now.tv_nsec / 1e3;
}

static void take_event(struct xs_handle *xsh)
{
    unsigned int count;
    char **event = xs_read_watch(xsh, &count);

    if (!event)
        err(1, "xs_read_watch");
    free(event);
}

static bool reads(struct xs_handle *xsh, const char *path, const char *value)
{
    unsigned int length;
    char *found = xs_read(xsh, XBT_NULL, path, &length);
    bool same = found && (strcmp(value, "-") == 0 || strcmp(found, value) == 0);

    free(found);
    return same;
}

/* One change, there and back to the guest. */
static double measure(const struct bench *bench, const char *event, const char *state)
{
    double start = now_us();

    if (!xs_write(bench->dom0, XBT_NULL, bench->event_path, event, (unsigned int)strlen(event)))
        err(1, "%s", bench->event_path);
    do
        take_event(bench->guest);
    while (!reads(bench->guest, bench->state_path, state));
    return now_us() - start;
}

static struct xs_handle *connect_to(const char *socket)
{
    struct xs_handle *xsh;

    if (socket)
        setenv("XENSTORED_PATH", socket, 1);
    xsh = xs_open(0);
    if (!xsh)
        err(1, "xs_open");
    return xsh;
}

int main(int argc, char **argv)
{
    struct bench bench;

    if (argc != 9)
        errx(2, "usage: see the top of latency.c");
    bench = (struct bench){connect_to(NULL), connect_to(argv[2]), argv[3], argv[6]};
    if (!xs_watch(bench.guest, "iommu/generation", "latency"))
        err(1, "iommu/generation");
    take_event(bench.guest); /* the one every new watch gets */
    for (int i = 0; i < atoi(argv[1]); i++) {
        double first = measure(&bench, argv[4], argv[7]);

        printf("%.1f %.1f\n", first, measure(&bench, argv[5], argv[8]));
    }
    return 0;
}
