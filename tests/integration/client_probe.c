/* SPDX-License-Identifier: MIT */
/* libxeniommu on a line: reads commands from stdin, one a line, and answers each with lines of
 * which the last begins with "= ". A device is a device tree path or an sbdf in hex. */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <xeniommu.h>

#define THREADS_MAX 64
#define ANSWERS_MAX 64

static struct xeniommu *xi;

static const char *error_name(int rc)
{
    const char *name = rc < 0 ? strerrorname_np(-rc) : NULL;

    return name != NULL ? name : rc == 0 ? "ok" : "?";
}

static void print_info(const struct xeniommu_info *info)
{
    char limits[XENIOMMU_LIMITS_SIZE];

    (void)xeniommu_format_limits(info->limits, limits, sizeof(limits));
    printf("%s %s %d %s%s%s%s\n", xeniommu_state_name(info->state),
           info->skip_swiotlb ? "skip" : "keep", info->group,
           info->reason[0] != '\0' ? info->reason : "-", limits[0] != '\0' ? " " : "", limits,
           (info->limits & XENIOMMU_LIMIT_UNKNOWN) != 0 ? " ?" : "");
}

static void print_device(const char *word, const struct xeniommu_device *device,
                         const struct xeniommu_info *info)
{
    if (device->bus == XENIOMMU_BUS_PCI)
        printf("%s %x ", word, device->sbdf);
    else
        printf("%s %s ", word, device->path);
    print_info(info);
}

static int query(const char *device, struct xeniommu_info *info)
{
    memset(info, 0x5a, sizeof(*info));
    if (device[0] == '/')
        return xeniommu_query_dt(xi, device, info);
    return xeniommu_query_pci(xi, (uint32_t)strtoul(device, NULL, 16), info);
}

static void do_open(const char *argument)
{
    (void)argument;
    printf("= %s\n", error_name(xeniommu_open(&xi, 0)));
}

static void do_close(const char *argument)
{
    (void)argument;
    xeniommu_close(xi);
    xi = NULL;
    puts("= ok");
}

static void do_query(const char *argument)
{
    struct xeniommu_info info;

    printf("= %s ", error_name(query(argument, &info)));
    print_info(&info);
}

static int print_each(const struct xeniommu_device *device, const struct xeniommu_info *info,
                      void *arg)
{
    (void)arg;
    print_device("device", device, info);
    return 0;
}

static void do_foreach(const char *argument)
{
    (void)argument;
    printf("= %s\n", error_name(xeniommu_foreach(xi, print_each, NULL)));
}

static void do_wait(const char *argument)
{
    printf("= %s\n", error_name(xeniommu_wait_ready(xi, atoi(argument))));
}

static void print_change(const struct xeniommu_device *device, const struct xeniommu_info *info,
                         void *arg)
{
    (void)arg;
    print_device("changed", device, info);
}

static void do_watch(const char *argument)
{
    (void)argument;
    printf("= %s\n", error_name(xeniommu_set_callback(xi, print_change, NULL)));
}

/* Waits up to so many milliseconds for something to dispatch. */
static void do_dispatch(const char *argument)
{
    struct pollfd pollfd = {.fd = xeniommu_fd(xi), .events = POLLIN};

    if (poll(&pollfd, 1, atoi(argument)) == 0)
        puts("= quiet");
    else
        printf("= %s\n", error_name(xeniommu_dispatch(xi)));
}

/* Whether the descriptor is readable within so many milliseconds. */
static void do_poll(const char *argument)
{
    struct pollfd pollfd = {.fd = xeniommu_fd(xi), .events = POLLIN};

    puts(poll(&pollfd, 1, atoi(argument)) == 1 ? "= readable" : "= quiet");
}

static void do_fork(const char *argument)
{
    struct xeniommu_info info;
    pid_t pid;
    int rc;

    fflush(stdout);
    pid = fork();
    if (pid == 0) {
        rc = query(argument, &info);
        xeniommu_close(xi);
        _exit(-rc);
    }
    if (pid < 0 || waitpid(pid, &rc, 0) != pid || !WIFEXITED(rc))
        puts("= failed");
    else
        printf("= %s\n", error_name(-WEXITSTATUS(rc)));
}

/* What a thread was told. */
struct answer {
    int rc;
    struct xeniommu_info info;
};

/* What the threads do until they are told to stop, and what they were told. */
static struct hammer {
    char *device;
    pthread_t threads[THREADS_MAX];
    unsigned int count;
    int stop;
    unsigned long answers, failures; /* of calls */
    pthread_mutex_t lock;            /* guards what follows */
    struct answer seen[ANSWERS_MAX];
    unsigned int seen_count;
} hammer = {.lock = PTHREAD_MUTEX_INITIALIZER};

static bool is_same(const struct answer *answer, int rc, const struct xeniommu_info *info)
{
    return answer->rc == rc && answer->info.state == info->state &&
           answer->info.skip_swiotlb == info->skip_swiotlb && answer->info.group == info->group &&
           strcmp(answer->info.reason, info->reason) == 0;
}

