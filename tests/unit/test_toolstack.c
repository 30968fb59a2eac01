/* SPDX-License-Identifier: MIT */
/* libxl's records of device tree devices, and the partial trees that they name, as real files. */
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
#include "observe/toolstack.h"
#include "unit.h"

#define UUID      "00010203-0405-0607-0809-0a0b0c0d0e0f"
#define RECORD    "userdata-d.7." UUID ".libxl-json"
#define XLS       "userdata-d.7." UUID ".xl"
#define HOST      "/soc/nic@1000"
#define DTDEVS    "\"dtdevs\": [{\"path\": \"" HOST "\"}]"
#define WITH_TREE "{" DTDEVS ", \"b_info\": {\"device_tree\": \"/partial.dtb\"}}"

static int failing_read; /* the errno that every read gives; 0 for none */

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

/* A path in the sysroot, valid until the next but one. */
static const char *at(const char *path)
{
    static char paths[2][512];
    static int turn;

    turn = !turn;
    snprintf(paths[turn], sizeof(paths[turn]), "%s%s", root, path);
    return paths[turn];
}

static const char *in_xen(const char *name)
{
    char path[256];

    snprintf(path, sizeof(path), "/var/lib/xen/%s", name);
    return at(path);
}

static void write_file(const char *path, const void *bytes, size_t size)
{
    FILE *file = fopen(path, "wb");

    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, size, file), size);
    assert_int_equal(fclose(file), 0);
}

/* As libxl does: a new file, then its name. */
static void write_bytes(const char *bytes, size_t size)
{
    write_file(in_xen(RECORD ".new"), bytes, size);
    assert_int_equal(rename(in_xen(RECORD ".new"), in_xen(RECORD)), 0);
}

/* libxl's own ends with a NUL. */
static void write_record(const char *text)
{
    write_bytes(text, strlen(text) + 1);
}

/* xl keeps the domain's configuration beside that, from the beginning. */
static void write_xls_record(const char *text)
{
    if (access(in_xen(XLS), F_OK))
        write_file(in_xen(XLS), "", 0);
    write_record(text);
}

static void end_domain(void)
{
    unlink(in_xen(RECORD));
    unlink(in_xen(XLS));
}

/* As if the file had been written that many seconds ago. */
static void backdate(const char *path, time_t seconds)
{
    struct timespec times[2] = {{time(NULL) - seconds, 0}, {time(NULL) - seconds, 0}};

    assert_int_equal(utimensat(AT_FDCWD, path, times, 0), 0);
}

static int set_up(void **state)
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

static int tear_down(void **state)
{
    char command[300];

    (void)state;
    snprintf(command, sizeof(command), "rm -rf '%s'", root);
    free(root);
    return system(command);
}

/* A partial tree of one node with xen,path, at a path of two components. */
static void write_partial(const char *folder, const char *node, const void *xen_path, size_t size)
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

static void write_good_partial(const char *node)
{
    write_partial("passthrough", node, HOST, sizeof(HOST));
}

/* ------------------------------------------------------------- the observer */

static struct toolstack_observer *open_observer(void)
{
    struct toolstack_observer *observer;

    assert_int_equal(toolstack_observer_open(&observer, root, NULL), 0);
    return observer;
}

static bool is_readable(const struct toolstack_observer *observer)
{
    struct pollfd waited = {.fd = toolstack_observer_fd(observer), .events = POLLIN};

    return poll(&waited, 1, 0) == 1;
}

/* Something happened that makes it read again. */
static void take_events(struct toolstack_observer *observer)
{
    assert_true(is_readable(observer));
    assert_true(toolstack_observer_dispatch(observer));
    assert_int_equal(toolstack_observer_refresh(observer), 0);
}

