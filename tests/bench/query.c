/* SPDX-License-Identifier: MIT */
/*
 * What a program that uses libxeniommu pays. DEVICE is an sbdf in hexadecimal or a device tree
 * path. query cached ROUNDS DEVICE          ns of a query that is answered from memory, one line a
 * round query read ROUNDS PATH              ns of one bare xs_read() of PATH query file ROUNDS FILE
 * ns to open, read and close FILE query first ROUNDS DEVICE PATH...   ns of the first query of a
 * handle, and of bare reads of PATHs over a fresh connection that has a watch as well query step
 * DEVICE                   opens, waits for a line on standard input, queries once query memory
 * HANDLES KIND COUNT     bytes per handle that knows COUNT devices: by malloc's account, and of
 * resident memory. KIND: pci, dt (asked one by one), list
 */
#include <err.h>
#include <fcntl.h>
#include <inttypes.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <xeniommu.h>
#include <xenstore.h>

#define CACHED_CALLS 20000 /* in a round, for one is too short to be timed */
#define OTHER_CALLS  20

static double now_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

static struct xeniommu *open_library(void)
{
    struct xeniommu *xi;
    int rc = xeniommu_open(&xi, 0);

    if (rc != 0)
        errx(1, "xeniommu_open: %s", strerror(-rc));
    return xi;
}

static void query(struct xeniommu *xi, const char *path, uint32_t sbdf)
{
    struct xeniommu_info info;
    int rc =
        path != NULL ? xeniommu_query_dt(xi, path, &info) : xeniommu_query_pci(xi, sbdf, &info);

    if (rc != 0)
        errx(1, "%s %08" PRIx32 ": %s", path ? path : "", sbdf, strerror(-rc));
}

static const char *parse_device(const char *device, uint32_t *sbdf)
{
    *sbdf = (uint32_t)strtoul(device, NULL, 16);
    return *device == '/' ? device : NULL;
}

static void do_cached(int rounds, char **words)
{
    struct xeniommu *xi = open_library();
    const char *path;
    uint32_t sbdf;
    double start;
    int i, j;

    path = parse_device(words[0], &sbdf);
    query(xi, path, sbdf);
    for (i = 0; i < rounds; i++) {
        start = now_ns();
        for (j = 0; j < CACHED_CALLS; j++)
            query(xi, path, sbdf);
        printf("%.1f\n", (now_ns() - start) / CACHED_CALLS);
    }
    xeniommu_close(xi);
}

static struct xs_handle *open_bare(void)
{
    struct xs_handle *xs = xs_open(0);

    if (xs == NULL)
        err(1, "xs_open");
    return xs;
}

static void read_bare(struct xs_handle *xs, const char *path)
{
    unsigned int len;

    free(xs_read(xs, XBT_NULL, path,
                 &len)); /* what an answer leaves out is asked for all the same */
}

static void do_read(int rounds, char **words)
{
    struct xs_handle *xs = open_bare();
    double start;
    int i, j;

    for (i = 0; i < rounds; i++) {
        start = now_ns();
        for (j = 0; j < OTHER_CALLS; j++)
            read_bare(xs, words[0]);
        printf("%.1f\n", (now_ns() - start) / OTHER_CALLS);
    }
    xs_close(xs);
}

static void read_file(const char *path)
{
    char value[256];
    int fd = open(path, O_RDONLY | O_CLOEXEC);

    if (fd < 0 || read(fd, value, sizeof(value)) < 0)
        err(1, "%s", path);
    close(fd);
}

static void do_file(int rounds, char **words)
{
    double start;
    int i, j;

    for (i = 0; i < rounds; i++) {
        start = now_ns();
        for (j = 0; j < OTHER_CALLS; j++)
            read_file(words[0]);
        printf("%.1f\n", (now_ns() - start) / OTHER_CALLS);
    }
}

static double time_first(const char *path, uint32_t sbdf)
{
    struct xeniommu *xi = open_library();
    double start = now_ns();

    query(xi, path, sbdf);
    start = now_ns() - start;
    xeniommu_close(xi);
    return start;
}

