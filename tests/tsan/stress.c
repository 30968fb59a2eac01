/* SPDX-License-Identifier: MIT */
/*
 * Many threads on one handle, or each on its own, while devices come and go in a real XenStore, and
 * a monitor that knows what every generation said: stress HANDLES SECONDS [THREADS] It writes
 * domain 0's tree itself, so no daemon may run. Ends with 1 if an answer was wrong.
 */
#include "monitor.h"

#include <err.h>
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <xenstore.h>

#define THREADS_MAX 64
#define PATIENCE_MS 20000 /* for what must come; only a broken library reaches it */
#define BURST       16    /* generations, one after the other */

struct stress {
    struct monitor monitor;
    struct reader readers[THREADS_MAX];
    unsigned int handles, threads;
    int64_t phase_ms;
    struct xs_handle *xs; /* the writer's */

    bool all_calls;             /* in this phase; else queries alone */
    _Atomic bool stop;          /* the phase is over */
    _Atomic uint32_t target;    /* where all shall arrive: nothing is written meanwhile */
    _Atomic unsigned int there; /* how many threads did */
    pthread_barrier_t barrier;
};

struct worker {
    struct stress *stress;
    struct reader *reader;
    struct reader own; /* one that only this thread has, for a while */
    unsigned int number;
    uint32_t chance;
    uint32_t stranger; /* the last sbdf asked that is never published */
    pthread_t thread;
};

/* Of the dispatch that this thread is in, for the callback. */
static _Thread_local struct dispatching {
    struct monitor *monitor;
    struct moment moment;
} dispatching;

static int64_t now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void pause_us(unsigned int us)
{
    const struct timespec pause = {.tv_nsec = us * 1000L};

    nanosleep(&pause, NULL);
}

/* A number below limit; the same ones in every run. */
static uint32_t draw(uint32_t *chance, uint32_t limit)
{
    *chance = *chance * 1664525u + 1013904223u;
    return (*chance >> 8) % limit;
}

/* ------------------------------------------------------------- calls, judged */

static int query(struct reader *reader, const struct xeniommu_device *device,
                 struct xeniommu_info *info)
{
    *info = (struct xeniommu_info){.state = XENIOMMU_PROTECTED, .skip_swiotlb = true};
    return device->bus == XENIOMMU_BUS_PCI ? xeniommu_query_pci(reader->xi, device->sbdf, info)
                                           : xeniommu_query_dt(reader->xi, device->path, info);
}

/* Whether the answer was exactly that of generation. */
static bool ask(struct worker *worker, unsigned int index, uint32_t generation)
{
    struct monitor *monitor = &worker->stress->monitor;
    struct xeniommu_device device = truth_device(index);
    struct moment moment = monitor_begin(monitor, worker->reader);
    struct xeniommu_info info;
    int rc = query(worker->reader, &device, &info);

    monitor_query(monitor, worker->reader, moment, index, rc, &info);
    return monitor_is(generation, index, rc, &info);
}

/* A handle that does not know all devices has to ask xenstored about one it never heard of. The
 * answer comes behind the event of whatever was committed before: from then on, that event has
 * arrived, so that nothing older may be told. */
static void ask_stranger(struct worker *worker)
{
    struct monitor *monitor = &worker->stress->monitor;
    uint32_t committed = atomic_load(&monitor->progress.committed);
    struct moment moment = monitor_begin(monitor, worker->reader);
    struct xeniommu_info info;
    int rc;

    worker->stranger += THREADS_MAX;
    rc = xeniommu_query_pci(worker->reader->xi, worker->stranger, &info);
    monitor_query(monitor, worker->reader, moment, TRUTH_DEVICES, rc, &info);
    if (rc == -ENOENT)
        monitor_raise(worker->reader, committed, "an answer behind its event");
}

struct listing {
    struct worker *worker;
    struct moment moment;
    uint32_t told;
};

