/* SPDX-License-Identifier: MIT */
/* The keeper's process: what becomes of its own exit status, and of signals. */
#include "unit.h"

#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "keeper.h"

/* What the daemons of a test share. */
struct script {
    int codes[4];       /* of each life; below 0: ends by that signal */
    _Atomic int lives;  /* how many there were */
    _Atomic bool waits; /* for SIGTERM, which lets it end with its code */
    bool talks;         /* to the service manager */
};

static int live(void *arg, const struct keeper_link *link)
{
    struct script *script = arg;
    int code = script->codes[atomic_fetch_add(&script->lives, 1)];

    if (link->page->beats != 0 || link->page->everything)
        _exit(99);
    if (script->talks) {
        (void)keeper_notify(link, "STATUS=good");
        (void)keeper_notify(link, "STATUS=bad\nMAINPID=1");
        (void)keeper_notify(link, "WATCHDOG_USEC=1");
        (void)keeper_notify(link, "READY=1\nSTATUS=there");
        (void)keeper_notify(link, "READY=12");
    }
    if (atomic_load(&script->waits)) {
        sigset_t set;
        int number;

        sigemptyset(&set);
        sigaddset(&set, SIGTERM);
        kill(getppid(), SIGTERM);
        if (sigwait(&set, &number) != 0)
            _exit(98);
    }
    if (code < 0) {
        signal(-code, SIG_DFL);
        raise(-code);
    }
    _exit(code);
}

static struct script *script_new(void)
{
    struct script *script =
        mmap(NULL, sizeof(*script), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

    assert_ptr_not_equal(script, MAP_FAILED);
    return script;
}

/* In a process of its own, since it blocks signals. */
static int run(struct script *script)
{
    pid_t keeper = fork();
    int status;

    if (keeper == 0)
        _exit(keeper_run(live, script));
    assert_true(keeper > 0);
    assert_int_equal(waitpid(keeper, &status, 0), keeper);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static void test_ends_with_the_daemons_status(void **state)
{
    static const int codes[] = {0, 1, 2};

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        struct script *script = script_new();

        script->codes[0] = codes[i];
        assert_int_equal(run(script), codes[i]);
        assert_int_equal(script->lives, 1);
        munmap(script, sizeof(*script));
    }
}

static void test_forks_again(void **state)
{
    struct script *script = script_new();

    (void)state;
    script->codes[0] = script->codes[1] = DAEMON_EXIT_AGAIN;
    script->codes[2] = 1;
    assert_int_equal(run(script), 1);
    assert_int_equal(script->lives, 3);
    munmap(script, sizeof(*script));
}

static void test_a_signal_is_a_failure(void **state)
{
    struct script *script = script_new();

    (void)state;
    script->codes[0] = -SIGKILL;
    assert_int_equal(run(script), 1);
    munmap(script, sizeof(*script));
}

static void test_hands_on_what_it_is_told(void **state)
{
    struct script *script = script_new();

    (void)state;
    atomic_store(&script->waits, true);
    script->codes[0] = 7; /* which it gives only when it ends by itself */
    assert_int_equal(run(script), 7);
    munmap(script, sizeof(*script));
}

/* The daemon is nobody's master, and the keeper is root. */
static void test_says_no_more_than_there_is_to_say(void **state)
{
    static const char name[] = "@xi-test-keeper";
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    struct script *script = script_new();
    int manager = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    char text[64] = "";

    (void)state;
    assert_true(manager >= 0);
    memcpy(&address.sun_path[1], &name[1], sizeof(name) - 2);
    assert_int_equal(bind(manager, (struct sockaddr *)&address,
                          (socklen_t)(offsetof(struct sockaddr_un, sun_path) + sizeof(name) - 1)),
                     0);
    assert_int_equal(setenv("NOTIFY_SOCKET", name, 1), 0);
    script->talks = true;
    assert_int_equal(run(script), 0);
    assert_int_equal(unsetenv("NOTIFY_SOCKET"), 0);
    assert_int_equal(recv(manager, text, sizeof(text), 0), strlen("STATUS=good"));
    assert_memory_equal(text, "STATUS=good", strlen("STATUS=good"));
    assert_int_equal(recv(manager, text, sizeof(text), 0), strlen("READY=1\nSTATUS=there"));
    assert_memory_equal(text, "READY=1\nSTATUS=there", strlen("READY=1\nSTATUS=there"));
    assert_int_equal(recv(manager, text, sizeof(text), 0), -1);
    close(manager);
    munmap(script, sizeof(*script));
}

/* Asked to end it does not begin again. */
static void test_ends_though_the_daemon_wants_more(void **state)
{
    struct script *script = script_new();

    (void)state;
    atomic_store(&script->waits, true);
    script->codes[0] = DAEMON_EXIT_AGAIN;
    assert_int_equal(run(script), 0);
    assert_int_equal(script->lives, 1);
    munmap(script, sizeof(*script));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ends_with_the_daemons_status),
        cmocka_unit_test(test_forks_again),
        cmocka_unit_test(test_a_signal_is_a_failure),
        cmocka_unit_test(test_hands_on_what_it_is_told),
        cmocka_unit_test(test_says_no_more_than_there_is_to_say),
        cmocka_unit_test(test_ends_though_the_daemon_wants_more),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
