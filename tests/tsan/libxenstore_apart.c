/* SPDX-License-Identifier: MIT */
/* Stands between libxeniommu and libxenstore in a program that runs under ThreadSanitizer, and has
 * it look away while a request is made. For when xenstored dies, libxenstore's reader thread and
 * whoever makes a request both close the socket: a race between libxenstore's own functions, under
 * no lock of ours. A suppression does not do. To find out that one applies the runtime opens files
 * with its lock held, which are cancellation points, and libxenstore ends its reader by
 * cancellation: now and then the whole program stood still. */
#include <dlfcn.h>
#include <stdlib.h>
#include <xenstore.h>

/* ThreadSanitizer's runtime exports them, and no header declares them. */
void __tsan_ignore_thread_begin(void);
void __tsan_ignore_thread_end(void);

/* The function of this name in libxenstore. It copies the address: C has no conversion for it. */
static void look_away(const char *name, void *function)
{
    void *found = dlsym(RTLD_NEXT, name);

    if (found == NULL)
        abort();
    *(void **)function = found;
    __tsan_ignore_thread_begin();
}

static void look_again(void)
{
    __tsan_ignore_thread_end();
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
