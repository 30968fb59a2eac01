/* SPDX-License-Identifier: MIT */
/* The keeper's own XenStore protocol, against a socket whose answers are written beforehand. */
#include "unit.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "keeper_withdraw.h"

struct fixture {
    struct wire wire;
    struct keeper_page page;
    int xenstored;
    uint32_t next; /* the request that answer() answers */
};

static int set_up(void **state)
{
    struct fixture *fixture = calloc(1, sizeof(*fixture));
    int ends[2];

    assert_non_null(fixture);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends), 0);
    wire_init(&fixture->wire, "", "/nonexistent");
    fixture->wire.fd = ends[0];
    fixture->xenstored = ends[1];
    fixture->next = 1;
    *state = fixture;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;

    wire_close(&fixture->wire);
    if (fixture->xenstored >= 0)
        close(fixture->xenstored);
    free(fixture);
    return 0;
}

static void put(struct fixture *fixture, const void *bytes, size_t length)
{
    assert_int_equal(write(fixture->xenstored, bytes, length), length);
}

static void put_message(struct fixture *fixture, uint32_t type, uint32_t id, const char *text,
                        size_t length)
{
    struct xsd_sockmsg head = {.type = type, .req_id = id, .len = (uint32_t)length};

    put(fixture, &head, sizeof(head));
    put(fixture, text, length);
}

static void answer(struct fixture *fixture, const char *text)
{
    put_message(fixture, XS_READ, fixture->next++, text, strlen(text));
}

static void answer_error(struct fixture *fixture, const char *text)
{
    put_message(fixture, XS_ERROR, fixture->next++, text, strlen(text) + 1);
}

static int ask(struct fixture *fixture)
{
    return wire_request(&fixture->wire, XS_READ, 0, "/x", 3, 20);
}

static void test_answers(void **state)
{
    struct fixture *fixture = *state;

    answer(fixture, "value");
    assert_int_equal(ask(fixture), 5);
    assert_string_equal(wire_answer(&fixture->wire), "value");
    answer(fixture, "");
    assert_int_equal(ask(fixture), 0);
    answer_error(fixture, "ENOENT");
    assert_int_equal(ask(fixture), -ENOENT);
    answer_error(fixture, "EWHATEVER");
    assert_int_equal(ask(fixture), -EIO);
}

static void test_what_is_late_is_dropped(void **state)
{
    struct fixture *fixture = *state;

    assert_int_equal(ask(fixture), -ETIMEDOUT);
    answer(fixture, "late");
    put_message(fixture, XS_WATCH_EVENT, 0, "/y\0t", 5);
    answer(fixture, "right");
    assert_int_equal(ask(fixture), 5);
    assert_string_equal(wire_answer(&fixture->wire), "right");
}

static void test_answer_in_pieces(void **state)
{
    struct fixture *fixture = *state;
    struct xsd_sockmsg head = {.type = XS_READ, .req_id = 1, .len = 6};

    put(fixture, &head, 5);
    assert_int_equal(ask(fixture), -ETIMEDOUT);
    put(fixture, (const char *)&head + 5, sizeof(head) - 5);
    put(fixture, "abc", 3);
    assert_int_equal(ask(fixture), -ETIMEDOUT);
    put(fixture, "def", 3);
    fixture->next = 3;
    answer(fixture, "third");
    assert_int_equal(ask(fixture), 5);
    assert_string_equal(wire_answer(&fixture->wire), "third");
}

static void test_answer_that_is_too_long(void **state)
{
    struct fixture *fixture = *state;
    struct xsd_sockmsg head = {.type = XS_READ, .req_id = 1, .len = XENSTORE_PAYLOAD_MAX + 1};

    put(fixture, &head, sizeof(head));
    assert_int_equal(ask(fixture), -ENOTCONN);
    assert_int_equal(fixture->wire.fd, -1);
    assert_int_equal(ask(fixture), -ENOTCONN);
}

static void test_xenstored_that_ends(void **state)
{
    struct fixture *fixture = *state;

    close(fixture->xenstored);
    fixture->xenstored = -1;
    assert_int_equal(ask(fixture), -ENOTCONN);
    assert_true(wire_connect(&fixture->wire) < 0);
}

static void test_ping(void **state)
{
    struct fixture *fixture = *state;

    assert_false(wire_ping(&fixture->wire));
    assert_false(wire_ping(&fixture->wire));
    assert_int_equal(fixture->wire.id, 1);
    answer(fixture, "");
    assert_true(wire_ping(&fixture->wire));
    assert_int_equal(fixture->wire.id, 2);
    assert_false(wire_ping(&fixture->wire));
    /* One that is answered amid other requests was answered. */
    answer(fixture, "");
    answer(fixture, "value");
    assert_int_equal(ask(fixture), 5);
    assert_false(wire_ping(&fixture->wire));
    assert_int_equal(fixture->wire.id, 4);
}