static void note(int rc, const struct xeniommu_info *info)
{
    unsigned int i = 0;

    pthread_mutex_lock(&hammer.lock);
    while (i < hammer.seen_count && !is_same(&hammer.seen[i], rc, info))
        i++;
    if (i == hammer.seen_count && i < ANSWERS_MAX)
        hammer.seen[hammer.seen_count++] = (struct answer){.rc = rc, .info = *info};
    pthread_mutex_unlock(&hammer.lock);
}

static int note_each(const struct xeniommu_device *device, const struct xeniommu_info *info,
                     void *arg)
{
    (void)device;
    (void)arg;
    note(0, info);
    return 0;
}

static int hammer_query(void)
{
    struct xeniommu_info info;
    int rc = query(hammer.device, &info);

    note(rc, &info);
    return rc;
}

static int hammer_foreach(void)
{
    return xeniommu_foreach(xi, note_each, NULL);
}

static int hammer_wait(void)
{
    return xeniommu_wait_ready(xi, 10);
}

static int hammer_dispatch(void)
{
    struct pollfd pollfd = {.fd = xeniommu_fd(xi), .events = POLLIN};

    return poll(&pollfd, 1, 10) == 1 ? xeniommu_dispatch(xi) : 0;
}

typedef int hammer_call(void);

static hammer_call *const calls[] = {hammer_query, hammer_foreach, hammer_wait, hammer_dispatch};

static void *call_until_stopped(void *arg)
{
    hammer_call *const *call = arg;

    while (!__atomic_load_n(&hammer.stop, __ATOMIC_ACQUIRE))
        __atomic_add_fetch((*call)() == 0 ? &hammer.answers : &hammer.failures, 1,
                           __ATOMIC_RELAXED);
    return NULL;
}

/* "N DEVICE": N threads do the first kinds of calls by turns until "stop". */
static void start_hammer(const char *argument, unsigned int kinds)
{
    unsigned int i, count = (unsigned int)atoi(argument);

    hammer.device = strdup(strchr(argument, ' ') + 1);
    hammer.stop = 0;
    hammer.answers = hammer.failures = hammer.count = hammer.seen_count = 0;
    for (i = 0; i < count && i < THREADS_MAX; i++)
        if (pthread_create(&hammer.threads[hammer.count], NULL, call_until_stopped,
                           (void *)&calls[i % kinds]) == 0)
            hammer.count++;
    printf("= %u\n", hammer.count);
}

static void do_hammer(const char *argument)
{
    start_hammer(argument, 1);
}

static void note_change(const struct xeniommu_device *device, const struct xeniommu_info *info,
                        void *arg)
{
    if (info->state != XENIOMMU_UNKNOWN) /* else it may be gone: a query says how */
        note_each(device, info, arg);
}

static void do_listen(const char *argument)
{
    (void)argument;
    printf("= %s\n", error_name(xeniommu_set_callback(xi, note_change, NULL)));
}

static void do_crowd(const char *argument)
{
    start_hammer(argument, sizeof(calls) / sizeof(calls[0]));
}

static void do_counts(const char *argument)
{
    (void)argument;
    printf("= %lu %lu\n", __atomic_load_n(&hammer.answers, __ATOMIC_RELAXED),
           __atomic_load_n(&hammer.failures, __ATOMIC_RELAXED));
}

/* What queries, foreach and, after "listen", the callback told since the last "seen". */
static void do_seen(const char *argument)
{
    unsigned int i;

    (void)argument;
    pthread_mutex_lock(&hammer.lock);
    for (i = 0; i < hammer.seen_count; i++) {
        printf("%s ", error_name(hammer.seen[i].rc));
        print_info(&hammer.seen[i].info);
    }
    hammer.seen_count = 0;
    pthread_mutex_unlock(&hammer.lock);
    puts("= ok");
}

static void stop_hammer(void)
{
    __atomic_store_n(&hammer.stop, 1, __ATOMIC_RELEASE);
    while (hammer.count > 0)
        pthread_join(hammer.threads[--hammer.count], NULL);
    free(hammer.device);
    hammer.device = NULL;
}

static void do_stop(const char *argument)
{
    stop_hammer();
    do_counts(argument);
}

static const struct {
    const char *name;
    void (*run)(const char *argument);
} commands[] = {
    {"open", do_open},         {"close", do_close},   {"query", do_query}, {"foreach", do_foreach},
    {"wait", do_wait},         {"watch", do_watch},   {"fork", do_fork},   {"poll", do_poll},
    {"dispatch", do_dispatch}, {"hammer", do_hammer}, {"crowd", do_crowd}, {"listen", do_listen},
    {"counts", do_counts},     {"seen", do_seen},     {"stop", do_stop},
};

static void run_line(char *line)
{
    char *argument = strchr(line, ' ');
    size_t i;

    if (argument != NULL)
        *argument++ = '\0';
    for (i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
        if (strcmp(commands[i].name, line) == 0) {
            commands[i].run(argument != NULL ? argument : "");
            return;
        }
    }
    puts("= no such command");
}

int main(void)
{
    char line[4096];

    setvbuf(stdout, NULL, _IOLBF, 0);
    while (fgets(line, sizeof(line), stdin) != NULL) {
        line[strcspn(line, "\n")] = '\0';
        run_line(line);
    }
    stop_hammer();
    xeniommu_close(xi);
    return 0;
}
