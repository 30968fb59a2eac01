/* SPDX-License-Identifier: MIT */
/*
 * The truth as the rig writes it down: blocks of a line "NS NAME COUNT" and COUNT lines, the new
 * content of one of the rig's files, before it is in force; then "NS NAME -1", when it certainly
 * is. Names: domains, devices, physinfo (as in ../rig/state.h), adding (devices that libxl is about
 * to have quarantined), daemon ("alive" or "dead").
 */
#include "source.h"

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct journal {
    struct source source;
    int fd;
    char *text; /* what is read and not yet worked off */
    size_t len, size;
    char *adding;  /* the lines of that block */
    int unsettled; /* files whose change is announced, and not yet in force */
};

/* The UUID that integration/toolstack.py gives the domain of a handle. */
static void format_uuid(char uuid[UUID_SIZE], unsigned int handle)
{
    snprintf(uuid, UUID_SIZE, "%02x%02x%02x%02x-0000-0000-0000-000000000000", handle & 0xff,
             handle >> 8 & 0xff, handle >> 16 & 0xff, handle >> 24 & 0xff);
}

static void take_domain(struct truth *truth, char *line)
{
    char *save = NULL, *word = strtok_r(line, " ", &save);
    bool translated = false;
    unsigned int handle = 0;
    char uuid[UUID_SIZE];
    int domid = word ? atoi(word) : 0;

    while ((word = strtok_r(NULL, " ", &save))) {
        if (strncmp(word, "handle=", 7) == 0)
            handle = (unsigned int)strtoul(word + 7, NULL, 10);
        translated |= strcmp(word, "hvm") == 0;
    }
    if (domid <= 0)
        return;
    format_uuid(uuid, handle);
    truth_add_domain(truth, domid, handle ? uuid : NULL)->translated = translated;
}

static void take_device(struct truth *truth, const char *line)
{
    char name[DEVICE_SIZE], owner[16], group[GROUP_SIZE] = "";

    if (sscanf(line, "%255s %15s %63s", name, owner, group) < 2)
        return;
    memcpy(truth_add_device(truth, name,
                            strcmp(owner, "io") == 0     ? OWNER_NOBODY
                            : strcmp(owner, "none") == 0 ? OWNER_NONE
                                                         : atoi(owner))
               ->group,
           group, sizeof(group));
}

static bool has_line(const char *lines, const char *line)
{
    size_t len = strlen(line);

    for (const char *at = lines; at && *at; at = strchr(at, '\n'), at = at ? at + 1 : NULL)
        if (strncmp(at, line, len) == 0 && (at[len] == '\n' || at[len] == '\0'))
            return true;
    return false;
}

/* Runs a function over the lines. */
static void each_line(char *lines, struct truth *truth, void (*take)(struct truth *, char *))
{
    char *save = NULL;

    for (char *line = strtok_r(lines, "\n", &save); line; line = strtok_r(NULL, "\n", &save))
        take(truth, line);
}

static void take_device_line(struct truth *truth, char *line)
{
    take_device(truth, line);
}

static void take_block(struct journal *journal, struct truth *truth, const char *name, char *lines)
{
    if (strcmp(name, "domains") == 0) {
        truth->domain_count = 0;
        each_line(lines, truth, take_domain);
    } else if (strcmp(name, "devices") == 0) {
        truth->device_count = 0;
        each_line(lines, truth, take_device_line);
    } else if (strcmp(name, "physinfo") == 0) {
        truth->driven = strstr(lines, "directio") != NULL;
    } else if (strcmp(name, "daemon") == 0) {
        truth->alive = has_line(lines, "alive");
    } else if (strcmp(name, "adding") == 0) {
        free(journal->adding);
        journal->adding = strdup(lines);
        if (!journal->adding)
            err(2, "no memory");
    }
    for (size_t i = 0; i < truth->device_count; i++)
        truth->devices[i].adding = has_line(journal->adding, truth->devices[i].name);
}

/* The end of a block's lines, or NULL while they are not all there. */
static char *end_of(char *lines, char *end, int count)
{
    for (; count > 0; count--) {
        char *newline = memchr(lines, '\n', (size_t)(end - lines));

        if (!newline)
            return NULL;
        lines = newline + 1;
    }
    return lines;
}

/* Works off one block. Returns what follows, or NULL while it is not complete. */
static char *take_one(struct journal *journal, struct history *history, char *at)
{
    char *end = journal->text + journal->len, *lines = end_of(at, end, 1), *next, name[32];
    struct truth *now = history_now(history), *truth;
    uint64_t time;
    int count;

    if (!lines)
        return NULL;
    if (sscanf(at, "%" SCNu64 " %31s %d", &time, name, &count) != 3)
        errx(2, "the journal makes no sense: %.40s", at);
    next = end_of(lines, end, count);
    if (!next)
        return NULL;
    journal->unsettled += count < 0 ? -1 : 1;
    if (count < 0) {
        if (journal->unsettled == 0)
            history_settle(history, time);
        return lines;
    }
    truth = now ? truth_copy(now, time) : truth_new(time);
    if (!now)
        truth->driven = true;
    if (next > lines)
        next[-1] = '\0';
    take_block(journal, truth, name, count ? lines : (char[]){""});
    history_add(history, truth, UINT64_MAX);
    return next;
}

static bool read_more(struct journal *journal)
{
    ssize_t got;

    if (journal->size - journal->len < 65536) {
        journal->size = 2 * journal->size + 131072;
        journal->text = realloc(journal->text, journal->size);
        if (!journal->text)
            err(2, "no memory");
    }
    got = read(journal->fd, journal->text + journal->len, journal->size - journal->len - 1);
    if (got < 0 && errno != EINTR)
        err(2, "the journal");
    journal->len += got > 0 ? (size_t)got : 0;
    journal->text[journal->len] = '\0';
    return got > 0;
}

static void update(struct source *source, struct history *history)
{
    struct journal *journal = (struct journal *)source;
    char *at, *next;

    while (read_more(journal))
        ;
    at = journal->text;
    while ((next = take_one(journal, history, at)))
        at = next;
    journal->len -= (size_t)(at - journal->text);
    memmove(journal->text, at, journal->len + 1);
}

static void journal_close(struct source *source)
{
    struct journal *journal = (struct journal *)source;

    close(journal->fd);
    free(journal->text);
    free(journal->adding);
    free(journal);
}

struct source *source_journal(const char *path)
{
    struct journal *journal = calloc(1, sizeof(*journal));

    if (!journal)
        err(2, "no memory");
    journal->source = (struct source){.update = update, .close = journal_close};
    journal->fd = open(path, O_RDONLY | O_CLOEXEC);
    if (journal->fd < 0)
        err(2, "%s", path);
    return &journal->source;
}

void source_update(struct source *source, struct history *history)
{
    source->update(source, history);
}

void source_close(struct source *source)
{
    source->close(source);
}
