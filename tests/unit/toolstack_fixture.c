/* SPDX-License-Identifier: MIT */
#include "toolstack_fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "devicetree_builder.h"

int failing_read;

ssize_t __wrap_read(int fd, void *buffer, size_t size);
ssize_t __real_read(int fd, void *buffer, size_t size);

ssize_t __wrap_read(int fd, void *buffer, size_t size)
{
    if (!failing_read)
        return __real_read(fd, buffer, size);
    errno = failing_read;
    return -1;
}

/* ------------------------------------------------------------- files */

static char *root; /* the sysroot, a fresh folder for each test */

const char *at(const char *path)
{
    static char paths[2][512];
    static int turn;

    turn = !turn;
    snprintf(paths[turn], sizeof(paths[turn]), "%s%s", root, path);
    return paths[turn];
}

const char *in_xen(const char *name)
{
    char path[256];

    snprintf(path, sizeof(path), "/var/lib/xen/%s", name);
    return at(path);
}

void write_file(const char *path, const void *bytes, size_t size)
{
    FILE *file = fopen(path, "wb");

    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, size, file), size);
    assert_int_equal(fclose(file), 0);
}

void write_bytes(const char *bytes, size_t size)
{
    write_file(in_xen(RECORD ".new"), bytes, size);
    assert_int_equal(rename(in_xen(RECORD ".new"), in_xen(RECORD)), 0);
}

void write_record(const char *text)
{
    write_bytes(text, strlen(text) + 1);
}

void write_libxls_record(const char *text)
{
    if (access(at("/" BIRTH), F_OK))
        write_file(at("/" BIRTH), "", 0);
    write_record(text);
}

void end_domain(void)
{
    unlink(in_xen(RECORD));
    unlink(at("/" BIRTH));
}

void backdate(const char *path, time_t seconds)
{
    struct timespec times[2] = {{time(NULL) - seconds, 0}, {time(NULL) - seconds, 0}};

    assert_int_equal(utimensat(AT_FDCWD, path, times, 0), 0);
}

int toolstack_set_up(void **state)
{
    char template[] = "/tmp/test_toolstack-XXXXXX";

    (void)state;
    failing_read = 0;
    root = mkdtemp(template) ? strdup(template) : NULL;
    return root && !mkdir(at("/var"), 0700) && !mkdir(at("/var/lib"), 0700) &&
                   !mkdir(at("/var/lib/xen"), 0700)
               ? 0
               : -1;
}

int toolstack_tear_down(void **state)
{
    char command[300];

    (void)state;
    snprintf(command, sizeof(command), "rm -rf '%s'", root);
    free(root);
    return system(command);
}

void write_partial(const char *folder, const char *node, const void *xen_path, size_t size)
{
    struct tree_builder builder;

    tree_begin(&builder);
    tree_node(&builder, folder);
    tree_node(&builder, node);
    tree_property(&builder, "xen,path", xen_path, size);
    tree_end(&builder);
    tree_end(&builder);
    tree_finish(&builder);
    write_file(at("/partial.dtb"), builder.bytes, builder.size);
    tree_free(&builder);
}

void write_good_partial(const char *node)
{
    write_partial("passthrough", node, HOST, sizeof(HOST));
}

/* ------------------------------------------------------------- the observer */

static int told_birth(void *arg, const uint8_t handle[16], struct timespec *born)
{
    struct stat st;

    (void)arg;
    (void)handle;
    if (stat(at("/" BIRTH), &st))
        return -errno;
    *born = st.st_mtim;
    return 0;
}

struct toolstack_observer *open_observer(void)
{
    struct toolstack_observer *observer;

    assert_int_equal(toolstack_observer_open(&observer, root, NULL, told_birth, NULL), 0);
    return observer;
}

bool is_readable(const struct toolstack_observer *observer)
{
    struct pollfd waited = {.fd = toolstack_observer_fd(observer), .events = POLLIN};

    return poll(&waited, 1, 0) == 1;
}

void take_events(struct toolstack_observer *observer)
{
    assert_true(is_readable(observer));
    assert_true(toolstack_observer_dispatch(observer));
    assert_int_equal(toolstack_observer_refresh(observer), 0);
}

void expect_one(const struct toolstack_observer *observer, enum dt_guest_path where,
                const char *guest_path)
{
    const struct dt_records *records = toolstack_observer_get(observer);

    assert_int_equal(records->count, 1);
    assert_int_equal(records->unread_count, 0);
    assert_false(records->incomplete);
    assert_string_equal(records->records[0].path, HOST);
    assert_int_equal(records->records[0].domid, 7);
    assert_memory_equal(records->records[0].handle, "\0\1\2\3\4\5\6\7\10\11\12\13\14\15\16\17", 16);
    assert_int_equal(records->records[0].where, where);
    if (guest_path)
        assert_string_equal(records->records[0].guest_path, guest_path);
    else
        assert_null(records->records[0].guest_path);
}

void expect_at_start(enum dt_guest_path where, const char *guest_path)
{
    struct toolstack_observer *observer = open_observer();

    expect_one(observer, where, guest_path);
    toolstack_observer_close(observer);
}

void expect_unread(const struct toolstack_observer *observer)
{
    const struct dt_records *records = toolstack_observer_get(observer);

    assert_int_equal(records->unread_count, 1);
    assert_int_equal(records->unread[0].domid, 7);
    assert_int_equal(records->unread[0].handle[15], 15);
    assert_true(toolstack_observer_wants_refresh(observer));
}
