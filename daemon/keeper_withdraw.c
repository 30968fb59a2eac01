/* SPDX-License-Identifier: MIT */
#include "keeper_withdraw.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xeniommu-schema.h>

/* How long xenstored may take for one answer, and for the removal of what is much, after which
 * nobody waits. */
#define ANSWER_MS  2000
#define REMOVAL_MS 10000
#define TRIES      32

#define ROOT_SIZE 64

/* Numbers of domains that are asked about in one call. */
#define AT_ONCE 256

/* Nothing more can be asked over this connection. */
static bool is_over(int rc)
{
    return rc == -ETIMEDOUT || rc == -ENOTCONN;
}

static int ask_for(struct wire *wire, enum xsd_sockmsg_type type, uint32_t t, const char *root,
                   const char *name, const char *value, int patience_ms)
{
    char body[128];
    /* The path's NUL counts, the value's does not. */
    size_t path = (size_t)snprintf(body, sizeof(body), "%s%s%s", root, *name ? "/" : "", name) + 1;
    int used = snprintf(body + path, sizeof(body) - path, "%s", value);

    return wire_request(wire, type, t, body, path + (size_t)used, patience_ms);
}

/* Asks about a node of a tree. Only a write has a value. */
static int ask(struct wire *wire, enum xsd_sockmsg_type type, uint32_t t, const char *root,
               const char *name, const char *value)
{
    return ask_for(wire, type, t, root, name, value, ANSWER_MS);
}

static int remove_it(struct wire *wire, const char *root, const char *name)
{
    int rc = ask_for(wire, XS_RM, 0, root, name, "", REMOVAL_MS);

    return rc == -ENOENT || rc > 0 ? 0 : rc;
}

/* What is left is what the daemon leaves. */
static int remove_records(struct wire *wire, const char *root)
{
    static const char *const names[] = {"pci", "dt", "iommu", "confirm-interval", "lock-file"};
    int rc = 0;

    for (size_t i = 0; rc == 0 && i < sizeof(names) / sizeof(names[0]); i++)
        rc = remove_it(wire, root, names[i]);
    return rc;
}

/* Says that no record counts. 1 when there is no tree of ours: it must not come to be. */
static int unsay_in(struct wire *wire, uint32_t t, const char *root)
{
    char generation[24] = "1";
    int rc = ask(wire, XS_READ, t, root, "", "");

    if (rc < 0)
        return rc == -ENOENT ? 1 : rc;
    rc = ask(wire, XS_READ, t, root, "generation", "");
    if (rc > 0)
        snprintf(generation, sizeof(generation), "%" PRIu64,
                 (uint64_t)strtoull(wire_answer(wire), NULL, 10) + 1);
    if (rc >= 0 || rc == -ENOENT)
        rc = ask(wire, XS_WRITE, t, root, "status", "stopped");
    if (rc >= 0)
        rc = ask(wire, XS_WRITE, t, root, "generation", generation);
    return rc < 0 ? rc : 0;
}

static int start(struct wire *wire, uint32_t *t)
{
    int rc = wire_request(wire, XS_TRANSACTION_START, 0, "", 1, ANSWER_MS);

    *t = rc > 0 ? (uint32_t)strtoul(wire_answer(wire), NULL, 10) : 0;
    return rc < 0 ? rc : *t ? 0 : -EIO;
}

/* 0, 1 when there is no tree of ours, or a negative errno; -EAGAIN: somebody interfered. */
static int unsay_once(struct wire *wire, const char *root)
{
    uint32_t t;
    int rc = start(wire, &t), end;

    if (rc < 0)
        return rc;
    rc = unsay_in(wire, t, root);
    if (is_over(rc))
        return rc;
    end = wire_request(wire, XS_TRANSACTION_END, t, rc >= 0 ? "T" : "F", 2, ANSWER_MS);
    if (rc < 0)
        return rc;
    /* That there was nothing counts as it stood. */
    return end < 0 ? end : rc;
}

static int unsay(struct wire *wire, const char *root)
{
    int rc = -EAGAIN;

    for (int tries = 0; tries < TRIES && rc == -EAGAIN; tries++)
        rc = unsay_once(wire, root);
    return rc;
}

/* A plain removal makes nothing, whatever came or went meanwhile; and of a large tree it is quick,
 * while what a transaction costs xenstored grows with the square of the nodes in it. */
