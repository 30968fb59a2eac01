/* SPDX-License-Identifier: MIT */
/*
 * The bare loop that the daemon is measured against: does given XenStore operations through
 * libxenstore, and nothing else.
 *   replay once FILE         does them once and prints how many microseconds it took
 *   replay relay PATH A B    at each watch event of PATH does those of A, next time of B, and so on
 * A line of a file is an operation and its arguments, separated by tabs:
 *   start | end COMMIT(0|1) | read PATH | list PATH | perms PATH | write PATH VALUE | mkdir PATH |
 *   rm PATH | chmod PATH PERMISSION...
 */
#include <err.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <xenstore.h>

#define ARGUMENTS 4

struct operation {
    char *words[ARGUMENTS]; /* NULL after the last */
};

struct script {
    struct operation *operations;
    size_t count;
};

static double now_us(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e6 + (double)now.tv_nsec / 1e3;
}

static struct operation parse_line(char *line)
{
    struct operation operation = {{NULL}};
    char *text = strdup(line), *save = NULL;

    if (!text)
        err(1, "no memory");
    text[strcspn(text, "\n")] = '\0';
    for (int i = 0; i < ARGUMENTS; i++)
        operation.words[i] = strtok_r(i ? NULL : text, "\t", &save);
    return operation;
}

static struct script load(const char *path)
{
    struct script script = {NULL, 0};
    FILE *file = fopen(path, "r");
    char line[8192];

    if (!file)
        err(1, "%s", path);
    while (fgets(line, sizeof(line), file)) {
        struct operation *larger =
            realloc(script.operations, (script.count + 1) * sizeof(*script.operations));

        if (!larger)
            err(1, "no memory");
        script.operations = larger;
        script.operations[script.count++] = parse_line(line);
    }
    fclose(file);
    return script;
}

static bool set_permissions(struct xs_handle *xsh, xs_transaction_t t,
                            const struct operation *operation)
{
    struct xs_permissions permissions[ARGUMENTS];
    unsigned int count = 0;

    for (int i = 2; i < ARGUMENTS && operation->words[i]; i++) {
        permissions[count].perms = *operation->words[i] == 'r' ? XS_PERM_READ : XS_PERM_NONE;
        permissions[count++].id = (unsigned int)strtoul(operation->words[i] + 1, NULL, 10);
    }
    return xs_set_permissions(xsh, t, operation->words[1], permissions, count);
}

/* What is read may be missing, as it was when the operations were recorded. */
static void perform_read(struct xs_handle *xsh, xs_transaction_t t, const char *name,
                         const char *path)
{
    unsigned int count;

    if (strcmp(name, "read") == 0)
        free(xs_read(xsh, t, path, &count));
    else if (strcmp(name, "list") == 0)
        free(xs_directory(xsh, t, path, &count));
    else
        free(xs_get_permissions(xsh, t, path, &count));
}

static bool perform_write(struct xs_handle *xsh, xs_transaction_t t,
                          const struct operation *operation)
{
    const char *name = operation->words[0], *path = operation->words[1];
    const char *value = operation->words[2] ? operation->words[2] : "";

    if (strcmp(name, "write") == 0)
        return xs_write(xsh, t, path, value, (unsigned int)strlen(value));
    if (strcmp(name, "mkdir") == 0)
        return xs_mkdir(xsh, t, path);
    if (strcmp(name, "rm") == 0)
        return xs_rm(xsh, t, path) || errno == ENOENT;
    return set_permissions(xsh, t, operation);
}

static void run(struct xs_handle *xsh, const struct script *script)
{
    xs_transaction_t t = XBT_NULL;

    for (size_t i = 0; i < script->count; i++) {
        const struct operation *operation = &script->operations[i];
        const char *name = operation->words[0];

        if (strcmp(name, "start") == 0) {
            t = xs_transaction_start(xsh);
            if (t == XBT_NULL)
                err(1, "start");
        } else if (strcmp(name, "end") == 0) {
            if (!xs_transaction_end(xsh, t, *operation->words[1] == '0'))
                err(1, "end");
            t = XBT_NULL;
        } else if (strcmp(name, "read") == 0 || strcmp(name, "list") == 0 ||
                   strcmp(name, "perms") == 0) {
            perform_read(xsh, t, name, operation->words[1]);
        } else if (!perform_write(xsh, t, operation)) {
            err(1, "%s %s", name, operation->words[1]);
        }
    }
}

static void take_event(struct xs_handle *xsh)
{
    unsigned int count;
    char **event = xs_read_watch(xsh, &count);

    if (!event)
        err(1, "xs_read_watch");
    free(event);
}

static void relay(struct xs_handle *xsh, const char *path, const char *first, const char *second)
{
    struct script scripts[2] = {load(first), load(second)};

    if (!xs_watch(xsh, path, "relay"))
        err(1, "%s", path);
    take_event(xsh); /* the one every new watch gets */
    puts("READY");
    fflush(stdout);
    for (unsigned int round = 0;; round++) {
        take_event(xsh);
        run(xsh, &scripts[round % 2]);
    }
}

int main(int argc, char **argv)
{
    struct xs_handle *xsh = xs_open(0);
    struct script script;
    double start;

    if (!xsh)
        err(1, "xs_open");
    if (argc == 5 && strcmp(argv[1], "relay") == 0)
        relay(xsh, argv[2], argv[3], argv[4]);
    if (argc != 3 || strcmp(argv[1], "once") != 0)
        errx(2, "usage: see the top of replay.c");
    script = load(argv[2]);
    start = now_us();
    run(xsh, &script);
    printf("%.1f\n", now_us() - start);
    return 0;
}