static int on_device(const struct xeniommu_device *device, const struct xeniommu_info *info,
                     void *arg)
{
    struct listing *listing = arg;

    monitor_record(&listing->worker->stress->monitor, listing->worker->reader, listing->moment,
                   device, info, "foreach");
    listing->told |= UINT32_C(1) << truth_index(device);
    return 0;
}

static void list(struct worker *worker)
{
    struct monitor *monitor = &worker->stress->monitor;
    struct listing listing = {.worker = worker, .moment = monitor_begin(monitor, worker->reader)};
    int rc = xeniommu_foreach(worker->reader->xi, on_device, &listing);

    monitor_ready(monitor, worker->reader, listing.moment, rc, "foreach");
    if (rc == 0)
        monitor_missing(monitor, listing.moment, listing.told);
}

static void wait_ready(struct worker *worker)
{
    struct monitor *monitor = &worker->stress->monitor;
    struct moment moment = monitor_begin(monitor, worker->reader);
    int rc = xeniommu_wait_ready(worker->reader->xi, (int)draw(&worker->chance, 4));

    if (rc != 0 && rc != -ETIMEDOUT)
        monitor_complain(monitor, "wait_ready: rc %d", rc);
    else
        monitor_ready(monitor, worker->reader, moment, rc, "wait_ready");
}

static void on_change(const struct xeniommu_device *device, const struct xeniommu_info *info,
                      void *arg)
{
    monitor_record(dispatching.monitor, arg, dispatching.moment, device, info, "callback");
}

static void dispatch(struct monitor *monitor, struct reader *reader)
{
    int rc;

    dispatching.monitor = monitor;
    dispatching.moment = monitor_begin(monitor, reader);
    rc = xeniommu_dispatch(reader->xi);
    if (rc != 0)
        monitor_complain(monitor, "dispatch: rc %d", rc);
}

static bool is_readable(struct reader *reader, int timeout_ms)
{
    struct pollfd pollfd = {.fd = xeniommu_fd(reader->xi), .events = POLLIN};

    return poll(&pollfd, 1, timeout_ms) == 1;
}

static void call(struct worker *worker)
{
    uint32_t which = draw(&worker->chance, 64);

    if (which < 4 && !worker->stress->all_calls)
        ask_stranger(worker);
    else if (which >= 8 || !worker->stress->all_calls)
        ask(worker, draw(&worker->chance, TRUTH_DEVICES), 0);
    else if (which < 2)
        wait_ready(worker);
    else if (which == 2)
        xeniommu_set_callback(worker->reader->xi, on_change, worker->reader);
    else if (which < 5)
        list(worker);
    else if (is_readable(worker->reader, 0))
        dispatch(&worker->stress->monitor, worker->reader);
}

/* ------------------------------------------------------------- handles and threads */

static void open_handles(struct stress *stress)
{
    unsigned int i;
    int rc;

    for (i = 0; i < stress->handles; i++) {
        monitor_raise(&stress->readers[i], atomic_load(&stress->monitor.progress.committed),
                      "open");
        rc = xeniommu_open(&stress->readers[i].xi, 0);
        if (rc != 0)
            errx(1, "open: %d", rc);
    }
}

static void close_handles(struct stress *stress)
{
    unsigned int i;

    for (i = 0; i < stress->handles; i++)
        xeniommu_close(stress->readers[i].xi);
}

static void start_workers(struct stress *stress, struct worker workers[THREADS_MAX],
                          void *(*run)(void *worker))
{
    unsigned int i;

    stress->stop = false;
    stress->target = 0;
    open_handles(stress);
    for (i = 0; i < stress->threads; i++) {
        workers[i] = (struct worker){.stress = stress,
                                     .reader = &stress->readers[i % stress->handles],
                                     .number = i,
                                     .chance = i * 7919,
                                     .stranger = 0x10000 + i};
        if (pthread_create(&workers[i].thread, NULL, run, &workers[i]) != 0)
            errx(1, "cannot create %u threads", stress->threads);
    }
}

static void join_workers(struct stress *stress, struct worker workers[THREADS_MAX])
{
    unsigned int i;

    for (i = 0; i < stress->threads; i++)
        pthread_join(workers[i].thread, NULL);
    close_handles(stress);
}