static double time_bare(char **paths)
{
    struct xs_handle *xs = open_bare();
    unsigned int count;
    double start;

    if (!xs_watch(xs, "iommu/generation", "bench"))
        err(1, "xs_watch");
    free(xs_read_watch(xs, &count)); /* the one that every new watch gets */
    start = now_ns();
    for (; *paths != NULL; paths++)
        read_bare(xs, *paths);
    start = now_ns() - start;
    xs_close(xs);
    return start;
}

static void do_first(int rounds, char **words)
{
    uint32_t sbdf;
    const char *path = parse_device(words[0], &sbdf);
    int i;

    for (i = 0; i < rounds; i++) {
        double first = time_first(path, sbdf);

        printf("%.1f %.1f\n", first, time_bare(words + 1));
    }
}

static void do_step(char **words)
{
    struct xeniommu *xi = open_library();
    uint32_t sbdf;
    const char *path = parse_device(words[0], &sbdf);

    puts("opened");
    fflush(stdout);
    if (getchar() == EOF)
        errx(1, "nobody waits");
    query(xi, path, sbdf);
    puts("asked");
    xeniommu_close(xi);
}

/* ------------------------------------------------------------- memory */

static size_t allocated(void)
{
    struct mallinfo2 info = mallinfo2();

    return info.uordblks + info.hblkhd;
}

static size_t resident(void)
{
    FILE *file = fopen("/proc/self/statm", "r");
    size_t size, pages;

    if (file == NULL || fscanf(file, "%zu %zu", &size, &pages) != 2)
        err(1, "/proc/self/statm");
    fclose(file);
    return pages * (size_t)sysconf(_SC_PAGESIZE);
}

static int count_one(const struct xeniommu_device *device, const struct xeniommu_info *info,
                     void *arg)
{
    (void)device;
    (void)info;
    ++*(int *)arg;
    return 0;
}

/* The devices that bench_reader.py publishes. */
static void learn(struct xeniommu *xi, const char *kind, int count)
{
    char path[64];
    int i, rc, seen = 0;

    if (strcmp(kind, "list") == 0) {
        rc = xeniommu_foreach(xi, count_one, &seen);
        if (rc != 0 || seen < count)
            errx(1, "foreach: %d devices, %s", seen, strerror(-rc));
        return;
    }
    for (i = 0; i < count; i++) {
        snprintf(path, sizeof(path), "/soc/device@%08x", 0xfe000000u + (unsigned int)i * 0x1000);
        query(xi, strcmp(kind, "dt") == 0 ? path : NULL, (uint32_t)i);
    }
}

static void do_memory(int handles, char **words)
{
    struct xeniommu **all = calloc((size_t)handles, sizeof(struct xeniommu *));
    size_t allocated_before, resident_before;
    struct xeniommu *warm =
        open_library(); /* what the first handle alone costs is not a handle's */
    int i;

    if (all == NULL)
        err(1, "no memory");
    learn(warm, words[0], atoi(words[1]));
    allocated_before = allocated();
    resident_before = resident();
    for (i = 0; i < handles; i++) {
        all[i] = open_library();
        learn(all[i], words[0], atoi(words[1]));
    }
    printf("%.0f %.0f\n", (double)(allocated() - allocated_before) / handles,
           ((double)resident() - (double)resident_before) / handles);
    for (i = 0; i < handles; i++)
        xeniommu_close(all[i]);
    xeniommu_close(warm);
    free(all);
}

int main(int argc, char **argv)
{
    static const struct {
        const char *name;
        int words; /* that follow the count, at least */
        void (*run)(int count, char **words);
    } modes[] = {{"cached", 1, do_cached},
                 {"read", 1, do_read},
                 {"file", 1, do_file},
                 {"first", 2, do_first},
                 {"memory", 2, do_memory}};
    size_t i;

    if (argc == 3 && strcmp(argv[1], "step") == 0) {
        do_step(argv + 2);
        return 0;
    }
    for (i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
        if (argc >= 3 + modes[i].words && strcmp(argv[1], modes[i].name) == 0) {
            modes[i].run(atoi(argv[2]), argv + 3);
            return 0;
        }
    }
    errx(2, "usage: see the top of query.c");
}
