/* SPDX-License-Identifier: MIT */
#include "fake_xenstore.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xenstore.h>

#ifndef NODES_MAX /* fewer are faster */
#define NODES_MAX 4096
#endif
#define PATH_MAX_FAKE 128
#define WATCHES_MAX   16
#define EVENTS_MAX    4096
#define FAILURES_MAX  8

struct node {
    bool used;
    char path[PATH_MAX_FAKE];
    char *value; /* a null byte follows it */
    size_t length;
    unsigned int owner;
    unsigned int reader; /* 0: nobody but dom0 */
    bool reader_writes;  /* too */
    bool open;           /* to everybody, to read */
};

/* A store; a transaction works on a copy. */
struct state {
    struct node nodes[NODES_MAX];
    unsigned long changes;
};

static struct state committed, working;
static bool open_transaction;
static unsigned long started_at;
static int operations, commits;
static struct {
    char call[16];
    int error, count, later;
} failures[FAILURES_MAX];
static void (*before_commit)(void);
static struct watch {
    char path[PATH_MAX_FAKE], token[PATH_MAX_FAKE];
} watches[WATCHES_MAX], events[EVENTS_MAX];
static size_t watch_count, event_count, event_next;

static struct state *current(xs_transaction_t t)
{
    return t == XBT_NULL ? &committed : &working;
}

static void clear(struct state *state)
{
    for (size_t i = 0; i < NODES_MAX; i++)
        free(state->nodes[i].value);
    memset(state, 0, sizeof(*state));
}

static char *duplicate(const char *value, size_t length)
{
    char *copy = malloc(length + 1);

    if (!copy)
        abort();
    memcpy(copy, value, length);
    copy[length] = '\0';
    return copy;
}

static void copy(struct state *to, const struct state *from)
{
    clear(to);
    *to = *from;
    for (size_t i = 0; i < NODES_MAX; i++)
        if (to->nodes[i].used)
            to->nodes[i].value = duplicate(from->nodes[i].value, from->nodes[i].length);
}

static struct node *find(struct state *state, const char *path)
{
    for (size_t i = 0; i < NODES_MAX; i++)
        if (state->nodes[i].used && strcmp(state->nodes[i].path, path) == 0)
            return &state->nodes[i];
    return NULL;
}

/* As xenstored: missing parents are made, and a new node has its parent's permissions. */
static struct node *make(struct state *state, const char *path)
{
    struct node *node = find(state, path), *parent = NULL;
    char up[PATH_MAX_FAKE];
    char *slash;

    if (node)
        return node;
    snprintf(up, sizeof(up), "%s", path);
    slash = strrchr(up, '/');
    if (slash && slash != up) {
        *slash = '\0';
        parent = make(state, up);
    }
    for (node = state->nodes; node->used; node++)
        if (node == &state->nodes[NODES_MAX - 1])
            abort();
    node->used = true;
    snprintf(node->path, sizeof(node->path), "%s", path);
    node->value = strdup("");
    node->reader = parent ? parent->reader : 0;
    node->open = parent && parent->open;
    return node;
}

static bool below(const char *path, const char *directory)
{
    size_t length = strlen(directory);

    return strncmp(path, directory, length) == 0 && (path[length] == '/' || !path[length]);
}

static bool failing(const char *call)
{
    for (size_t i = 0; i < FAILURES_MAX; i++) {
        if (!failures[i].count || strcmp(call, failures[i].call) != 0)
            continue;
        if (failures[i].later) {
            failures[i].later--;
            return false;
        }
        failures[i].count--;
        errno = failures[i].error;
        return true;
    }
    return false;
}

static void put(struct state *state, const char *path, const char *value, size_t length)
{
    struct node *node = make(state, path);

    free(node->value);
    node->value = duplicate(value, length);
    node->length = length;
    state->changes++;
}

static bool drop(struct state *state, const char *path)
{
    bool any = false;

    for (size_t i = 0; i < NODES_MAX; i++) {
        struct node *node = &state->nodes[i];

        if (!node->used || !below(node->path, path))
            continue;
        free(node->value);
        *node = (struct node){0};
        any = true;
    }
    state->changes += any;
    return any;
}

/* ------------------------------------------------------------- watches */

void fake_event(const char *path, const char *token)
{
    if (event_count == EVENTS_MAX)
        abort();
    snprintf(events[event_count].path, PATH_MAX_FAKE, "%s", path);
    snprintf(events[event_count++].token, PATH_MAX_FAKE, "%s", token);
}

void fake_forget_events(void)
{
    event_count = event_next = 0;
}

/* As xenstored: whoever watches it or what is above it; of a removal, what is below it too. */
static void fire(const char *path, bool removed)
{
    for (size_t i = 0; i < watch_count; i++)
        if (below(path, watches[i].path))
            fake_event(path, watches[i].token);
        else if (removed && below(watches[i].path, path))
            fake_event(watches[i].path, watches[i].token);
}