static uint32_t write_next(struct stress *stress)
{
    struct writer_progress *progress = &stress->monitor.progress;
    uint32_t generation = atomic_load(&progress->begun) + 1;

    atomic_store(&progress->begun, generation);
    truth_write(stress->xs, generation);
    atomic_store(&progress->committed, generation);
    return generation;
}

/* ------------------------------------------------------------- everybody as fast as they can */

/* Asks of each device until the answer is that of the generation that everything stopped at. */
static void arrive(struct worker *worker, uint32_t target)
{
    int64_t deadline = now_ms() + PATIENCE_MS;
    unsigned int index;

    for (index = 0; index < TRUTH_DEVICES; index++) {
        while (!ask(worker, index, target)) {
            if (now_ms() > deadline) {
                monitor_complain(&worker->stress->monitor,
                                 "thread %u: device %u: generation %" PRIu32 " is not seen",
                                 worker->number, index, target);
                break;
            }
            pause_us(200);
        }
    }
    atomic_fetch_add(&worker->stress->there, 1);
}

static void *run_freely(void *arg)
{
    struct worker *worker = arg;
    struct stress *stress = worker->stress;
    uint32_t target, arrived = 0;
    unsigned int i;

    while (!atomic_load(&stress->stop)) {
        target = atomic_load(&stress->target);
        if (target > arrived) {
            arrive(worker, target);
            arrived = target;
        }
        for (i = 0; i < 8; i++)
            call(worker);
        pause_us(300); /* so that few processors suffice for all */
    }
    return NULL;
}

/* Some generations, then none until every thread has seen the last one. */
static void burst(struct stress *stress, uint32_t *chance)
{
    int64_t deadline = now_ms() + 2 * PATIENCE_MS;
    uint32_t i, count = 1 + draw(chance, BURST), last = 0;

    for (i = 0; i < count; i++) {
        last = write_next(stress);
        pause_us(draw(chance, 3000));
    }
    atomic_store(&stress->there, 0);
    atomic_store(&stress->target, last);
    while (atomic_load(&stress->there) < stress->threads && now_ms() < deadline)
        pause_us(500);
    if (atomic_load(&stress->there) < stress->threads)
        errx(1, "%u of %u threads hang", stress->threads - atomic_load(&stress->there),
             stress->threads);
}

static void phase_free(struct stress *stress, bool all_calls)
{
    struct worker workers[THREADS_MAX];
    int64_t deadline = now_ms() + stress->phase_ms;
    uint32_t chance = 1;
    unsigned int bursts = 0;

    stress->all_calls = all_calls;
    start_workers(stress, workers, run_freely);
    while (bursts < 2 || now_ms() < deadline) {
        burst(stress, &chance);
        bursts++;
    }
    atomic_store(&stress->stop, true);
    join_workers(stress, workers);
}

/* ------------------------------------------------------------- the descriptor's word */

/* Dispatches until the descriptor is quiet. Nothing is written meanwhile, and the first query's
 * answer came behind the event of the handle's new watch: so no event is outstanding afterwards. */
static void quieten(struct stress *stress, struct reader *reader)
{
    struct xeniommu_device device = truth_device(0);
    int64_t deadline = now_ms() + PATIENCE_MS;
    struct xeniommu_info info;

    query(reader, &device, &info);
    while (is_readable(reader, 0)) {
        dispatch(&stress->monitor, reader);
        if (now_ms() > deadline)
            errx(1, "the descriptor stays readable");
    }
}

static void *run_in_step(void *arg)
{
    struct worker *worker = arg;
    struct stress *stress = worker->stress;
    uint32_t generation;
    unsigned int i;

    for (;;) {
        pthread_barrier_wait(&stress->barrier);
        if (atomic_load(&stress->stop))
            return NULL;
        generation = atomic_load(&stress->target);
        for (i = 0; i < TRUTH_DEVICES; i++)
            if (!ask(worker, (i + worker->number) % TRUTH_DEVICES, generation))
                monitor_complain(&stress->monitor, "the descriptor was readable for %" PRIu32,
                                 generation);
        if (worker->number % 8 == 0)
            list(worker);
        pthread_barrier_wait(&stress->barrier);
    }
}

