/* SPDX-License-Identifier: MIT */
/* libxenevtchn. */
#include "evtchn.h"

#include "fake.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <unistd.h>
#include <xen/xen.h>
#include <xenevtchn.h>

struct binding {
    struct store_channel *channel; /* NULL: a free port */
    int fifo;
    uint32_t domid;
};

static pthread_mutex_t bindings_lock = PTHREAD_MUTEX_INITIALIZER;
static struct binding *bindings; /* index: port - PORT_BASE */
static uint32_t binding_count;

static xenevtchn_handle *handle_new(int fd, int lockfd)
{
    xenevtchn_handle *handle = calloc(1, sizeof(*handle));

    if (!handle)
        return NULL;
    handle->fd = fd;
    handle->lockfd = lockfd;
    handle->state = state_map("evtchn.state");
    if (!handle->state) {
        free(handle);
        return NULL;
    }
    return handle;
}

/* One xenstored per state directory. The descriptor that holds the lock, or -1. */
static int take_lock(void)
{
    char path[PATH_MAX];
    int fd;

    if (state_path(path, sizeof(path), "evtchn.lock"))
        return -1;
    fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB)) {
        close(fd);
        errno = EBUSY;
        return -1;
    }
    return fd;
}

static void reset_channel(const char *name)
{
    struct store_channel *channel;

    if (strncmp(name, "chan-", 5) != 0 || strchr(name, '.'))
        return;
    channel = state_map(name);
    if (!channel)
        return;
    channel->local_port = channel->to_daemon = channel->to_guest = 0;
    munmap(channel, STATE_PAGE);
}

/* Forgets what a dead predecessor had bound and left pending. */
static void reset_channels(xenevtchn_handle *handle)
{
    DIR *dir = opendir(state_dir());
    struct dirent *entry;
    uint32_t stale;

    while (dir && (entry = readdir(dir)))
        reset_channel(entry->d_name);
    if (dir)
        closedir(dir);
    while (read(handle->fd, &stale, sizeof(stale)) > 0)
        ;
    handle->state->virq_pending = 0;
}

EXPORT xenevtchn_handle *xenevtchn_open(struct xentoollog_logger *logger, unsigned int flags)
{
    xenevtchn_handle *handle = NULL;
    int fd = -1, lockfd;

    (void)logger;
    if (fault("xenevtchn_open"))
        return NULL;
    lockfd = take_lock();
    if (lockfd < 0)
        return NULL;
    fd = state_fifo("evtchn.fifo", !(flags & XENEVTCHN_NO_CLOEXEC));
    if (fd >= 0)
        handle = handle_new(fd, lockfd);
    if (!handle) {
        if (fd >= 0)
            close(fd);
        close(lockfd);
        return NULL;
    }
    reset_channels(handle);
    return handle;
}

EXPORT xenevtchn_handle *xenevtchn_fdopen(struct xentoollog_logger *logger, int fd,
                                          unsigned int flags)
{
    (void)logger;
    (void)flags;
    return fault("xenevtchn_fdopen") ? NULL : handle_new(fd, -1);
}

EXPORT int xenevtchn_close(xenevtchn_handle *handle)
{
    if (!handle)
        return 0;
    close(handle->fd);
    if (handle->lockfd >= 0)
        close(handle->lockfd);
    munmap(handle->state, STATE_PAGE);
    free(handle);
    return 0;
}

EXPORT int xenevtchn_fd(xenevtchn_handle *handle)
{
    return handle->fd;
}

/* The lock is held. */
static struct binding *find_binding(evtchn_port_t port)
{
    uint32_t index = port - PORT_BASE;

    if (port < PORT_BASE || index >= binding_count || !bindings[index].channel)
        return NULL;
    return &bindings[index];
}

/* The lowest free port, as Xen: oxenstored relies on getting the same number back when it binds
 * again. 0 without memory. */
static evtchn_port_t add_binding(struct binding binding)
{
    struct binding *larger;
    uint32_t index = 0;

    while (index < binding_count && bindings[index].channel)
        index++;
    if (index == binding_count) {
        larger = realloc(bindings, (binding_count + 1) * sizeof(*bindings));
        if (!larger)
            return 0;
        bindings = larger;
        binding_count++;
    }
    bindings[index] = binding;
    return PORT_BASE + index;
}

