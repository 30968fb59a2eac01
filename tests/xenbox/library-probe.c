/* SPDX-License-Identifier: MIT */
/*
 * Asks libxeniommu, in dom0 and in guests. A DEVICE is 0000:00:04.0 or a device tree path.
 *
 * library-probe COMMAND...
 *     Does one after the other on one handle, and prints what each returned, on one line:
 *     wait MILLISECONDS   xeniommu_wait_ready(): "ok" or the errno's name
 *     query DEVICE        the same, then the answer: state, swiotlb, reason ("-": none)
 *     each                xeniommu_foreach(): each device and its answer, then as wait
 * library-probe follow DEVICE
 *     Until it is killed. Handles changes in one thread and queries DEVICE without a pause in
 * another, both on one handle. A line is "changed", the device and its answer for each callback;
 * "inside", the device and what a query inside that callback returned; "query", the device and what
 * the other thread got, where that differs from its last line, and from the first query that begins
 * after a callback has begun. On SIGUSR1 the other thread prints "mark", the number of such
 * signals, and then what a query that begins after that returns.
 */
#include <err.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <xeniommu.h>

#define TEXT_SIZE 128

/* One processor serves the whole box: the hammering thread rests after so many queries, a few times
 * as long as they took, but not less than this. */
#define QUERIES_PER_REST 16
#define REST_FACTOR      9
#define REST_MIN_NS      10000000

static volatile sig_atomic_t marks;

struct follower {
    struct xeniommu *xi;
    struct xeniommu_device device;
    atomic_int callbacks;
};

static const char *error_name(int rc)
{
    const char *name = rc < 0 ? strerrorname_np(-rc) : NULL;

    return rc == 0 ? "ok" : name != NULL ? name : "?";
}

static struct xeniommu_device parse_device(const char *text)
{
    struct xeniommu_device device = {.bus = XENIOMMU_BUS_DT, .path = text};
    unsigned int segment, bus, dev, function;

    if (sscanf(text, "%x:%x:%x.%x", &segment, &bus, &dev, &function) == 4) {
        device.bus = XENIOMMU_BUS_PCI;
        device.sbdf = segment << 16 | bus << 8 | dev << 3 | function;
        device.path = NULL;
    }
    return device;
}

static void print_device(const char *before, const struct xeniommu_device *device)
{
    if (device->bus == XENIOMMU_BUS_DT)
        printf("%s%s", before, device->path);
    else
        printf("%s%04x:%02x:%02x.%x", before, device->sbdf >> 16, device->sbdf >> 8 & 0xff,
               device->sbdf >> 3 & 0x1f, device->sbdf & 7);
}

static void format_info(const struct xeniommu_info *info, char text[TEXT_SIZE])
{
    snprintf(text, TEXT_SIZE, "%s %s %s", xeniommu_state_name(info->state),
             info->skip_swiotlb ? "skip" : "keep", info->reason[0] != '\0' ? info->reason : "-");
}

static int print_each(const struct xeniommu_device *device, const struct xeniommu_info *info,
                      void *arg)
{
    char text[TEXT_SIZE];

    (void)arg;
    format_info(info, text);
    print_device("", device);
    printf(" %s; ", text);
    return 0;
}

static void query(struct xeniommu *xi, const struct xeniommu_device *device, char text[TEXT_SIZE])
{
    char answer[TEXT_SIZE];
    struct xeniommu_info info;
    int rc;

    memset(&info, 0x5a, sizeof(info)); /* it must be written whatever happens */
    rc = device->bus == XENIOMMU_BUS_DT ? xeniommu_query_dt(xi, device->path, &info)
                                        : xeniommu_query_pci(xi, device->sbdf, &info);
    format_info(&info, answer);
    snprintf(text, TEXT_SIZE, "%s %.100s", error_name(rc), answer);
}

static void print_change(const struct xeniommu_device *device, const struct xeniommu_info *info,
                         void *arg)
{
    struct follower *follower = arg;
    char change[TEXT_SIZE], answer[TEXT_SIZE];

    follower->callbacks++;
    format_info(info, change);
    query(follower->xi, device, answer);
    flockfile(stdout);
    print_device("changed ", device);
    printf(" %s\n", change);
    print_device("inside ", device);
    printf(" %s\n", answer);
    funlockfile(stdout);
}