/* ------------------------------------------------------------- for the tests */

void fake_reset(void)
{
    watch_count = 0;
    fake_forget_events();
    clear(&committed);
    clear(&working);
    open_transaction = false;
    operations = commits = 0;
    memset(failures, 0, sizeof(failures));
    before_commit = NULL;
}

void fake_put(const char *path, const char *value)
{
    fake_put_bytes(path, value, strlen(value));
}

void fake_put_bytes(const char *path, const void *value, size_t length)
{
    put(&committed, path, value, length);
    fire(path, false);
}

void fake_remove(const char *path)
{
    if (drop(&committed, path))
        fire(path, true);
}

void fake_chmod(const char *path, unsigned int reader)
{
    find(&committed, path)->reader = reader;
}

void fake_own(const char *path, unsigned int owner)
{
    find(&committed, path)->owner = owner;
}

void fake_let_write(const char *path, unsigned int domid)
{
    fake_chmod(path, domid);
    find(&committed, path)->reader_writes = true;
}

const char *fake_get(const char *path)
{
    const struct node *node = find(&committed, path);

    return node ? node->value : NULL;
}

const char *fake_permissions(const char *path)
{
    static char text[16];
    const struct node *node = find(&committed, path);

    if (!node)
        return "";
    snprintf(text, sizeof(text), node->reader ? "%c0,r%u" : "%c0", node->open ? 'r' : 'n',
             node->reader);
    return text;
}

int fake_count(const char *path)
{
    int count = 0;

    for (size_t i = 0; i < NODES_MAX; i++)
        count += committed.nodes[i].used && below(committed.nodes[i].path, path);
    return count;
}

int fake_operations(void)
{
    return operations;
}

int fake_commits(void)
{
    return commits;
}

/* Where a kind's failure is kept, or may be. */
static size_t failure_slot(const char *call)
{
    size_t at = 0;

    while (at < FAILURES_MAX && strcmp(call, failures[at].call) != 0)
        at++;
    for (size_t i = 0; at == FAILURES_MAX && i < FAILURES_MAX; i++)
        if (!failures[i].count)
            at = i;
    if (at == FAILURES_MAX)
        abort();
    return at;
}

static void fail_after(const char *call, int error, int count, int later)
{
    size_t at = failure_slot(call);

    snprintf(failures[at].call, sizeof(failures[at].call), "%s", call);
    failures[at].error = error;
    failures[at].count = count;
    failures[at].later = later;
}

void fake_fail(const char *call, int error, int count)
{
    fail_after(call, error, count, 0);
}

void fake_fail_later(const char *call, int error, int later)
{
    fail_after(call, error, 1, later);
}

void fake_fail_from(const char *call, int error, int later)
{
    fail_after(call, error, INT_MAX, later);
}

void fake_before_commit(void (*fn)(void))
{
    before_commit = fn;
}

/* ------------------------------------------------------------- libxenstore */

const char *xs_daemon_socket(void)
{
    return "/nonexistent/socket";
}

/* As the library does, in its own way. */
static void need(const struct xs_handle *h)
{
    if (!h)
        abort();
}

struct xs_handle *xs_open(unsigned long flags)
{
    (void)flags;
    return failing("open") ? NULL : (struct xs_handle *)&committed;
}

void xs_close(struct xs_handle *h)
{
    (void)h;
    watch_count = 0;
    fake_forget_events();
}

int xs_fileno(struct xs_handle *h)
{
    need(h);
    return -1;
}

bool xs_watch(struct xs_handle *h, const char *path, const char *token)
{
    need(h);
    if (failing("watch"))
        return false;
    if (watch_count == WATCHES_MAX)
        abort();
    snprintf(watches[watch_count].path, PATH_MAX_FAKE, "%s", path);
    snprintf(watches[watch_count++].token, PATH_MAX_FAKE, "%s", token);
    /* xenstored fires every watch once when it is set. */
    fake_event(path, token);
    return true;
}

bool xs_unwatch(struct xs_handle *h, const char *path, const char *token)
{
    need(h);
    if (failing("unwatch"))
        return false;
    for (size_t i = 0; i < watch_count; i++) {
        if (strcmp(watches[i].path, path) != 0 || strcmp(watches[i].token, token) != 0)
            continue;
        watches[i] = watches[--watch_count];
        return true;
    }
    errno = ENOENT;
    return false;
}