static void expect_one(const struct toolstack_observer *observer, enum dt_guest_path where,
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

/* What a daemon that starts now makes of the files. */
static void expect_at_start(enum dt_guest_path where, const char *guest_path)
{
    struct toolstack_observer *observer = open_observer();

    expect_one(observer, where, guest_path);
    toolstack_observer_close(observer);
}

/* The domain's record cannot be read: what it has is not known, and it is to be tried again. */
static void expect_unread(const struct toolstack_observer *observer)
{
    const struct dt_records *records = toolstack_observer_get(observer);

    assert_int_equal(records->unread_count, 1);
    assert_int_equal(records->unread[0].domid, 7);
    assert_int_equal(records->unread[0].handle[15], 15);
    assert_true(toolstack_observer_wants_refresh(observer));
}

/* ------------------------------------------------------------- the tests */

static void without_a_partial_tree(void **state)
{
    static const char *const texts[] = {
        "{" DTDEVS "}",
        "{" DTDEVS ", \"b_info\": {}}",
        "{" DTDEVS ", \"b_info\": {\"device_tree\": null}}",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
        write_record(texts[i]);
        expect_at_start(GUEST_PATH_HOST, NULL);
    }
}

static void a_partial_tree_that_tells(void **state)
{
    struct toolstack_observer *observer;

    (void)state;
    write_good_partial("nic@0");
    write_xls_record(WITH_TREE);
    observer = open_observer();
    expect_one(observer, GUEST_PATH_KNOWN, "/passthrough/nic@0");
    assert_false(toolstack_observer_wants_refresh(observer));
    toolstack_observer_close(observer);
}

static void nodes_that_do_not_count(void **state)
{
    static const struct {
        const char *folder, *node;
        const char *xen_path;
        size_t size;
    } rows[] = {
        {"passthrough", "nic@1000", "/soc/other", 11}, /* a coincidence of names */
        {"soc", "nic@1000", HOST, sizeof(HOST)},       /* libxl does not copy it */
        {"passthrough@0", "nic@0", HOST, sizeof(HOST)},
        {"passthrough", "nic@0", HOST "\0x", sizeof(HOST) + 2},
        {"passthrough", "nic@0", HOST "/", sizeof(HOST) + 1},
        {"passthrough", "nic@0", "/soc//nic@1000", 15},
        {"passthrough", "nic@0", "soc/nic@1000", 13},
        {"passthrough", "nic@0", HOST, sizeof(HOST) - 1},
        {"passthrough", "nic@0", "", 0},
    };

    (void)state;
    write_xls_record(WITH_TREE);
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        write_partial(rows[i].folder, rows[i].node, rows[i].xen_path, rows[i].size);
        write_xls_record(WITH_TREE);
        expect_at_start(GUEST_PATH_UNKNOWN, NULL);
    }
}

static void two_nodes(struct tree_builder *builder, const char *first, const char *second)
{
    const char *const names[] = {first, second};

    tree_begin(builder);
    tree_node(builder, "passthrough");
    for (size_t i = 0; i < 2; i++) {
        tree_node(builder, names[i]);
        tree_string(builder, "xen,path", HOST);
        tree_end(builder);
    }
    tree_end(builder);
    tree_finish(builder);
    write_file(at("/partial.dtb"), builder->bytes, builder->size);
    tree_free(builder);
}

static void several_nodes_for_one(void **state)
{
    struct tree_builder builder;

    (void)state;
    two_nodes(&builder, "a", "b");
    write_xls_record(WITH_TREE);
    expect_at_start(GUEST_PATH_UNKNOWN, NULL);
    two_nodes(&builder, "a", "a");
    write_xls_record(WITH_TREE);
    expect_at_start(GUEST_PATH_UNKNOWN, NULL);
}

static void configurations_that_do_not_tell(void **state)
{
    static const char *const trees[] = {
        "\"partial.dtb\"",          "\"./partial.dtb\"", "\"\"",          "7",        "{}",
        "\"/partial.dtb\\u0000x\"", "\"/var\"",          "\"/gone.dtb\"", "\"/junk\""};
    char text[256];

    (void)state;
    write_good_partial("nic@0");
    write_file(at("/junk"), "junk", 4);
    for (size_t i = 0; i < sizeof(trees) / sizeof(*trees); i++) {
        snprintf(text, sizeof(text), "{" DTDEVS ", \"b_info\": {\"device_tree\": %s}}", trees[i]);
        write_xls_record(text);
        expect_at_start(GUEST_PATH_UNKNOWN, NULL);
    }
    write_xls_record("{" DTDEVS ", \"b_info\": 7}");
    expect_at_start(GUEST_PATH_UNKNOWN, NULL);
}

/* What becomes of the file once the guest runs does not matter to the guest. */
static void a_tree_that_changes_later(void **state)
{
    struct toolstack_observer *observer;

    (void)state;
    write_good_partial("nic@0");
    write_xls_record(WITH_TREE);
    observer = open_observer();
    write_good_partial("nic@1");
    write_xls_record(WITH_TREE);
    take_events(observer);
    expect_one(observer, GUEST_PATH_KNOWN, "/passthrough/nic@0");
    unlink(at("/partial.dtb"));
    write_xls_record("{" DTDEVS "}");
    take_events(observer);
    expect_one(observer, GUEST_PATH_KNOWN, "/passthrough/nic@0");
    toolstack_observer_close(observer);
}