EXPORT xenevtchn_port_or_error_t xenevtchn_bind_interdomain(xenevtchn_handle *handle,
                                                            uint32_t domid, evtchn_port_t remote)
{
    struct binding binding = {.domid = domid};
    evtchn_port_t port;

    if (fault("xenevtchn_bind_interdomain"))
        return -1;
    if (!domain_exists(domid) || !remote) {
        errno = remote ? ESRCH : EINVAL;
        return -1;
    }
    binding.channel = state_map_domain("chan", domid);
    binding.fifo = binding.channel ? state_fifo_domain(domid) : -1;
    if (binding.fifo < 0)
        return -1;
    pthread_mutex_lock(&bindings_lock);
    port = add_binding(binding);
    pthread_mutex_unlock(&bindings_lock);
    if (!port) {
        munmap(binding.channel, STATE_PAGE);
        close(binding.fifo);
        errno = ENOMEM;
        return -1;
    }
    binding.channel->to_daemon = 0;
    binding.channel->local_port = port;
    state_raise(&binding.channel->to_daemon, handle->fd, port); /* Xen leaves it pending at bind */
    return (xenevtchn_port_or_error_t)port;
}

bool evtchn_bound_to_others(const struct domain *domains, size_t count)
{
    bool found = false;

    pthread_mutex_lock(&bindings_lock);
    for (uint32_t i = 0; i < binding_count; i++)
        if (bindings[i].channel && !domains_find(domains, count, bindings[i].domid))
            found = true;
    pthread_mutex_unlock(&bindings_lock);
    return found;
}

EXPORT int xenevtchn_unbind(xenevtchn_handle *handle, evtchn_port_t port)
{
    struct binding *binding;
    int rc = 0;

    (void)handle;
    if (port == VIRQ_PORT)
        return 0;
    pthread_mutex_lock(&bindings_lock);
    binding = find_binding(port);
    if (binding) {
        if (binding->channel->local_port == port)
            binding->channel->local_port = 0;
        munmap(binding->channel, STATE_PAGE);
        close(binding->fifo);
        binding->channel = NULL;
    } else {
        errno = ENOTCONN;
        rc = -1;
    }
    pthread_mutex_unlock(&bindings_lock);
    return rc;
}

EXPORT int xenevtchn_notify(xenevtchn_handle *handle, evtchn_port_t port)
{
    struct binding *binding;
    int rc = 0;

    (void)handle;
    pthread_mutex_lock(&bindings_lock);
    binding = find_binding(port);
    if (binding) {
        state_raise(&binding->channel->to_guest, binding->fifo, port);
    } else {
        errno = ENOTCONN;
        rc = -1;
    }
    pthread_mutex_unlock(&bindings_lock);
    return rc;
}

/* Blocks, as the real device does. */
static int read_port(int fd, uint32_t *port)
{
    struct pollfd pollfd = {.fd = fd, .events = POLLIN};
    ssize_t length;

    while ((length = read(fd, port, sizeof(*port))) != sizeof(*port)) {
        if (length < 0 && errno != EAGAIN && errno != EINTR)
            return -1;
        if (poll(&pollfd, 1, -1) < 0 && errno != EINTR)
            return -1;
    }
    return 0;
}

EXPORT xenevtchn_port_or_error_t xenevtchn_pending(xenevtchn_handle *handle)
{
    struct binding *binding;
    uint32_t port;

    if (read_port(handle->fd, &port))
        return -1;
    if (port == VIRQ_PORT) {
        handle->state->virq_pending = 0;
        return VIRQ_PORT;
    }
    pthread_mutex_lock(&bindings_lock);
    binding = find_binding(port);
    if (binding)
        binding->channel->to_daemon = 0;
    pthread_mutex_unlock(&bindings_lock);
    return (xenevtchn_port_or_error_t)port;
}

EXPORT int xenevtchn_unmask(xenevtchn_handle *handle, evtchn_port_t port)
{
    (void)handle;
    (void)port;
    return 0;
}

EXPORT xenevtchn_port_or_error_t xenevtchn_bind_virq(xenevtchn_handle *handle, unsigned int virq)
{
    if (fault("xenevtchn_bind_virq"))
        return -1;
    if (virq != VIRQ_DOM_EXC) {
        errno = EINVAL;
        return -1;
    }
    return virq_start(handle) ? -1 : VIRQ_PORT;
}