char **xs_check_watch(struct xs_handle *h)
{
    const struct watch *event = &events[event_next];
    char **copy, *text;

    need(h);
    if (failing("check"))
        return NULL;
    if (event_next == event_count) {
        fake_forget_events();
        errno = EAGAIN;
        return NULL;
    }
    event_next++;
    copy = malloc(2 * sizeof(*copy) + 2 * PATH_MAX_FAKE);
    if (!copy)
        abort();
    text = (char *)(copy + 2);
    copy[XS_WATCH_PATH] = memcpy(text, event->path, PATH_MAX_FAKE);
    copy[XS_WATCH_TOKEN] = memcpy(text + PATH_MAX_FAKE, event->token, PATH_MAX_FAKE);
    return copy;
}

void *xs_read(struct xs_handle *h, xs_transaction_t t, const char *path, unsigned int *len)
{
    struct node *node = find(current(t), path);

    need(h);
    if (failing("read"))
        return NULL;
    if (!node) {
        errno = ENOENT;
        return NULL;
    }
    if (len)
        *len = (unsigned int)node->length;
    return duplicate(node->value, node->length);
}

static bool is_child(const struct node *node, const char *path)
{
    size_t length = strlen(path);

    return node->used && strncmp(node->path, path, length) == 0 && node->path[length] == '/' &&
           !strchr(node->path + length + 1, '/');
}

char **xs_directory(struct xs_handle *h, xs_transaction_t t, const char *path, unsigned int *num)
{
    struct state *state = current(t);
    unsigned int count = 0, at = 0;
    size_t room = 0;
    char **names, *text;

    need(h);
    if (failing("directory"))
        return NULL;
    if (!find(state, path)) {
        errno = ENOENT;
        return NULL;
    }
    for (size_t i = 0; i < NODES_MAX; i++) {
        if (is_child(&state->nodes[i], path)) {
            count++;
            room += PATH_MAX_FAKE;
        }
    }
    names = malloc(count * sizeof(*names) + room + 1);
    if (!names)
        return NULL;
    text = (char *)(names + count);
    for (size_t i = 0; i < NODES_MAX; i++) {
        if (!is_child(&state->nodes[i], path))
            continue;
        names[at] = text + at * PATH_MAX_FAKE;
        snprintf(names[at++], PATH_MAX_FAKE, "%s", strrchr(state->nodes[i].path, '/') + 1);
    }
    *num = count;
    return names;
}

bool xs_write(struct xs_handle *h, xs_transaction_t t, const char *path, const void *data,
              unsigned int len)
{
    need(h);
    if (failing("write"))
        return false;
    operations++;
    put(current(t), path, data, len);
    return true;
}

bool xs_mkdir(struct xs_handle *h, xs_transaction_t t, const char *path)
{
    need(h);
    if (failing("mkdir"))
        return false;
    operations++;
    make(current(t), path);
    return true;
}

bool xs_rm(struct xs_handle *h, xs_transaction_t t, const char *path)
{
    need(h);
    if (failing("rm"))
        return false;
    if (drop(current(t), path)) {
        operations++;
        return true;
    }
    errno = ENOENT;
    return false;
}

struct xs_permissions *xs_get_permissions(struct xs_handle *h, xs_transaction_t t, const char *path,
                                          unsigned int *num)
{
    struct node *node = find(current(t), path);
    struct xs_permissions *permissions = calloc(2, sizeof(*permissions));

    need(h);
    if (!node || !permissions || failing("get")) {
        free(permissions);
        errno = node ? EIO : ENOENT;
        return NULL;
    }
    permissions[0].id = node->owner;
    permissions[1].id = node->reader;
    permissions[1].perms = node->reader_writes ? XS_PERM_READ | XS_PERM_WRITE : XS_PERM_READ;
    *num = node->reader ? 2 : 1;
    return permissions;
}

bool xs_set_permissions(struct xs_handle *h, xs_transaction_t t, const char *path,
                        struct xs_permissions *perms, unsigned int num)
{
    need(h);
    if (failing("set"))
        return false;
    if (!find(current(t), path)) {
        errno = ENOENT;
        return false;
    }
    operations++;
    make(current(t), path)->reader = num > 1 ? perms[1].id : 0;
    make(current(t), path)->open = perms[0].perms != XS_PERM_NONE;
    return true;
}

xs_transaction_t xs_transaction_start(struct xs_handle *h)
{
    need(h);
    if (failing("start") || open_transaction)
        return XBT_NULL;
    copy(&working, &committed);
    started_at = committed.changes;
    open_transaction = true;
    return 1;
}

bool xs_transaction_end(struct xs_handle *h, xs_transaction_t t, bool abort_it)
{
    void (*fn)(void) = before_commit;

    need(h);
    (void)t;
    open_transaction = false;
    before_commit = NULL;
    if (fn)
        fn();
    if (abort_it)
        return !failing("abort");
    if (failing("end"))
        return false;
    if (committed.changes != started_at) {
        errno = EAGAIN;
        return false;
    }
    copy(&committed, &working);
    commits++;
    return true;
}
