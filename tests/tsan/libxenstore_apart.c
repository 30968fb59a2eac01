/* SPDX-License-Identifier: MIT */
/* Stands between libxeniommu and libxenstore in a program that runs under ThreadSanitizer, and has
 * it look away while a request is made, and from libxenstore's reader thread. For when xenstored
 * dies, that thread and whoever makes a request both close the socket, whose number may be another
 * one's by then: races between libxenstore's own functions, under no lock of ours. A suppression
 * does not do. To find out that one applies the runtime opens files with its lock held, which are
 * cancellation points, and libxenstore ends its reader by cancellation: now and then the whole
 * program stood still. */
#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <xenstore.h>

/* ThreadSanitizer's runtime exports them, and no header declares them. */
void __tsan_ignore_thread_begin(void);
void __tsan_ignore_thread_end(void);

/* This thread is in a request: what it starts is libxenstore's reader. */
static _Thread_local bool looks_away;

/* The function of this name in libxenstore. It copies the address: C has no conversion for it. */
static void look_away(const char *name, void *function)
{
    void *found = dlsym(RTLD_NEXT, name);

    if (found == NULL)
        abort();
    *(void **)function = found;
    looks_away = true;
    __tsan_ignore_thread_begin();
}

static void look_again(void)
{
    __tsan_ignore_thread_end();
    looks_away = false;
}

struct thread {
    void *(*run)(void *);
    void *arg;
};

static void look_again_at_the_end(void *unused)
{
    (void)unused;
    __tsan_ignore_thread_end();
}

static void *run_apart(void *arg)
{
    struct thread thread = *(struct thread *)arg;
    void *result;

    free(arg);
    __tsan_ignore_thread_begin();
    pthread_cleanup_push(look_again_at_the_end, NULL); /* it is cancelled */
    result = thread.run(thread.arg);
    pthread_cleanup_pop(1);
    return result;
}

int pthread_create(pthread_t *id, const pthread_attr_t *attr, void *(*run)(void *), void *arg)
{
    int (*function)(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *);
    struct thread *thread;
    int error;

    *(void **)&function = dlsym(RTLD_NEXT, "pthread_create");
    if (!looks_away)
        return function(id, attr, run, arg);
    thread = malloc(sizeof(*thread));
    if (thread == NULL)
        return EAGAIN;
    *thread = (struct thread){run, arg};
    error = function(id, attr, run_apart, thread);
    if (error != 0)
        free(thread);
    return error;
}

struct xs_handle *xs_open(unsigned long flags)
{
    struct xs_handle *(*function)(unsigned long);
    struct xs_handle *xs;

    look_away("xs_open", &function);
    xs = function(flags);
    look_again();
    return xs;
}

void xs_close(struct xs_handle *xs)
{
    void (*function)(struct xs_handle *);

    look_away("xs_close", &function);
    function(xs);
    look_again();
}

void *xs_read(struct xs_handle *xs, xs_transaction_t transaction, const char *path,
              unsigned int *len)
{
    void *(*function)(struct xs_handle *, xs_transaction_t, const char *, unsigned int *);
    void *value;

    look_away("xs_read", &function);
    value = function(xs, transaction, path, len);
    look_again();
    return value;
}

char **xs_directory(struct xs_handle *xs, xs_transaction_t transaction, const char *path,
                    unsigned int *count)
{
    char **(*function)(struct xs_handle *, xs_transaction_t, const char *, unsigned int *);
    char **names;

    look_away("xs_directory", &function);
    names = function(xs, transaction, path, count);
    look_again();
    return names;
}

bool xs_watch(struct xs_handle *xs, const char *path, const char *token)
{
    bool (*function)(struct xs_handle *, const char *, const char *);
    bool done;

    look_away("xs_watch", &function);
    done = function(xs, path, token);
    look_again();
    return done;
}

char **xs_check_watch(struct xs_handle *xs)
{
    char **(*function)(struct xs_handle *);
    char **event;

    look_away("xs_check_watch", &function);
    event = function(xs);
    look_again();
    return event;
}
