/* SPDX-License-Identifier: MIT */
/* The daemon's numbers, and the file that shows them. */
#include "unit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "counters.h"

#define ENTRY_SIZE (COUNTERS_NAME_SIZE + 8)
#define FILE_SIZE  (16 + COUNTERS * ENTRY_SIZE)

static uint64_t value_of(int fd, enum counter counter)
{
    uint64_t value;

    assert_int_equal(
        pread(fd, &value, sizeof(value), 16 + (off_t)counter * ENTRY_SIZE + COUNTERS_NAME_SIZE),
        sizeof(value));
    return value;
}

static void the_file_shows_what_is_counted(void **state)
{
    char folder[] = "/tmp/xen-iommud-counters-XXXXXX", lock[64], *path, text[64];
    struct stat status;
    int fd, again;

    (void)state;
    assert_non_null(mkdtemp(folder));
    snprintf(lock, sizeof(lock), "%s/lock", folder);
    assert_int_equal(counters_path(lock, &path), 0);
    snprintf(text, sizeof(text), "%s/lock.counters", folder);
    assert_string_equal(path, text);
    counter_add(COUNTER_PASSES); /* before anybody can see it */
    /* What a daemon left that was killed at that moment. */
    snprintf(text, sizeof(text), "%s.new", path);
    fd = open(text, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    assert_true(fd >= 0 && close(fd) == 0);
    assert_int_equal(counters_share(path), 0);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    assert_true(fd >= 0 && fstat(fd, &status) == 0);
    assert_int_equal(status.st_size, FILE_SIZE);
    assert_int_equal(status.st_mode & 0777, 0600);
    assert_int_equal(pread(fd, text, 16, 0), 16);
    assert_memory_equal(text, "xi-count\1\0\0\0", 12);
    assert_int_equal(pread(fd, text, COUNTERS_NAME_SIZE, 16 + COUNTER_RETRIES * ENTRY_SIZE),
                     COUNTERS_NAME_SIZE);
    assert_string_equal(text, "transaction-retries");
    assert_int_equal(value_of(fd, COUNTER_PASSES), 1);
    assert_int_not_equal(value_of(fd, COUNTER_STARTED), 0);
    assert_int_equal(value_of(fd, COUNTER_CONFIRMED), 0);
    counter_add(COUNTER_PASSES);
    counter_set_now(COUNTER_CONFIRMED);
    assert_int_equal(value_of(fd, COUNTER_PASSES), 2);
    assert_int_not_equal(value_of(fd, COUNTER_CONFIRMED), 0);
    /* Anew: who has the old one still reads a whole file, which does not move any more. */
    assert_int_equal(counters_share(path), 0);
    counter_add(COUNTER_PASSES);
    again = open(path, O_RDONLY | O_CLOEXEC);
    assert_int_equal(value_of(again, COUNTER_PASSES), 3);
    assert_int_equal(value_of(fd, COUNTER_PASSES), 2);
    assert_int_equal(close(again) | close(fd), 0);
    assert_int_equal(unlink(path) | rmdir(folder), 0);
    free(path);
}

/* Counting goes on where it was. */
static void a_file_that_cannot_be_is_an_error(void **state)
{
    (void)state;
    assert_int_equal(counters_share("/nowhere/lock.counters"), -ENOENT);
    counter_add(COUNTER_PASSES);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_file_shows_what_is_counted),
        cmocka_unit_test(a_file_that_cannot_be_is_an_error),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