/* ------------------------------------------------------------- withdrawing */

struct sent {
    uint32_t type;
    char body[128]; /* path, a blank, value */
};

static struct sent next_sent(struct fixture *fixture)
{
    struct xsd_sockmsg head;
    struct sent sent = {.type = UINT32_MAX};
    size_t path;

    if (read(fixture->xenstored, &head, sizeof(head)) != sizeof(head))
        return sent;
    sent.type = head.type;
    assert_true(head.len < sizeof(sent.body));
    assert_int_equal(read(fixture->xenstored, sent.body, head.len), head.len);
    path = strlen(sent.body);
    if (path + 1 < head.len)
        sent.body[path] = ' ';
    return sent;
}

static void expect(struct fixture *fixture, uint32_t type, const char *body)
{
    struct sent sent = next_sent(fixture);

    assert_int_equal(sent.type, type);
    assert_string_equal(sent.body, body);
}

static void settle(struct fixture *fixture)
{
    for (int i = 0; i < 3; i++)
        answer(fixture, "");
}

static void expect_settled(struct fixture *fixture)
{
    for (int i = 0; i < 3; i++)
        expect(fixture, XS_READ, "/");
}

static void answer_tree(struct fixture *fixture, const char *end)
{
    answer(fixture, "7"); /* the transaction */
    answer(fixture, "");
    answer(fixture, "41");
    for (int i = 0; i < 2; i++)
        answer(fixture, "OK");
    if (strcmp(end, "OK") != 0) {
        answer_error(fixture, end);
        return;
    }
    for (int i = 0; i < 6; i++)
        answer(fixture, "OK");
}

static void expect_unsaid_of(struct fixture *fixture, const char *root)
{
    char path[128];

    expect(fixture, XS_TRANSACTION_START, "");
    expect(fixture, XS_READ, root);
    snprintf(path, sizeof(path), "%s/generation", root);
    expect(fixture, XS_READ, path);
    snprintf(path, sizeof(path), "%s/status stopped", root);
    expect(fixture, XS_WRITE, path);
    snprintf(path, sizeof(path), "%s/generation 42", root);
    expect(fixture, XS_WRITE, path);
    expect(fixture, XS_TRANSACTION_END, "T");
}

static void expect_removed_of(struct fixture *fixture, const char *root)
{
    static const char *const names[] = {"pci", "dt", "iommu", "confirm-interval", "lock-file"};

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        char path[128];

        snprintf(path, sizeof(path), "%s/%s", root, names[i]);
        expect(fixture, XS_RM, path);
    }
}

static void expect_unsaid(struct fixture *fixture)
{
    expect_unsaid_of(fixture, "/local/domain/5/iommu");
}

static void expect_tree(struct fixture *fixture)
{
    expect_unsaid(fixture);
    expect_removed_of(fixture, "/local/domain/5/iommu");
}

static int withdraw(struct fixture *fixture)
{
    struct withdrawal at = {0};
    int rc;

    do
        rc = keeper_withdraw(&fixture->wire, &fixture->page, &at);
    while (rc > 0);
    return rc;
}

static void test_withdraws_what_is_marked(void **state)
{
    struct fixture *fixture = *state;

    keeper_mark(&fixture->page, 5);
    settle(fixture);
    answer_tree(fixture, "EAGAIN");
    answer_tree(fixture, "OK");
    assert_int_equal(withdraw(fixture), 0);
    assert_false(keeper_is_marked(&fixture->page, 5));
    expect_settled(fixture);
    expect_unsaid(fixture);
    expect_tree(fixture);
    assert_int_equal(next_sent(fixture).type, UINT32_MAX);
}

/* Where there may be many records, no tree waits for their removal. */
static void test_records_of_large_trees_go_last(void **state)
{
    struct fixture *fixture = *state;

    keeper_mark(&fixture->page, KEEPER_HOST);
    keeper_mark(&fixture->page, 0);
    keeper_mark(&fixture->page, 5);
    settle(fixture);
    for (int tree = 0; tree < 3; tree++) {
        answer(fixture, "7");
        answer(fixture, "");
        answer(fixture, "41");
        for (int i = 0; i < (tree == 2 ? 3 + 5 : 3); i++)
            answer(fixture, "OK");
    }
    for (int i = 0; i < 2 * 5; i++)
        answer(fixture, "OK");
    assert_int_equal(withdraw(fixture), 0);
    expect_settled(fixture);
    expect_unsaid_of(fixture, "/tool/xen-iommud");
    expect_unsaid_of(fixture, "/local/domain/0/iommu");
    expect_tree(fixture);
    expect_removed_of(fixture, "/tool/xen-iommud");
    expect_removed_of(fixture, "/local/domain/0/iommu");
    assert_int_equal(next_sent(fixture).type, UINT32_MAX);
    assert_false(keeper_is_marked(&fixture->page, KEEPER_HOST));
    assert_false(keeper_is_marked(&fixture->page, 0));
}