static void count_mark(int signal_number)
{
    (void)signal_number;
    marks++;
}

static int64_t now_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static void rest(int64_t busy_ns)
{
    int64_t ns = busy_ns * REST_FACTOR > REST_MIN_NS ? busy_ns * REST_FACTOR : REST_MIN_NS;
    struct timespec time = {.tv_sec = ns / 1000000000, .tv_nsec = ns % 1000000000};

    nanosleep(&time, NULL);
}

/* Prints what a query returns if that is not what last says. */
static void query_and_compare(const struct follower *follower, char last[TEXT_SIZE])
{
    char text[TEXT_SIZE];

    query(follower->xi, &follower->device, text);
    if (strcmp(text, last) == 0)
        return;
    flockfile(stdout);
    print_device("query ", &follower->device);
    printf(" %s\n", text);
    funlockfile(stdout);
    strcpy(last, text);
}

static void *hammer(void *arg)
{
    struct follower *follower = arg;
    char last[TEXT_SIZE] = "";
    int i, callbacks = 0, printed = 0;

    for (;;) {
        int64_t start = now_ns();

        for (i = 0; i < QUERIES_PER_REST; i++) {
            if (callbacks != follower->callbacks || printed != marks)
                *last = '\0';
            callbacks = follower->callbacks;
            while (printed < marks)
                printf("mark %d\n", ++printed);
            query_and_compare(follower, last);
        }
        rest(now_ns() - start);
    }
    return NULL;
}

/* Only the hammering thread takes the signal, so that it begins no query before it sees it. */
static void start_hammering(struct follower *follower)
{
    struct sigaction action = {.sa_handler = count_mark, .sa_flags = SA_RESTART};
    pthread_t thread;
    sigset_t set;
    int error;

    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    if (sigaction(SIGUSR1, &action, NULL) != 0)
        err(1, "sigaction");
    error = pthread_create(&thread, NULL, hammer, follower);
    if (error == 0)
        error = pthread_sigmask(SIG_BLOCK, &set, NULL);
    if (error != 0)
        errx(1, "the hammering thread: %s", strerror(error));
}

static void follow(struct xeniommu *xi, const char *device)
{
    struct follower follower = {.xi = xi, .device = parse_device(device)};
    struct pollfd pollfd = {.events = POLLIN};
    int rc = xeniommu_set_callback(xi, print_change, &follower);

    pollfd.fd = xeniommu_fd(xi);
    if (rc != 0 || pollfd.fd < 0)
        errx(1, "no callback: %s, %s", error_name(rc), error_name(pollfd.fd));
    start_hammering(&follower);
    for (;;) {
        if (poll(&pollfd, 1, -1) < 0 && errno != EINTR)
            err(1, "poll");
        rc = xeniommu_dispatch(xi);
        if (rc != 0)
            printf("dispatch %s\n", error_name(rc));
    }
}

/* Does the command in words, of which the last is followed by NULL. Returns how many it took. */
static int obey(struct xeniommu *xi, char **words)
{
    struct xeniommu_device device;
    char text[TEXT_SIZE];

    if (strcmp(words[0], "each") == 0) {
        printf("%s; ", error_name(xeniommu_foreach(xi, print_each, NULL)));
        return 1;
    }
    if (strcmp(words[0], "wait") == 0 && words[1] != NULL) {
        printf("%s; ", error_name(xeniommu_wait_ready(xi, atoi(words[1]))));
    } else if (strcmp(words[0], "query") == 0 && words[1] != NULL) {
        device = parse_device(words[1]);
        query(xi, &device, text);
        printf("%s; ", text);
    } else {
        errx(2, "what is '%s'?", words[0]);
    }
    return 2;
}

int main(int argc, char **argv)
{
    struct xeniommu *xi;
    int i, rc = xeniommu_open(&xi, 0);

    if (rc != 0)
        errx(1, "xeniommu_open: %s", error_name(rc));
    setvbuf(stdout, NULL, _IOLBF, 0);
    if (argc == 3 && strcmp(argv[1], "follow") == 0)
        follow(xi, argv[2]);
    for (i = 1; i < argc;)
        i += obey(xi, argv + i);
    putchar('\n');
    xeniommu_close(xi);
    return 0;
}