/* One generation at a time. Once a handle's descriptor is readable for it, the threads are let go:
 * the first answer that each gets must be of that generation. */
static void phase_in_step(struct stress *stress)
{
    struct worker workers[THREADS_MAX];
    int64_t deadline = now_ms() + stress->phase_ms;
    unsigned int i, rounds = 0;
    uint32_t generation;

    pthread_barrier_init(&stress->barrier, NULL, stress->threads + 1);
    start_workers(stress, workers, run_in_step);
    while (rounds++ < 2 || now_ms() < deadline) {
        for (i = 0; i < stress->handles; i++)
            quieten(stress, &stress->readers[i]);
        generation = write_next(stress);
        for (i = 0; i < stress->handles; i++) {
            if (!is_readable(&stress->readers[i], PATIENCE_MS))
                monitor_complain(&stress->monitor, "handle %u: no event came", i);
            monitor_raise(&stress->readers[i], generation, "the descriptor");
        }
        atomic_store(&stress->target, generation);
        pthread_barrier_wait(&stress->barrier);
        pthread_barrier_wait(&stress->barrier);
    }
    atomic_store(&stress->stop, true);
    pthread_barrier_wait(&stress->barrier);
    join_workers(stress, workers);
    pthread_barrier_destroy(&stress->barrier);
}

/* ------------------------------------------------------------- handles that come and go */

static void *open_and_close(void *arg)
{
    struct worker *worker = arg;
    struct monitor *monitor = &worker->stress->monitor;
    unsigned int i;
    int rc;

    worker->reader = &worker->own;
    for (i = 0; i < 4; i++) {
        monitor_raise(&worker->own, atomic_load(&monitor->progress.committed), "open");
        rc = xeniommu_open(&worker->own.xi, 0);
        if (rc != 0) {
            monitor_complain(monitor, "thread %u: open: rc %d", worker->number, rc);
            continue;
        }
        ask(worker, i, 0);
        list(worker);
        xeniommu_close(worker->own.xi);
    }
    return NULL;
}

/* All threads at once, beside handles that stay. */
static void phase_open(struct stress *stress)
{
    struct worker workers[THREADS_MAX];
    uint32_t i;

    start_workers(stress, workers, open_and_close);
    for (i = 0; i < BURST; i++)
        write_next(stress);
    join_workers(stress, workers);
}

static void report(const struct stress *stress, const char *phase)
{
    printf("%-22s %8" PRIu64 " answers, %" PRIu64 " busy, %" PRIu64 " wrong; generation %" PRIu32
           "\n",
           phase, stress->monitor.answers, stress->monitor.busy, stress->monitor.wrong,
           stress->monitor.progress.begun);
    fflush(stdout);
}

int main(int argc, char **argv)
{
    static struct stress stress;

    if (argc < 3)
        errx(2, "usage: stress HANDLES SECONDS [THREADS]");
    stress.handles = (unsigned int)atoi(argv[1]);
    stress.phase_ms = (int64_t)(atof(argv[2]) * 1000 / 3);
    stress.threads = argc > 3 ? (unsigned int)atoi(argv[3]) : THREADS_MAX;
    if (stress.threads > THREADS_MAX || stress.handles < 1 || stress.handles > stress.threads)
        errx(2, "1 to %d threads, and no more handles", THREADS_MAX);
    stress.xs = xs_open(0);
    if (stress.xs == NULL)
        err(1, "xs_open");
    write_next(&stress);
    phase_open(&stress);
    report(&stress, "open and close");
    phase_free(&stress, false);
    report(&stress, "queries");
    phase_free(&stress, true);
    report(&stress, "all calls");
    phase_in_step(&stress);
    report(&stress, "the descriptor's word");
    xs_close(stress.xs);
    return stress.monitor.wrong == 0 ? 0 : 1;
}