/* And what was not removed then is not done with. */
static void test_records_that_stay(void **state)
{
    struct fixture *fixture = *state;

    keeper_mark(&fixture->page, KEEPER_HOST);
    settle(fixture);
    answer(fixture, "7");
    answer(fixture, "");
    answer(fixture, "41");
    for (int i = 0; i < 3; i++)
        answer(fixture, "OK");
    answer_error(fixture, "EACCES");
    answer_error(fixture, "EACCES");
    assert_int_equal(withdraw(fixture), -EACCES);
    assert_true(keeper_is_marked(&fixture->page, KEEPER_HOST));
    expect_settled(fixture);
    expect_unsaid_of(fixture, "/tool/xen-iommud");
    expect(fixture, XS_RM, "/tool/xen-iommud/pci");
    expect(fixture, XS_RM, "/tool/xen-iommud");
}

static void test_makes_no_tree(void **state)
{
    struct fixture *fixture = *state;

    keeper_mark(&fixture->page, KEEPER_HOST);
    settle(fixture);
    answer(fixture, "7");
    answer_error(fixture, "ENOENT");
    answer(fixture, "OK");
    assert_int_equal(withdraw(fixture), 0);
    assert_false(keeper_is_marked(&fixture->page, KEEPER_HOST));
    expect_settled(fixture);
    expect(fixture, XS_TRANSACTION_START, "");
    expect(fixture, XS_READ, "/tool/xen-iommud");
    expect(fixture, XS_TRANSACTION_END, "T");
    assert_int_equal(next_sent(fixture).type, UINT32_MAX);
}

static void test_removes_what_it_cannot_write(void **state)
{
    struct fixture *fixture = *state;

    keeper_mark(&fixture->page, 5);
    settle(fixture);
    answer_error(fixture, "EACCES");
    answer(fixture, "OK");
    assert_int_equal(withdraw(fixture), 0);
    expect_settled(fixture);
    expect(fixture, XS_TRANSACTION_START, "");
    expect(fixture, XS_RM, "/local/domain/5/iommu");
    assert_false(keeper_is_marked(&fixture->page, 5));
}

static void test_keeps_the_mark_of_what_stands(void **state)
{
    struct fixture *fixture = *state;

    keeper_mark(&fixture->page, 5);
    keeper_mark(&fixture->page, 6);
    settle(fixture);
    answer_error(fixture, "EACCES");
    answer_error(fixture, "EACCES");
    answer_error(fixture, "EACCES");
    answer(fixture, "OK");
    assert_int_equal(withdraw(fixture), -EACCES);
    assert_true(keeper_is_marked(&fixture->page, 5));
    assert_false(keeper_is_marked(&fixture->page, 6));
}

/* It comes back in between, and remembers what it met. */
static void test_in_parts(void **state)
{
    struct fixture *fixture = *state;
    struct withdrawal at = {0};

    keeper_mark(&fixture->page, 5);
    keeper_mark(&fixture->page, 30000);
    settle(fixture);
    answer_error(fixture, "EACCES");
    answer_error(fixture, "EACCES");
    assert_int_equal(keeper_withdraw(&fixture->wire, &fixture->page, &at), 1);
    assert_int_equal(at.met, -EACCES);
    answer_error(fixture, "EACCES");
    answer(fixture, "OK");
    while (at.next)
        if (keeper_withdraw(&fixture->wire, &fixture->page, &at) != 1)
            break;
    assert_int_equal(at.next, 0);
    assert_true(keeper_is_marked(&fixture->page, 5));
    assert_false(keeper_is_marked(&fixture->page, 30000));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_answers),
        TEST(test_what_is_late_is_dropped),
        TEST(test_answer_in_pieces),
        TEST(test_answer_that_is_too_long),
        TEST(test_xenstored_that_ends),
        TEST(test_ping),
        TEST(test_withdraws_what_is_marked),
        TEST(test_records_of_large_trees_go_last),
        TEST(test_records_that_stay),
        TEST(test_makes_no_tree),
        TEST(test_removes_what_it_cannot_write),
        TEST(test_keeps_the_mark_of_what_stands),
        TEST(test_in_parts),
    };

    signal(SIGPIPE, SIG_IGN); /* as the process does */
    return cmocka_run_group_tests(tests, NULL, NULL);
}