static int remove_tree(struct wire *wire, const char *root, int rc)
{
    if (rc == 0)
        rc = remove_records(wire, root);
    if (rc >= 0)
        return 0;
    return is_over(rc) ? rc : remove_it(wire, root, "");
}

static void name_root(uint32_t domid, char root[ROOT_SIZE])
{
    if (domid == KEEPER_HOST)
        snprintf(root, ROOT_SIZE, "%s", XENIOMMU_HOST_DIR);
    else
        snprintf(root, ROOT_SIZE, "/local/domain/%" PRIu32 "/" XENIOMMU_DIR, domid);
}

static int note(struct keeper_page *page, uint32_t domid, int rc)
{
    if (rc == 0)
        keeper_unmark(page, domid);
    else
        keeper_mark(page, domid);
    return rc;
}

/* later: its records may be many, and go when no other tree waits for its word to be taken back. */
static int withdraw_marked(struct wire *wire, struct keeper_page *page, uint32_t domid, bool *later)
{
    char root[ROOT_SIZE];
    int rc;

    if (!keeper_is_marked(page, domid) && !atomic_load(&page->everything))
        return 0;
    name_root(domid, root);
    /* Of all the numbers there are, most are nobody's. */
    if (atomic_load(&page->everything) && ask(wire, XS_READ, 0, root, "", "") == -ENOENT)
        return note(page, domid, 0);
    rc = unsay(wire, root);
    if (rc == 0 && later) {
        *later = true;
        keeper_mark(page, domid);
        return 0;
    }
    return note(page, domid, remove_tree(wire, root, rc));
}

/* Of a tree whose word was taken back. */
static int remove_rest(struct wire *wire, struct keeper_page *page, uint32_t domid, bool due)
{
    char root[ROOT_SIZE];

    if (!due)
        return 0;
    name_root(domid, root);
    return note(page, domid, remove_tree(wire, root, 0));
}

/* The daemon's last request may still be in its socket. xenstored serves its connections in turn,
 * so it is behind us once we were answered some times. */
static int settle(struct wire *wire)
{
    int rc = 0;

    for (int i = 0; i < 3 && !is_over(rc); i++)
        rc = ask(wire, XS_READ, 0, "/", "", "");
    return is_over(rc) ? rc : 0;
}

/* The host's tree, before all others: none of theirs is believed by tools without it. */
static int begin(struct wire *wire, struct keeper_page *page, bool *later)
{
    int rc = wire_connect(wire);

    if (rc == 0)
        rc = settle(wire);
    /* It may have been lost long ago. */
    if (rc == -ENOTCONN && (rc = wire_connect(wire)) == 0)
        rc = settle(wire);
    return rc == 0 ? withdraw_marked(wire, page, KEEPER_HOST, later) : rc;
}

/* Only what is marked is left to be tried again. */
static int finish(struct wire *wire, struct keeper_page *page, const struct withdrawal *done)
{
    int host = remove_rest(wire, page, KEEPER_HOST, done->host), own = host, met;

    if (!is_over(host))
        own = remove_rest(wire, page, 0, done->own);
    met = own < 0 ? own : host < 0 ? host : done->met;
    atomic_store(&page->everything, false);
    /* What is behind its time, and what it began, ends with the connection. */
    if (met < 0)
        wire_close(wire);
    return met;
}

int keeper_withdraw(struct wire *wire, struct keeper_page *page, struct withdrawal *at)
{
    struct withdrawal now = *at;
    uint32_t end = now.next + AT_ONCE < KEEPER_DOMIDS ? now.next + AT_ONCE : KEEPER_DOMIDS;
    int rc = now.next == 0 ? begin(wire, page, &now.host) : 0;

    *at = (struct withdrawal){0};
    now.met = rc < 0 ? rc : now.met;
    for (; !is_over(rc) && wire->fd >= 0 && now.next < end; now.next++) {
        rc = withdraw_marked(wire, page, now.next, now.next == 0 ? &now.own : NULL);
        now.met = rc < 0 ? rc : now.met;
    }
    if (is_over(rc) || wire->fd < 0) {
        wire_close(wire);
        return rc;
    }
    if (now.next == KEEPER_DOMIDS)
        return finish(wire, page, &now);
    *at = now;
    return 1;
}