/* A daemon that starts after the file was changed does not know what it was. */
static void a_tree_that_changed_before(void **state)
{
    (void)state;
    write_good_partial("nic@0");
    write_xls_record(WITH_TREE);
    backdate(in_xen(XLS), 100);
    expect_at_start(GUEST_PATH_UNKNOWN, NULL);
    /* Its own time can be set, that of its inode not. */
    backdate(at("/partial.dtb"), 200);
    expect_at_start(GUEST_PATH_UNKNOWN, NULL);
    end_domain();
    write_xls_record(WITH_TREE);
    expect_at_start(GUEST_PATH_KNOWN, "/passthrough/nic@0");
    /* libxl writes its record anew with the configuration, xl its own not. */
    backdate(in_xen(XLS), 100);
    write_xls_record(WITH_TREE);
    expect_at_start(GUEST_PATH_UNKNOWN, NULL);
}

/* libvirt's domains have libxl's record alone, which is written anew with each change. */
static void a_domain_that_is_not_xls(void **state)
{
    struct toolstack_observer *observer;

    (void)state;
    write_good_partial("nic@0");
    write_record(WITH_TREE);
    observer = open_observer();
    expect_one(observer, GUEST_PATH_KNOWN, "/passthrough/nic@0");
    write_record(WITH_TREE);
    take_events(observer);
    expect_one(observer, GUEST_PATH_KNOWN, "/passthrough/nic@0");
    /* the next one comes while the daemon looks */
    end_domain();
    take_events(observer);
    write_record(WITH_TREE);
    take_events(observer);
    expect_one(observer, GUEST_PATH_KNOWN, "/passthrough/nic@0");
    toolstack_observer_close(observer);
}

/* Its record was there before it named a device, or could be read. */
static void a_record_that_says_more_later(void **state)
{
    static const char *const texts[] = {"{}", "{\"dtdevs\": []}", "not JSON"};
    struct toolstack_observer *observer;

    (void)state;
    for (size_t i = 0; i < 4; i++) {
        write_good_partial("nic@0");
        write_record(i < 3 ? texts[i] : WITH_TREE);
        failing_read = i < 3 ? 0 : EIO;
        observer = open_observer();
        failing_read = 0;
        assert_int_equal(toolstack_observer_get(observer)->count, 0);
        write_record(WITH_TREE);
        take_events(observer);
        /* What could not be read tells no time. */
        if (i < 3)
            expect_one(observer, GUEST_PATH_KNOWN, "/passthrough/nic@0");
        else
            expect_one(observer, GUEST_PATH_UNKNOWN, NULL);
        toolstack_observer_close(observer);
        end_domain();
    }
}

static void a_link_that_was_turned(void **state)
{
    (void)state;
    write_good_partial("nic@0");
    assert_int_equal(rename(at("/partial.dtb"), at("/real.dtb")), 0);
    assert_int_equal(symlink("real.dtb", at("/partial.dtb")), 0);
    write_xls_record(WITH_TREE);
    expect_at_start(GUEST_PATH_KNOWN, "/passthrough/nic@0");
    backdate(in_xen(XLS), 100);
    expect_at_start(GUEST_PATH_UNKNOWN, NULL);
}

/* Once it was there and not certain, no later reading makes it so. */
static void doubt_stays(void **state)
{
    struct toolstack_observer *observer;

    (void)state;
    write_good_partial("nic@0");
    write_xls_record(WITH_TREE);
    backdate(in_xen(XLS), 100);
    observer = open_observer();
    expect_one(observer, GUEST_PATH_UNKNOWN, NULL);
    write_xls_record(WITH_TREE);
    take_events(observer);
    expect_one(observer, GUEST_PATH_UNKNOWN, NULL);
    toolstack_observer_close(observer);
}

