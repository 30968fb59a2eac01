/* SPDX-License-Identifier: MIT */
/* What the opener opens, whom it answers, and how its end is seen; as root also what becomes of
 * this process's rights. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "rights.h"
#include "unit.h"

#define UUID    "00112233-4455-6677-8899-aabbccddeeff"
#define RECORD  "userdata-d.7." UUID ".libxl-json"
#define FOLDERS "/var/lib/xen"

struct fixture {
    char root[64];
    struct opener *opener; /* NULL: this process */
};

static const struct opener_request record = {
    .kind = OPENER_RECORD,
    .domid = 7,
    .uuid = {0x00, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88, 0x99, 0xaa, 0xbb, 0xcc, 0xdd,
             0xee, 0xff},
};

static void make_folder(const struct fixture *fixture, const char *name)
{
    char path[256];

    snprintf(path, sizeof(path), "%s%s", fixture->root, name);
    assert_int_equal(mkdir(path, 0755), 0);
}

static void write_file(const struct fixture *fixture, const char *name, const char *text)
{
    char path[256];
    FILE *file;

    snprintf(path, sizeof(path), "%s%s", fixture->root, name);
    file = fopen(path, "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static int set_up(void **state, bool with_opener)
{
    struct fixture *fixture = calloc(1, sizeof(*fixture));

    assert_non_null(fixture);
    strcpy(fixture->root, "/tmp/xi-opener.XXXXXX");
    assert_non_null(mkdtemp(fixture->root));
    make_folder(fixture, "/var");
    make_folder(fixture, "/var/lib");
    make_folder(fixture, FOLDERS);
    if (with_opener)
        assert_int_equal(opener_start(&fixture->opener, fixture->root), 0);
    *state = fixture;
    return 0;
}

static int set_up_here(void **state)
{
    return set_up(state, false);
}

static int set_up_opener(void **state)
{
    return set_up(state, true);
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;
    char command[128];

    opener_stop(fixture->opener);
    while (waitpid(-1, NULL, 0) > 0)
        ;
    snprintf(command, sizeof(command), "rm -rf %s", fixture->root);
    assert_int_equal(system(command), 0);
    free(fixture);
    return 0;
}

static int ask(const struct fixture *fixture, struct opener_request request)
{
    return opener_open(fixture->opener, fixture->root, &request, NULL);
}

static void assert_content(int fd, const char *wanted)
{
    char text[256];
    ssize_t got;

    assert_true(fd >= 0);
    got = read(fd, text, sizeof(text) - 1);
    assert_true(got >= 0);
    text[got] = '\0';
    assert_string_equal(text, wanted);
    assert_int_not_equal(fcntl(fd, F_GETFD) & FD_CLOEXEC, 0);
    assert_int_equal(fcntl(fd, F_GETFL) & O_ACCMODE, O_RDONLY);
    close(fd);
}

static void opens_a_record(void **state)
{
    struct fixture *fixture = *state;

    assert_int_equal(ask(fixture, record), -ENOENT);
    write_file(fixture, FOLDERS "/" RECORD, "{}");
    assert_content(ask(fixture, record), "{}");
}

static void lists_the_directory(void **state)
{
    struct fixture *fixture = *state;
    struct stat st;
    int fd = ask(fixture, (struct opener_request){.kind = OPENER_RECORDS});

    assert_true(fd >= 0);
    assert_int_equal(fstat(fd, &st), 0);
    assert_true(S_ISDIR(st.st_mode));
    close(fd);
}

static void opens_what_a_record_names(void **state)
{
    struct fixture *fixture = *state;
    struct opener_request request = record;
    struct stat link;

    request.kind = OPENER_PARTIAL_TREE;
    write_file(fixture, FOLDERS "/" RECORD, "{\"b_info\": {\"device_tree\": \"/var/tree\"}}");
    assert_int_equal(ask(fixture, request), -ENOENT);
    write_file(fixture, "/var/tree", "a tree");
    assert_content(opener_open(fixture->opener, fixture->root, &request, &link), "a tree");
    assert_int_equal(link.st_size, 6);
}

static void opens_nothing_for_a_record_that_names_nothing(void **state)
{
    static const char *const texts[] = {"",
                                        "{}",
                                        "[]",
                                        "{\"b_info\": []}",
                                        "{\"b_info\": {\"device_tree\": 1}}",
                                        "{\"b_info\": {\"device_tree\": \"relative\"}}",
                                        "{\"b_info\": {\"device_tree\": \"/a\\u0000b\"}}"};
    struct fixture *fixture = *state;
    struct opener_request request = record;

    request.kind = OPENER_PARTIAL_TREE;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        write_file(fixture, FOLDERS "/" RECORD, texts[i]);
        assert_int_equal(ask(fixture, request), -EINVAL);
    }
}

static void refuses_what_makes_no_sense(void **state)
{
    struct fixture *fixture = *state;
    struct opener_request request = {.kind = OPENER_WATCH, .mask = IN_ACCESS | IN_ONLYDIR};
    int inotify = inotify_init1(IN_CLOEXEC);

    assert_true(inotify >= 0);
    assert_int_equal(ask(fixture, (struct opener_request){.kind = 0}), -EINVAL);
    assert_int_equal(ask(fixture, (struct opener_request){.kind = 99}), -EINVAL);
    assert_int_equal(opener_watch(fixture->opener, fixture->root, &request, inotify), -EINVAL);
    request.mask = IN_DELETE;
    assert_int_equal(opener_watch(fixture->opener, fixture->root, &request, inotify), -EINVAL);
    request.mask = IN_DELETE | IN_ONLYDIR;
    request.levels = UINT32_MAX;
    assert_int_equal(opener_watch(fixture->opener, fixture->root, &request, inotify), -ENODEV);
    close(inotify);
}

static void watches_for_this_process(void **state)
{
    struct fixture *fixture = *state;
    struct opener_request request = {.kind = OPENER_WATCH, .mask = IN_CLOSE_WRITE | IN_ONLYDIR};
    int inotify = inotify_init1(IN_CLOEXEC);
    struct pollfd poll_fd = {.fd = inotify, .events = POLLIN};

    assert_true(inotify >= 0);
    assert_true(opener_watch(fixture->opener, fixture->root, &request, inotify) > 0);
    write_file(fixture, FOLDERS "/" RECORD, "{}");
    assert_int_equal(poll(&poll_fd, 1, 10000), 1);
    close(inotify);
}

static void takes_no_address_for_another(void **state)
{
    struct fixture *fixture = *state;

    /* No machine has that one. */
    assert_int_equal(
        ask(fixture, (struct opener_request){.kind = OPENER_PCI_CONFIG, .sbdf = 0xfffeffff}),
        -ENOENT);
}

/* ------------------------------------------------------------- its end */

static pid_t child_of(pid_t parent)
{
    char path[64], text[64] = "";
    FILE *file;

    snprintf(path, sizeof(path), "/proc/%d/task/%d/children", parent, parent);
    file = fopen(path, "r");
    assert_non_null(file);
    assert_non_null(fgets(text, sizeof(text), file));
    fclose(file);
    return (pid_t)strtol(text, NULL, 10);
}

static void tells_its_end(void **state)
{
    struct fixture *fixture = *state;
    struct pollfd poll_fd = {.fd = opener_fd(fixture->opener), .events = POLLIN};
    pid_t child = child_of(getpid());

    assert_int_equal(poll(&poll_fd, 1, 0), 0);
    assert_int_equal(kill(child, SIGKILL), 0);
    assert_int_equal(poll(&poll_fd, 1, 10000), 1);
    assert_int_equal(ask(fixture, record), -EPIPE);
    assert_int_equal(ask(fixture, record), -EPIPE);
    assert_int_equal(waitpid(child, NULL, 0), child);
}

static void outlives_signals_and_ends_with_its_user(void **state)
{
    struct fixture *fixture = *state;
    pid_t child = child_of(getpid());
    int status;

    /* It has set itself up when it answers. */
    assert_int_equal(ask(fixture, record), -ENOENT);
    assert_int_equal(kill(child, SIGTERM), 0);
    assert_int_equal(kill(child, SIGHUP), 0);
    assert_int_equal(ask(fixture, record), -ENOENT);
    opener_stop(fixture->opener);
    fixture->opener = NULL;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

static void answers_no_malformed_message_with_a_file(void **state)
{
    struct fixture *fixture = *state;
    char answer[1024];

    assert_int_equal(send(opener_fd(fixture->opener), "x", 1, 0), 1);
    assert_true(recv(opener_fd(fixture->opener), answer, sizeof(answer), 0) > 4);
    assert_int_equal(*(int32_t *)(void *)answer, -EINVAL);
}

/* ------------------------------------------------------------- rights */

static void knows_whom_to_run_as(void **state)
{
    struct privileges plan;

    (void)state;
    assert_int_equal(privileges_plan("root", &plan), 0);
    assert_false(plan.drop);
    if (geteuid() != 0)
        return;
    assert_int_equal(privileges_plan("no-such-user-here", &plan), -ENOENT);
    assert_int_equal(privileges_plan("nobody", &plan), 0);
    assert_true(plan.drop);
    assert_int_not_equal(plan.uid, 0);
}

static bool status_has(const char *line)
{
    char text[256];
    FILE *file = fopen("/proc/self/status", "r");
    bool found = false;

    while (file && !found && fgets(text, sizeof(text), file))
        found = strncmp(text, line, strlen(line)) == 0;
    if (file)
        fclose(file);
    return found;
}

/* Exit codes say what went wrong, for cmocka is the parent's. */
static int as_nobody(const char *root)
{
    struct opener_request request = record;
    struct rights rights;
    char path[256];

    if (rights_prepare(&rights, "nobody", root) || !rights.opener || rights_give_up(&rights))
        return 1;
    if (!status_has("CapPrm:\t0000000000000000") || !status_has("NoNewPrivs:\t1") ||
        !status_has("CapEff:\t0000000000000000") || setuid(0) == 0)
        return 2;
    if (opener_record_path(path, sizeof(path), root, &record) || open(path, O_RDONLY) >= 0 ||
        errno != EACCES)
        return 3;
    if (opener_open(rights.opener, root, &request, NULL) < 0)
        return 4;
    rights_end(&rights);
    return 0;
}

static void gives_up_what_the_opener_keeps(void **state)
{
    struct fixture *fixture = *state;
    char path[128];
    int status;
    pid_t child;

    if (geteuid() != 0)
        return;
    write_file(fixture, FOLDERS "/" RECORD, "{}");
    snprintf(path, sizeof(path), "%s" FOLDERS, fixture->root);
    assert_int_equal(chmod(path, 0700), 0);
    child = fork();
    assert_true(child >= 0);
    if (child == 0)
        _exit(as_nobody(fixture->root));
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

#define BOTH_WAYS(test)                                                                            \
    {#test " here", test, set_up_here, tear_down, NULL},                                           \
    {                                                                                              \
#test " by the opener", test, set_up_opener, tear_down, NULL                               \
    }

int main(void)
{
    const struct CMUnitTest tests[] = {
        BOTH_WAYS(opens_a_record),
        BOTH_WAYS(lists_the_directory),
        BOTH_WAYS(opens_what_a_record_names),
        BOTH_WAYS(opens_nothing_for_a_record_that_names_nothing),
        BOTH_WAYS(refuses_what_makes_no_sense),
        BOTH_WAYS(watches_for_this_process),
        BOTH_WAYS(takes_no_address_for_another),
        cmocka_unit_test_setup_teardown(tells_its_end, set_up_opener, tear_down),
        cmocka_unit_test_setup_teardown(outlives_signals_and_ends_with_its_user, set_up_opener,
                                        tear_down),
        cmocka_unit_test_setup_teardown(answers_no_malformed_message_with_a_file, set_up_opener,
                                        tear_down),
        cmocka_unit_test(knows_whom_to_run_as),
        cmocka_unit_test_setup_teardown(gives_up_what_the_opener_keeps, set_up_here, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
