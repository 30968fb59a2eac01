/* SPDX-License-Identifier: MIT */
/* libxeniommu on a line: reads commands from stdin, one a line, and answers each with lines of
 * which the last begins with "= ". A device is a device tree path or an sbdf in hex. */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <xeniommu.h>

#define THREADS_MAX 64

static struct xeniommu *xi;

static const char *error_name(int rc)
{
    const char *name = rc < 0 ? strerrorname_np(-rc) : NULL;

    return name != NULL ? name : rc == 0 ? "ok" : "?";
}

static void print_info(const struct xeniommu_info *info)
{
    printf("%s %s %d %s\n", xeniommu_state_name(info->state), info->skip_swiotlb ? "skip" : "keep",
           info->group, info->reason[0] != '\0' ? info->reason : "-");
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

/* What the threads ask until they are told to stop, and what they saw. */
static struct hammer {
    const char *device;
    pthread_t threads[THREADS_MAX];
    unsigned int count;
    int stop;
    unsigned long answers, failures, contradictions;
} hammer;

/* The test publishes protected, skip, 1, "whole" or anything else: never a mix. */
static int is_contradiction(const struct xeniommu_info *info)
{
    int claims = info->state == XENIOMMU_PROTECTED;

    return info->skip_swiotlb != claims || (info->group == 1) != claims ||
           (strcmp(info->reason, "whole") == 0) != claims;
}

static void *ask_until_stopped(void *arg)
{
    struct hammer *shared = arg;
    struct xeniommu_info info;

    while (!__atomic_load_n(&shared->stop, __ATOMIC_ACQUIRE)) {
        int rc = query(shared->device, &info);

        __atomic_add_fetch(rc == 0 ? &shared->answers : &shared->failures, 1, __ATOMIC_RELAXED);
        if (is_contradiction(&info) || (rc != 0 && info.state != XENIOMMU_UNKNOWN))
            __atomic_add_fetch(&shared->contradictions, 1, __ATOMIC_RELAXED);
    }
    return NULL;
}

/* "N DEVICE": N threads ask about it until "stop". */
static void do_hammer(const char *argument)
{
    unsigned int i, count = (unsigned int)atoi(argument);

    hammer = (struct hammer){.device = strdup(strchr(argument, ' ') + 1)};
    for (i = 0; i < count && i < THREADS_MAX; i++)
        if (pthread_create(&hammer.threads[hammer.count], NULL, ask_until_stopped, &hammer) == 0)
            hammer.count++;
    printf("= %u\n", hammer.count);
}

static void do_counts(const char *argument)
{
    (void)argument;
    printf("= %lu %lu %lu\n", __atomic_load_n(&hammer.answers, __ATOMIC_RELAXED),
           __atomic_load_n(&hammer.failures, __ATOMIC_RELAXED),
           __atomic_load_n(&hammer.contradictions, __ATOMIC_RELAXED));
}

static void do_stop(const char *argument)
{
    __atomic_store_n(&hammer.stop, 1, __ATOMIC_RELEASE);
    while (hammer.count > 0)
        pthread_join(hammer.threads[--hammer.count], NULL);
    free((char *)hammer.device);
    do_counts(argument);
}

static const struct {
    const char *name;
    void (*run)(const char *argument);
} commands[] = {
    {"open", do_open},     {"close", do_close},   {"query", do_query}, {"foreach", do_foreach},
    {"wait", do_wait},     {"watch", do_watch},   {"fork", do_fork},   {"dispatch", do_dispatch},
    {"hammer", do_hammer}, {"counts", do_counts}, {"stop", do_stop},
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
    xeniommu_close(xi);
    return 0;
}