/* A tree that could not be read yet is read later, if it is as old as it has to be. */
static void a_tree_that_comes_late(void **state)
{
    struct toolstack_observer *observer;

    (void)state;
    write_good_partial("nic@0");
    assert_int_equal(rename(at("/partial.dtb"), at("/real.dtb")), 0);
    write_xls_record(WITH_TREE);
    backdate(in_xen(XLS), -100);
    observer = open_observer();
    expect_one(observer, GUEST_PATH_UNKNOWN, NULL);
    assert_true(toolstack_observer_wants_refresh(observer));
    assert_int_equal(rename(at("/real.dtb"), at("/partial.dtb")), 0);
    assert_int_equal(toolstack_observer_refresh(observer), 0);
    expect_one(observer, GUEST_PATH_KNOWN, "/passthrough/nic@0");
    assert_false(toolstack_observer_wants_refresh(observer));
    toolstack_observer_close(observer);
    /* The time of its record when it was first seen counts, not that of a later one. */
    unlink(at("/partial.dtb"));
    write_xls_record(WITH_TREE);
    backdate(in_xen(XLS), 100);
    observer = open_observer();
    write_good_partial("nic@1");
    write_xls_record(WITH_TREE);
    take_events(observer);
    expect_one(observer, GUEST_PATH_UNKNOWN, NULL);
    toolstack_observer_close(observer);
}

/* Another domain with the number and the UUID of one that went, all before anybody looked. */
static void a_domain_made_anew(void **state)
{
    struct toolstack_observer *observer;

    (void)state;
    write_good_partial("nic@0");
    write_xls_record(WITH_TREE);
    observer = open_observer();
    end_domain();
    write_good_partial("nic@1");
    write_xls_record(WITH_TREE);
    take_events(observer);
    expect_one(observer, GUEST_PATH_KNOWN, "/passthrough/nic@1");
    end_domain();
    take_events(observer);
    assert_int_equal(toolstack_observer_get(observer)->count, 0);
    toolstack_observer_close(observer);
}

/* Other toolstacks may leave the NUL out; what is behind one is no part of a record. */
static void the_end_of_a_record(void **state)
{
    static const char bare[] = "{" DTDEVS "}", more[] = "{" DTDEVS "}\0",
                      longer[] = "{" DTDEVS "}\0x";
    struct toolstack_observer *observer;

    (void)state;
    write_bytes(bare, sizeof(bare) - 1);
    expect_at_start(GUEST_PATH_HOST, NULL);
    observer = open_observer();
    write_bytes(more, sizeof(more));
    take_events(observer);
    expect_unread(observer);
    write_bytes(longer, sizeof(longer) - 1);
    take_events(observer);
    expect_unread(observer);
    toolstack_observer_close(observer);
}

static void records_that_cannot_be_read(void **state)
{
    static const char *const texts[] = {"",
                                        "{\"dtdevs\": [",
                                        "[]",
                                        "null",
                                        "{\"dtdevs\": 7}",
                                        "{\"dtdevs\": [{\"path\": 7}]}",
                                        "{\"dtdevs\": [{\"path\": \"soc\"}]}",
                                        "{\"dtdevs\": [{\"path\": \"/soc\\u0000x\"}]}",
                                        "{\"dtdevs\": [null]}"};
    struct toolstack_observer *observer = open_observer();

    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
        write_record(texts[i]);
        take_events(observer);
        expect_unread(observer);
        assert_int_equal(toolstack_observer_get(observer)->count, 0);
    }
    assert_int_equal(truncate(in_xen(RECORD), 5 << 20), 0);
    assert_int_equal(toolstack_observer_refresh(observer), 0);
    expect_unread(observer);
    write_record("{" DTDEVS "}");
    take_events(observer);
    expect_one(observer, GUEST_PATH_HOST, NULL);
    failing_read = EIO;
    assert_int_equal(toolstack_observer_refresh(observer), 0);
    expect_unread(observer);
    failing_read = 0;
    assert_int_equal(toolstack_observer_refresh(observer), 0);
    expect_one(observer, GUEST_PATH_HOST, NULL);
    assert_false(toolstack_observer_wants_refresh(observer));
    toolstack_observer_close(observer);
}

static void a_directory_that_comes_and_goes(void **state)
{
    struct toolstack_observer *observer;

    (void)state;
    assert_int_equal(rmdir(in_xen("")), 0);
    assert_int_equal(rmdir(at("/var/lib")), 0);
    observer = open_observer();
    for (int i = 0; i < 3; i++) {
        assert_int_equal(toolstack_observer_get(observer)->count, 0);
        assert_false(toolstack_observer_get(observer)->incomplete);
        assert_int_equal(mkdir(at("/var/lib"), 0700), 0);
        /* What is above is not of interest by itself. */
        assert_true(is_readable(observer));
        assert_false(toolstack_observer_dispatch(observer));
        assert_int_equal(mkdir(in_xen(""), 0700), 0);
        take_events(observer);
        write_record("{" DTDEVS "}");
        take_events(observer);
        expect_one(observer, GUEST_PATH_HOST, NULL);
        unlink(in_xen(RECORD));
        assert_int_equal(rmdir(in_xen("")), 0);
        take_events(observer);
        assert_int_equal(rmdir(at("/var/lib")), 0);
        assert_false(toolstack_observer_dispatch(observer));
    }
    toolstack_observer_close(observer);
}

static void a_directory_that_is_another(void **state)
{
    struct toolstack_observer *observer = open_observer();

    (void)state;
    assert_int_equal(rename(in_xen(""), at("/old")), 0);
    take_events(observer);
    assert_int_equal(mkdir(in_xen(""), 0700), 0);
    take_events(observer);
    write_record("{" DTDEVS "}");
    take_events(observer);
    expect_one(observer, GUEST_PATH_HOST, NULL);
    /* the one that was there is there again, with what was written in it meanwhile */
    assert_int_equal(rename(in_xen(""), at("/new")), 0);
    take_events(observer);
    write_good_partial("nic@0");
    assert_int_equal(mkdir(in_xen(""), 0700), 0);
    write_record(WITH_TREE);
    take_events(observer);
    expect_one(observer, GUEST_PATH_UNKNOWN, NULL);
    toolstack_observer_close(observer);
}

/* More events than the kernel keeps: some are lost, and it says only that. */
static void lost_events(void **state)
{
    struct toolstack_observer *observer;
    int most = 0;
    FILE *file = fopen("/proc/sys/fs/inotify/max_queued_events", "r");

    (void)state;
    assert_non_null(file);
    assert_int_equal(fscanf(file, "%d", &most), 1);
    fclose(file);
    observer = open_observer();
    for (int i = 0; i < most / 2 + 2; i++) {
        write_file(in_xen("a"), "", 0);
        write_file(in_xen("b"), "", 0);
    }
    write_good_partial("nic@0");
    write_record(WITH_TREE);
    while (is_readable(observer))
        assert_true(toolstack_observer_dispatch(observer));
    assert_int_equal(toolstack_observer_refresh(observer), 0);
    /* when it appeared is not known */
    expect_one(observer, GUEST_PATH_UNKNOWN, NULL);
    toolstack_observer_close(observer);
}

static void names_of_other_files(void **state)
{
    static const char *const names[] = {
        "userdata-d.7." UUID ".xl",
        "userdata-d.7." UUID ".libxl-json.new",
        "userdata-n.7." UUID ".libxl-json",
        "userdata-d.x." UUID ".libxl-json",
        "userdata-d.7.00010203.libxl-json",
        "userdata-d.07." UUID ".libxl-json",
        "userdata-d.+7." UUID ".libxl-json",
        "userdata-d.-7." UUID ".libxl-json",
        "userdata-d.7.000102030405060708090a0b0c0d0e0f.libxl-json",
    };
    struct toolstack_observer *observer;

    (void)state;
    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
        write_file(in_xen(names[i]), "{" DTDEVS "}", strlen("{" DTDEVS "}"));
    observer = open_observer();
    assert_int_equal(toolstack_observer_get(observer)->count, 0);
    assert_int_equal(toolstack_observer_get(observer)->unread_count, 0);
    toolstack_observer_close(observer);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(without_a_partial_tree),
        TEST(a_partial_tree_that_tells),
        TEST(nodes_that_do_not_count),
        TEST(several_nodes_for_one),
        TEST(configurations_that_do_not_tell),
        TEST(a_tree_that_changes_later),
        TEST(a_tree_that_changed_before),
        TEST(a_domain_that_is_not_xls),
        TEST(a_record_that_says_more_later),
        TEST(a_link_that_was_turned),
        TEST(doubt_stays),
        TEST(a_tree_that_comes_late),
        TEST(a_domain_made_anew),
        TEST(the_end_of_a_record),
        TEST(records_that_cannot_be_read),
        TEST(a_directory_that_comes_and_goes),
        TEST(a_directory_that_is_another),
        TEST(lost_events),
        TEST(names_of_other_files),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
